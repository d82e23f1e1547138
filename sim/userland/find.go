package userland

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"twinlayer/fs"
)

// finder is a running find.
type finder struct {
	*tool
	expr               func(*found) bool
	follow, depthFirst bool
	xdev               bool   // stay on the file system of the root
	dev                uint64 // that one
	minDepth, maxDepth int
	acts               bool // the expression has an action: no -print at its end
	batches            []*batch
	quit               bool
	status             int
}

// found is a file that find looks at.
type found struct {
	path, name string
	st         *fs.Stat
	prune      bool
}

func find(t *tool) int {
	f := &finder{tool: t, maxDepth: -1}
	args := t.args
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-H" || args[0] == "-P") {
		f.follow = args[0] == "-L"
		args = args[1:]
	}
	var roots []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "!" && args[0] != "(" {
		roots, args = append(roots, args[0]), args[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	p := findParser{f: f, args: args}
	var err error
	if f.expr, err = p.parse(); err != nil {
		return t.errorf("%s", err)
	}
	for _, root := range roots {
		f.visit(root, baseOf(root), 0)
	}
	for _, b := range f.batches {
		b.flush()
	}
	return f.status
}

func (f *finder) visit(name, base string, depth int) {
	if f.quit || f.done() {
		return
	}
	st, err := f.lstat(name)
	if f.follow {
		if followed, serr := f.stat(name); serr == nil {
			st = followed
		}
	}
	if err != nil {
		f.fail(name, err)
		return
	}
	if depth == 0 {
		f.dev = st.Dev
	}
	x := &found{path: name, name: base, st: st}
	if depth >= f.minDepth && !f.depthFirst {
		f.expr(x)
	}
	if st.Mode&fs.S_IFMT == fs.S_IFDIR && !x.prune && depth != f.maxDepth && (!f.xdev || st.Dev == f.dev) {
		f.eachEntry(name, func(child string) { f.visit(child, baseOf(child), depth+1) })
	}
	if depth >= f.minDepth && f.depthFirst && !f.quit {
		f.expr(x)
	}
}

// findParser parses find's expression.
type findParser struct {
	f    *finder
	args []string
}

type predicate = func(*found) bool

func (p *findParser) parse() (predicate, error) {
	if len(p.args) == 0 {
		return p.f.print("\n"), nil
	}
	expr, err := p.or()
	switch {
	case err != nil:
		return nil, err
	case len(p.args) > 0:
		return nil, fmt.Errorf("unrecognized: %s", p.args[0])
	case !p.f.acts:
		print := p.f.print("\n")
		return func(x *found) bool { return expr(x) && print(x) }, nil
	}
	return expr, nil
}

func (p *findParser) or() (predicate, error) {
	left, err := p.and()
	for err == nil && len(p.args) > 0 && (p.args[0] == "-o" || p.args[0] == "-or") {
		p.args = p.args[1:]
		var right predicate
		if right, err = p.and(); err == nil {
			a := left
			left = func(x *found) bool { return a(x) || right(x) }
		}
	}
	return left, err
}

func (p *findParser) and() (predicate, error) {
	left, err := p.not()
	for err == nil && len(p.args) > 0 && p.args[0] != "-o" && p.args[0] != "-or" && p.args[0] != ")" {
		if p.args[0] == "-a" || p.args[0] == "-and" {
			p.args = p.args[1:]
		}
		var right predicate
		if right, err = p.not(); err == nil {
			a := left
			left = func(x *found) bool { return a(x) && right(x) }
		}
	}
	return left, err
}

func (p *findParser) not() (predicate, error) {
	if len(p.args) == 0 {
		return nil, fmt.Errorf("expression expected")
	}
	arg := p.args[0]
	p.args = p.args[1:]
	switch arg {
	case "!", "-not":
		inner, err := p.not()
		return func(x *found) bool { return !inner(x) }, err
	case "(":
		inner, err := p.or()
		if err == nil && (len(p.args) == 0 || p.args[0] != ")") {
			return nil, fmt.Errorf("unmatched '('")
		}
		if err == nil {
			p.args = p.args[1:]
		}
		return inner, err
	}
	return p.primary(arg)
}

func yes1(*found) bool { return true }

// primary are the tests and actions without an operand.
func (p *findParser) primary(arg string) (predicate, error) {
	f := p.f
	switch arg {
	case "-print":
		f.acts = true
		return f.print("\n"), nil
	case "-print0":
		f.acts = true
		return f.print("\x00"), nil
	case "-delete":
		f.acts, f.depthFirst = true, true
		return f.remove, nil
	case "-prune":
		return func(x *found) bool { x.prune = true; return true }, nil
	case "-quit":
		f.acts = true
		return func(*found) bool { f.quit = true; return true }, nil
	case "-depth", "-d":
		f.depthFirst = true
		return yes1, nil
	case "-follow":
		f.follow = true
		return yes1, nil
	case "-xdev", "-mount":
		f.xdev = true
		return yes1, nil
	case "-true":
		return yes1, nil
	case "-false":
		return func(*found) bool { return false }, nil
	case "-empty":
		return f.empty, nil
	case "-executable":
		return func(x *found) bool { return f.FS.Access(f.abs(x.path), 1) == nil }, nil
	case "-exec", "-ok":
		return p.exec()
	}
	if !strings.HasPrefix(arg, "-") || !isFindTest(arg) {
		return nil, fmt.Errorf("unrecognized: %s", arg)
	}
	if len(p.args) == 0 {
		return nil, fmt.Errorf("%s: requires an argument", arg)
	}
	operand := p.args[0]
	p.args = p.args[1:]
	return p.withOperand(arg, operand)
}

func isFindTest(arg string) bool {
	switch arg {
	case "-name", "-iname", "-path", "-wholename", "-ipath", "-regex", "-type", "-perm", "-size", "-newer", "-mtime",
		"-atime", "-ctime", "-mmin", "-amin", "-cmin", "-maxdepth", "-mindepth", "-user", "-group", "-links",
		"-inum", "-samefile":
		return true
	}
	return false
}

func (p *findParser) withOperand(arg, s string) (predicate, error) {
	f := p.f
	switch arg {
	case "-name":
		return func(x *found) bool { return match(s, x.name) }, nil
	case "-iname":
		return func(x *found) bool { return match(strings.ToLower(s), strings.ToLower(x.name)) }, nil
	case "-path", "-wholename":
		return func(x *found) bool { return match(s, x.path) }, nil
	case "-ipath":
		return func(x *found) bool { return match(strings.ToLower(s), strings.ToLower(x.path)) }, nil
	case "-regex":
		re, err := compileRE("^("+s+")$", false, false)
		if err != nil {
			re, err = compile("", "^(?:"+s+")$", false)
		}
		return func(x *found) bool { return re.MatchString(x.path) }, err
	case "-type":
		return findType(s)
	case "-perm":
		return findPerm(s)
	case "-size":
		return findSize(s)
	case "-maxdepth", "-mindepth":
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("invalid number '%s'", s)
		}
		if arg == "-maxdepth" {
			f.maxDepth = n
		} else {
			f.minDepth = n
		}
		return yes1, nil
	}
	return p.compared(arg, s)
}

