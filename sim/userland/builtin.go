package userland

import (
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/fs"
)

type builtinFunc func(in *interp, args []string) int

// special says whether name is a special builtin of POSIX: no function hides
// it, and its errors end a script.
func special(name string) bool {
	switch name {
	case ".", ":", "source", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set",
		"shift", "times", "trap", "unset":
		return true
	}
	return false
}

// builtin is the builtin command called name; nil if there is none.
func builtin(name string) builtinFunc {
	switch name {
	case ":", "true":
		return func(*interp, []string) int { return 0 }
	case "false":
		return func(*interp, []string) int { return 1 }
	case "echo":
		return (*interp).echo
	case "printf":
		return (*interp).printf
	case "test", "[":
		return (*interp).test1
	case "kill":
		return (*interp).kill
	case "cd", "chdir":
		return (*interp).cd
	case "pwd":
		return (*interp).pwd
	case "umask":
		return (*interp).umaskCmd
	case "export", "readonly":
		return (*interp).export
	case "local":
		return (*interp).local
	case "unset":
		return (*interp).unset
	case "set":
		return (*interp).set
	case "shift":
		return (*interp).shift
	case "read":
		return (*interp).read
	case "getopts":
		return (*interp).getopts
	case "alias":
		return (*interp).aliasCmd
	case "unalias":
		return (*interp).unalias
	}
	return control(name)
}

// control are the builtins that decide what runs next.
func control(name string) builtinFunc {
	switch name {
	case "exit":
		return (*interp).exit
	case "return":
		return (*interp).returnCmd
	case "break", "continue":
		return (*interp).leave
	case "eval":
		return (*interp).evalCmd
	case ".", "source":
		return (*interp).source
	case "exec":
		return (*interp).exec
	case "command":
		return (*interp).commandCmd
	case "type":
		return (*interp).typeCmd
	case "trap":
		return (*interp).trap
	case "wait":
		return (*interp).wait
	case "jobs":
		return (*interp).jobsCmd
	case "times":
		return (*interp).times
	case "hash":
		return func(*interp, []string) int { return 0 }
	case "help":
		return (*interp).help
	}
	return nil
}

func builtinNames() []string {
	return strings.Fields(`. : [ alias break cd chdir command continue echo eval exec exit export false getopts
		hash help jobs kill local printf pwd read readonly return set shift source test times trap true type
		umask unalias unset wait`)
}

// err complains as "sh: cd: …"; an error of a special builtin ends a script.
func (in *interp) err(name, format string, args ...any) int {
	text := name + ": " + fmt.Sprintf(format, args...)
	if special(name) {
		return in.abort("%s", text)
	}
	return in.complain(2, "%s", text)
}

func (in *interp) print(format string, args ...any) int {
	if _, err := fmt.Fprintf(in.stdout(), format, args...); brokenPipe(err) {
		return in.endByPipe()
	} else if err != nil {
		return in.complain(1, "write error: %s", reason(err))
	}
	return 0
}

// endByPipe ends a shell by SIGPIPE, since a builtin has written to a pipe that
// nobody reads.
func (in *interp) endByPipe() int {
	in.jump, in.status = jump{kind: jumpExit}, exitPipe
	return exitPipe
}

func (in *interp) echo(args []string) int   { return in.applet(applet{run: echo, flags: raw}, args) }
func (in *interp) printf(args []string) int { return in.applet(applet{run: printf, flags: raw}, args) }
func (in *interp) test1(args []string) int  { return in.applet(applet{run: test, flags: raw}, args) }

func (in *interp) cd(args []string) int {
	args = dropFlags(args[1:], "-L", "-P", "--")
	dir := in.get("HOME")
	if len(args) > 0 {
		dir = args[0]
	}
	show := dir == "-"
	if show {
		dir = in.get("OLDPWD")
	}
	to := path.Clean(in.path(dir))
	if dir == "" {
		to = in.dir
	}
	if err := in.enter(to); err != nil {
		if in.bash {
			return in.complain(1, "cd: %s: %s", dir, reason(err))
		}
		return in.err("cd", "can't cd to %s: %s", dir, reason(err))
	}
	if show {
		return in.print("%s\n", in.dir)
	}
	return 0
}

