package userland

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/fs"
)

// statusArg is the exit status that exit and return are given.
func (in *interp) statusArg(args []string) (int, bool) {
	if len(args) < 2 {
		return in.status, true
	}
	n, err := strconv.Atoi(args[1])
	if err != nil || n < 0 {
		in.err(args[0], "Illegal number: %s", args[1])
		return 2, false
	}
	return n & 255, true
}

func (in *interp) exit(args []string) int {
	n, ok := in.statusArg(args)
	if ok {
		in.jump = jump{kind: jumpExit}
	}
	return n
}

func (in *interp) returnCmd(args []string) int {
	n, ok := in.statusArg(args)
	if ok {
		in.jump = jump{kind: jumpReturn}
	}
	return n
}

func (in *interp) leave(args []string) int {
	n := 1
	if len(args) > 1 {
		var err error
		if n, err = strconv.Atoi(args[1]); err != nil || n < 1 {
			return in.err(args[0], "Illegal number: %s", args[1])
		}
	}
	if in.loops == 0 {
		return 0
	}
	in.jump = jump{jumpBreak, min(n, in.loops)}
	if args[0] == "continue" {
		in.jump.kind = jumpContinue
	}
	return 0
}

// evalCmd runs its operands as commands. An error in them is over with eval, at
// a prompt: the real engine drives a shell by it.
func (in *interp) evalCmd(args []string) int {
	status := in.eval(strings.Join(args[1:], " "))
	if in.interactive {
		in.settle()
	}
	return status
}

// settle ends a jump that has come as far up as it can without ending the
// shell.
func (in *interp) settle() {
	outside := in.sourced == 0 && in.calls == 0
	if in.jump.kind == jumpAbort || in.jump.kind == jumpReturn && outside {
		in.jump = jump{}
	}
}

func (in *interp) source(args []string) int {
	if len(args) < 2 {
		return in.err(args[0], "filename argument required")
	}
	file, ok := in.findSource(args[1])
	if !ok {
		return in.err(args[0], "%s: not found", args[1])
	}
	text, err := readFile(in.p.FS, file)
	if err != nil {
		return in.err(args[0], "can't open '%s': %s", args[1], reason(err))
	}
	params := in.params
	if len(args) > 2 {
		in.params = args[2:]
	}
	in.sourced++
	in.script(stringLines(text))
	in.sourced--
	if in.jump.kind == jumpReturn {
		in.jump = jump{}
	}
	if len(args) > 2 {
		in.params = params
	}
	return in.status
}

func (in *interp) findSource(name string) (string, bool) {
	if strings.Contains(name, "/") {
		return in.path(name), true
	}
	for _, dir := range strings.Split(in.get("PATH"), ":") {
		file := path.Join(in.path(dir), name)
		if info, err := in.p.FS.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, true
		}
	}
	return "", false
}

func readFile(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := readAll(f)
	return string(data), err
}

func (in *interp) exec(args []string) int {
	if len(args) == 1 {
		return 0 // its redirections stay
	}
	status, err := in.makeWay(in.process(args[1:]))
	if err != nil {
		status = in.cannotRun("exec: "+args[1], err)
		if !in.interactive {
			in.jump = jump{kind: jumpExit}
		}
	}
	return status
}

// makeWay runs a child in the shell's place, which ends with it. The error is
// of the finding.
func (in *interp) makeWay(child *Process) (int, error) {
	file, argv, err := Resolve(child)
	if err != nil {
		return 0, err
	}
	if in.p.Exec == nil {
		return 0, fs.ENOSYS
	}
	child.Path, child.Args = file, argv
	in.jump = jump{kind: jumpExit}
	delete(in.traps, "EXIT")
	if len(in.jobs.list) > 0 { // who runs them must stay
		return in.p.Exec(in.ctx, child), nil
	}
	return in.p.become(in.ctx, child), nil
}

func (in *interp) commandCmd(args []string) int {
	flag := ""
	args = args[1:]
	for len(args) > 0 && len(args[0]) == 2 && args[0][0] == '-' {
		flag, args = args[0], args[1:]
	}
	switch {
	case len(args) == 0:
		return 0
	case flag == "-v" || flag == "-V":
		status := 0
		for _, name := range args {
			status = max(status, in.describe(name, flag == "-V"))
		}
		return status
	}
	if run := builtin(args[0]); run != nil {
		return run(in, args)
	}
	return in.program(in.process(args))
}

func (in *interp) typeCmd(args []string) int {
	status := 0
	for _, name := range args[1:] {
		status = max(status, in.describe(name, true))
	}
	return status
}

// describe tells what running name would run.
func (in *interp) describe(name string, verbose bool) int {
	kind, short := in.kindOf(name)
	switch {
	case kind == "" && verbose:
		in.print("%s: not found\n", name)
		return 127
	case kind == "":
		return 127
	case verbose:
		return in.print("%s is %s\n", name, kind)
	}
	return in.print("%s\n", short)
}

func (in *interp) kindOf(name string) (kind, short string) {
	text, aliased := in.aliases[name]
	switch {
	case syntax.IsKeyword(name) && name != "[[" && name != "]]":
		return "a shell keyword", name
	case aliased:
		return "an alias for " + text, "alias " + name + "=" + quote(text)
	case in.funcs[name] != nil:
		return "a function", name
	case builtin(name) != nil && special(name):
		return "a special shell builtin", name
	case builtin(name) != nil:
		return "a shell builtin", name
	}
	if file, err := Lookup(in.process([]string{name}), name); err == nil {
		return file, file
	}
	return "", ""
}

func (in *interp) trap(args []string) int {
	args = dropFlags(args[1:], "--")
	if len(args) == 0 {
		return in.listTraps()
	}
	action, names := args[0], args[1:]
	if len(names) == 0 {
		action, names = "-", args
	}
	status := 0
	for _, arg := range names {
		name, ok := signalName(arg)
		switch {
		case !ok:
			in.complain(1, "trap: %s: invalid signal specification", arg)
			status = 1
		case action == "-":
			delete(in.traps, name)
		default:
			in.traps[name] = action
		}
	}
	return status
}

func (in *interp) listTraps() int {
	names := slices.SortedFunc(maps.Keys(in.traps), func(a, b string) int {
		return signalNumber(a) - signalNumber(b)
	})
	for _, name := range names {
		in.print("trap -- %s %s\n", quote(in.traps[name]), name)
	}
	return 0
}

func (in *interp) wait(args []string) int {
	if len(args) == 1 {
		in.jobs.wait(in.ctx)
		return 0
	}
	status := 0
	for _, arg := range args[1:] {
		pid, err := strconv.Atoi(arg)
		j := in.jobs.find(pid)
		switch {
		case err != nil && !strings.HasPrefix(arg, "%"):
			return in.err("wait", "Illegal number: %s", arg)
		case strings.HasPrefix(arg, "%"):
			if n, _ := strconv.Atoi(arg[1:]); n >= 1 && n <= len(in.jobs.list) {
				j = in.jobs.list[n-1]
			}
		}
		status = 127
		if j != nil {
			status = j.wait(in.ctx)
		}
	}
	return status
}

func (in *interp) jobsCmd([]string) int {
	for i, j := range in.jobs.list {
		if j.running() {
			in.print("[%d]  Running\n", i+1)
		}
	}
	return 0
}