// compared are the tests against a number, a user or another file.
func (p *findParser) compared(arg, s string) (predicate, error) {
	f := p.f
	switch arg {
	case "-newer", "-samefile":
		st, err := f.stat(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", s, reason(err))
		}
		if arg == "-newer" {
			return func(x *found) bool { return x.st.Mtime.After(st.Mtime) }, nil
		}
		return func(x *found) bool { return sameFile(x.st, st) }, nil
	case "-user":
		id, ok := userID(f.FS, s)
		return func(x *found) bool { return int(x.st.UID) == id }, unknownIf(!ok, "user", s)
	case "-group":
		id, ok := groupID(f.FS, s)
		return func(x *found) bool { return int(x.st.GID) == id }, unknownIf(!ok, "group", s)
	}
	fits, err := compareNumber(s)
	now := f.Now()
	age := func(when time.Time, unit time.Duration) int64 { return int64(now.Sub(when) / unit) }
	const day = 24 * time.Hour
	get := map[string]func(x *found) int64{
		"-links": func(x *found) int64 { return int64(x.st.Nlink) },
		"-inum":  func(x *found) int64 { return int64(x.st.Ino) },
		"-mtime": func(x *found) int64 { return age(x.st.Mtime, day) },
		"-atime": func(x *found) int64 { return age(x.st.Atime, day) },
		"-ctime": func(x *found) int64 { return age(x.st.Ctime, day) },
		"-mmin":  func(x *found) int64 { return age(x.st.Mtime, time.Minute) },
		"-amin":  func(x *found) int64 { return age(x.st.Atime, time.Minute) },
		"-cmin":  func(x *found) int64 { return age(x.st.Ctime, time.Minute) },
	}[arg]
	return func(x *found) bool { return fits(get(x)) }, err
}

func unknownIf(bad bool, what, name string) error {
	if bad {
		return fmt.Errorf("unknown %s %s", what, name)
	}
	return nil
}