func dropFlags(args []string, flags ...string) []string {
	for len(args) > 0 && slices.Contains(flags, args[0]) {
		args = args[1:]
	}
	return args
}

// enter makes dir the shell's directory.
func (in *interp) enter(dir string) error {
	info, err := in.p.FS.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fs.ENOTDIR
	}
	if err := in.p.FS.Access(dir, 1); err != nil {
		return err
	}
	in.vars["OLDPWD"] = variable{value: in.dir, set: true, exported: true}
	in.vars["PWD"] = variable{value: dir, set: true, exported: true}
	in.dir = dir
	return nil
}

func (in *interp) pwd(args []string) int {
	dir := in.dir
	if slices.Contains(args, "-P") {
		if real, err := realpath(in.p.FS, dir); err == nil {
			dir = real
		}
	}
	return in.print("%s\n", dir)
}

func (in *interp) umaskCmd(args []string) int {
	args = args[1:]
	switch {
	case len(args) == 0:
		return in.print("%04o\n", in.umask)
	case args[0] == "-S":
		return in.print("%s\n", symbolicMask(in.umask))
	}
	mask, err := strconv.ParseUint(args[0], 8, 32)
	if err != nil {
		mode, ok := changeMode(0o777&^in.umask, args[0], 0, false)
		if !ok {
			return in.err("umask", "Illegal mode: %s", args[0])
		}
		mask = uint64(0o777 &^ mode)
	}
	in.umask = uint32(mask) & 0o777
	in.applyUmask()
	return 0
}