// compareNumber reads "5", "+5" or "-5".
func compareNumber(s string) (func(int64) bool, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(s, "+-"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("invalid number '%s'", s)
	}
	switch s[0] {
	case '+':
		return func(x int64) bool { return x > n }, nil
	case '-':
		return func(x int64) bool { return x < n }, nil
	}
	return func(x int64) bool { return x == n }, nil
}

func findType(s string) (predicate, error) {
	kinds := map[string]uint32{
		"f": fs.S_IFREG, "d": fs.S_IFDIR, "l": fs.S_IFLNK, "b": fs.S_IFBLK, "c": fs.S_IFCHR, "p": fs.S_IFIFO,
		"s": fs.S_IFSOCK,
	}
	kind, ok := kinds[s]
	if !ok {
		return nil, fmt.Errorf("invalid argument '%s' to '-type'", s)
	}
	return func(x *found) bool { return x.st.Mode&fs.S_IFMT == kind }, nil
}

func findPerm(s string) (predicate, error) {
	mask, ok := changeMode(0, strings.TrimLeft(s, "+-/"), 0, false)
	if !ok {
		return nil, fmt.Errorf("invalid mode '%s'", s)
	}
	switch s[0] {
	case '-':
		return func(x *found) bool { return x.st.Mode&mask == mask }, nil
	case '+', '/':
		return func(x *found) bool { return mask == 0 || x.st.Mode&mask != 0 }, nil
	}
	return func(x *found) bool { return x.st.Mode&0o7777 == mask }, nil
}

func findSize(s string) (predicate, error) {
	unit := int64(512)
	if n := len(s); n > 0 {
		if u, ok := map[byte]int64{'c': 1, 'b': 512, 'k': 1 << 10, 'w': 2}[s[n-1]]; ok {
			unit, s = u, s[:n-1]
		}
	}
	if s == "" {
		return nil, fmt.Errorf("invalid number '%s'", s)
	}
	n, err := strconv.ParseInt(strings.TrimLeft(s, "+-"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("invalid number '%s'", s)
	}
	n *= unit
	switch s[0] {
	case '+':
		return func(x *found) bool { return x.st.Size >= n+unit }, nil
	case '-':
		return func(x *found) bool { return x.st.Size <= n-unit }, nil
	}
	return func(x *found) bool { return x.st.Size >= n && x.st.Size < n+unit }, nil
}

func (f *finder) print(end string) predicate {
	return func(x *found) bool {
		f.out.WriteString(x.path + end)
		return true
	}
}

func (f *finder) remove(x *found) bool {
	remove := f.FS.Unlink
	if x.st.Mode&fs.S_IFMT == fs.S_IFDIR {
		remove = f.FS.Rmdir
	}
	if x.path == "." {
		return true
	}
	if err := remove(f.abs(x.path)); err != nil {
		f.fail(x.path, err)
		return false
	}
	return true
}

func (f *finder) empty(x *found) bool {
	if x.st.Mode&fs.S_IFMT == fs.S_IFDIR {
		list, err := f.names(x.path)
		return err == nil && len(list) == 0
	}
	return x.st.Mode&fs.S_IFMT == fs.S_IFREG && x.st.Size == 0
}

// batch are the paths of one -exec … {} +.
type batch struct {
	f     *finder
	args  []string
	paths []string
}

const batchMax = 1000

func (b *batch) flush() {
	if len(b.paths) == 0 {
		return
	}
	if b.f.execArgs(append(append([]string{}, b.args...), b.paths...)) != 0 {
		b.f.status = 1
	}
	b.paths = nil
}

func (p *findParser) exec() (predicate, error) {
	p.f.acts = true
	end := 0
	for end < len(p.args) && p.args[end] != ";" && !(p.args[end] == "+" && end > 0 && p.args[end-1] == "{}") {
		end++
	}
	if end == len(p.args) || end == 0 {
		return nil, fmt.Errorf("-exec: requires an argument")
	}
	args, plus := p.args[:end], p.args[end] == "+"
	p.args = p.args[end+1:]
	if plus {
		b := &batch{f: p.f, args: args[:len(args)-1]}
		p.f.batches = append(p.f.batches, b)
		return func(x *found) bool {
			if b.paths = append(b.paths, x.path); len(b.paths) >= batchMax {
				b.flush()
			}
			return true
		}, nil
	}
	return func(x *found) bool {
		var argv []string
		for _, arg := range args {
			argv = append(argv, strings.ReplaceAll(arg, "{}", x.path))
		}
		return p.f.execArgs(argv) == 0
	}, nil
}

func (f *finder) execArgs(args []string) int {
	f.out.Flush()
	status, err := f.spawn(f.ctx, f.child(args))
	if err != nil {
		failed := f.failed
		f.fail(args[0], err)
		f.failed = failed // which busybox's exit status does not show
		return 1
	}
	return status
}