func symbolicMask(mask uint32) string {
	var parts []string
	for i, who := range []string{"u", "g", "o"} {
		bits := ^mask >> (6 - 3*i) & 7
		s := who + "="
		for j, c := range "rwx" {
			if bits&(4>>j) != 0 {
				s += string(c)
			}
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ",")
}

// applyUmask makes the file system obey this shell's mask.
func (in *interp) applyUmask() {
	if in.p.SetUmask != nil {
		in.p.SetUmask(in.umask)
	}
}

// after takes the mask back from subshells that ended with another one.
func (in *interp) after(subshells ...*interp) {
	for _, sub := range subshells {
		if sub.umask != in.umask {
			in.applyUmask()
		}
	}
}

func (in *interp) export(args []string) int {
	name := args[0]
	mark := func(v *variable) { v.exported = true }
	has := func(v variable) bool { return v.exported }
	if name == "readonly" {
		mark = func(v *variable) { v.readonly = true }
		has = func(v variable) bool { return v.readonly }
	}
	args = args[1:]
	if len(args) == 0 || args[0] == "-p" {
		return in.printVars(name+" ", has)
	}
	if args[0] == "-n" && name == "export" {
		args, mark = args[1:], func(v *variable) { v.exported = false }
	}
	for _, arg := range args {
		if !in.declare(name, arg, mark) {
			return in.status
		}
	}
	return 0
}

// declare sets "name" or "name=value" and marks the variable.
func (in *interp) declare(cmd, arg string, mark func(*variable)) bool {
	name, value, has := strings.Cut(arg, "=")
	if !syntax.ValidName(name) {
		in.err(cmd, "%s: bad variable name", name)
		return false
	}
	if has && !in.assign(name, value) {
		return false
	}
	v := in.vars[name]
	mark(&v)
	in.vars[name] = v
	return true
}

// printVars lists the variables that fit, quoted, so that the shell can read
// them.
func (in *interp) printVars(prefix string, fits func(variable) bool) int {
	for _, name := range slices.Sorted(maps.Keys(in.vars)) {
		v := in.vars[name]
		if !fits(v) {
			continue
		}
		line := prefix + name
		if v.set {
			line += "=" + quote(v.value)
		}
		if status := in.print("%s\n", line); status != 0 {
			return status
		}
	}
	return 0
}

func (in *interp) local(args []string) int {
	if len(in.frames) == 0 {
		return in.abort("local: not in a function")
	}
	frame := in.frames[len(in.frames)-1]
	for _, arg := range args[1:] {
		name, _, _ := strings.Cut(arg, "=")
		if _, saved := frame[name]; !saved {
			frame[name] = in.vars[name]
		}
		if !strings.Contains(arg, "=") {
			delete(in.vars, name)
			continue
		}
		if !in.declare("local", arg, func(*variable) {}) {
			return in.status
		}
	}
	return 0
}

func (in *interp) unset(args []string) int {
	args = args[1:]
	funcs := len(args) > 0 && args[0] == "-f"
	for _, name := range dropFlags(args, "-f", "-v") {
		switch {
		case funcs:
			delete(in.funcs, name)
		case !syntax.ValidName(name):
			return in.err("unset", "%s: bad variable name", name)
		case in.vars[name].readonly:
			return in.err("unset", "%s: is read only", name)
		default:
			delete(in.vars, name)
		}
	}
	return 0
}

func (in *interp) set(args []string) int {
	args = args[1:]
	if len(args) == 0 {
		return in.printVars("", func(v variable) bool { return v.set })
	}
	rest, params, ok := in.setFlags(args)
	if !ok {
		return in.status
	}
	if params {
		in.params = slices.Clone(rest)
	}
	return 0
}

// setFlags applies "-eu -o name" and returns what follows; params says
// whether that replaces the positional parameters.
func (in *interp) setFlags(args []string) (rest []string, params, ok bool) {
	for len(args) > 0 {
		arg := args[0]
		switch {
		case arg == "--":
			return args[1:], true, true
		case len(arg) < 2 || arg[0] != '-' && arg[0] != '+':
			return args, true, true
		}
		args = args[1:]
		for i := 1; i < len(arg); i++ {
			if arg[i] != 'o' {
				if !in.setFlag(arg[i], arg[0] == '-') {
					return nil, false, false
				}
				continue
			}
			if len(args) == 0 {
				in.listOptions(arg[0] == '+')
				return nil, false, true
			}
			if !in.setOption(args[0], arg[0] == '-') {
				return nil, false, false
			}
			args = args[1:]
		}
	}
	return nil, false, true
}

func (in *interp) setFlag(letter byte, on bool) bool {
	for _, opt := range shellOptions {
		if opt.letter == letter {
			in.opts[letter] = on
			return true
		}
	}
	in.err("set", "illegal option -%c", letter)
	return false
}

func (in *interp) setOption(name string, on bool) bool {
	for _, opt := range shellOptions {
		if opt.name == name {
			in.opts[opt.letter] = on
			return true
		}
	}
	in.err("set", "illegal option -o %s", name)
	return false
}

func (in *interp) listOptions(asCommands bool) {
	for _, opt := range shellOptions {
		on := in.opts[opt.letter]
		sign := map[bool]string{true: "-", false: "+"}[on]
		if asCommands {
			in.print("set %so %s\n", sign, opt.name)
			continue
		}
		in.print("%-15s %s\n", opt.name, map[bool]string{true: "on", false: "off"}[on])
	}
}

func (in *interp) shift(args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 0 {
			return in.err("shift", "Illegal number: %s", args[1])
		}
	}
	if n > len(in.params) {
		return 1
	}
	in.params = slices.Clone(in.params[n:])
	return 0
}

func (in *interp) aliasCmd(args []string) int {
	status := 0
	names := args[1:]
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(in.aliases))
	}
	for _, arg := range names {
		name, text, isNew := strings.Cut(arg, "=")
		switch old, ok := in.aliases[name]; {
		case isNew:
			in.aliases[name] = text
		case ok:
			in.print("%s=%s\n", name, quote(old))
		default:
			fmt.Fprintf(in.stderr(), "alias: %s not found\n", name)
			status = 1
		}
	}
	return status
}

func (in *interp) unalias(args []string) int {
	status := 0
	for _, name := range args[1:] {
		if name == "-a" {
			clear(in.aliases)
			continue
		}
		if _, ok := in.aliases[name]; !ok {
			fmt.Fprintf(in.stderr(), "unalias: %s not found\n", name)
			status = 1
		}
		delete(in.aliases, name)
	}
	return status
}

func (in *interp) times([]string) int {
	return in.print("0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")
}

func (in *interp) help([]string) int {
	return in.print("Built-in commands:\n------------------\n\t%s\n", strings.Join(builtinNames(), " "))
}

// readByte reads one byte and no more, so that a program run later finds the
// rest.
func readByte(r io.Reader) (byte, error) {
	var b [1]byte
	for {
		n, err := r.Read(b[:])
		if n == 1 {
			return b[0], nil
		}
		if err != nil {
			return 0, err
		}
	}
}
