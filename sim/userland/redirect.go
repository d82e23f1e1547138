package userland

import (
	"io"
	"os"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"twinlayer/fs"
)

// stream is what a file descriptor leads to.
type stream struct {
	r io.Reader
	w io.Writer
	c io.Closer // of what the shell itself opened
}

func (s stream) reader() io.Reader {
	if s.r == nil {
		return badFD{}
	}
	return s.r
}

func (s stream) writer() io.Writer {
	if s.w == nil {
		return badFD{}
	}
	return s.w
}

// badFD is a descriptor that is not open for what is wanted.
type badFD struct{}

func (badFD) Read([]byte) (int, error)  { return 0, fs.EBADF }
func (badFD) Write([]byte) (int, error) { return 0, fs.EBADF }

// fdTable are the open files of a shell, by number.
type fdTable [10]stream

// keptFile is a redirection that exec made for the lines to come.
type keptFile struct {
	fd, flag int
	file     string
	dup      int // of which descriptor it is a copy; -1: of none
}

// withRedirs runs do with redirections in force, and undoes them. The
// redirections of a bare exec stay.
func (in *interp) withRedirs(redirs []*syntax.Redirect, cmd syntax.Command, do func() int) int {
	if len(redirs) == 0 {
		return do()
	}
	old := in.fds
	var opened []io.Closer
	keep := isBareExec(cmd)
	status := 0
	for _, rd := range redirs {
		c, ok := in.redirect(rd, keep)
		if c != nil {
			opened = append(opened, c)
		}
		if !ok {
			status = max(in.status, 1)
			break
		}
	}
	if status == 0 {
		status = do()
	}
	if keep && status == 0 {
		return 0
	}
	for _, rd := range redirs {
		in.undo(rd, &old)
	}
	for _, c := range opened {
		c.Close()
	}
	return status
}

// undo brings back what a redirection has replaced. What a bare exec has done
// to other descriptors meanwhile stays.
func (in *interp) undo(rd *syntax.Redirect, old *fdTable) {
	if fd := redirected(rd); fd >= 0 && fd < len(old) {
		in.fds[fd] = old[fd]
	}
	if rd.Op == syntax.RdrAll || rd.Op == syntax.AppAll {
		in.fds[2] = old[2]
	}
}

func isBareExec(cmd syntax.Command) bool {
	call, ok := cmd.(*syntax.CallExpr)
	return ok && len(call.Args) == 1 && call.Args[0].Lit() == "exec"
}

func (in *interp) redirect(rd *syntax.Redirect, keep bool) (io.Closer, bool) {
	fd, ok := in.redirFD(rd)
	if !ok {
		return nil, false
	}
	switch rd.Op {
	case syntax.Hdoc, syntax.DashHdoc:
		return in.hereDocument(fd, rd)
	case syntax.WordHdoc:
		text, ok := in.literal(rd.Word)
		return in.feed(fd, text+"\n"), ok
	}
	target, ok := in.literal(rd.Word)
	if !ok {
		return nil, false
	}
	switch rd.Op {
	case syntax.DplIn, syntax.DplOut:
		return nil, in.duplicate(fd, target, keep)
	case syntax.RdrAll, syntax.AppAll:
		c, ok := in.openRedir(1, rd.Op, target, keep)
		in.fds[2] = in.fds[1]
		return c, ok
	}
	return in.openRedir(fd, rd.Op, target, keep)
}

func (in *interp) redirFD(rd *syntax.Redirect) (int, bool) {
	fd := redirected(rd)
	if fd < 0 || fd >= len(in.fds) {
		in.complain(2, "%s: Bad file descriptor", rd.N.Value)
		return 0, false
	}
	return fd, true
}

// redirected is the descriptor that a redirection names; -1: none.
func redirected(rd *syntax.Redirect) int {
	if rd.N != nil {
		fd, err := strconv.Atoi(rd.N.Value)
		if err != nil {
			return -1
		}
		return fd
	}
	switch rd.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return 0
	}
	return 1
}

func (in *interp) duplicate(fd int, target string, keep bool) bool {
	if target == "-" {
		in.fds[fd] = stream{}
		return true
	}
	from, err := strconv.Atoi(target)
	if err != nil || from >= len(in.fds) || in.fds[from].r == nil && in.fds[from].w == nil {
		in.complain(1, "%s: Bad file descriptor", target)
		return false
	}
	in.fds[fd] = in.fds[from]
	in.fds[fd].c = nil
	if keep {
		in.kept = append(in.kept, keptFile{fd: fd, dup: from})
	}
	return true
}

func (in *interp) openRedir(fd int, op syntax.RedirOperator, target string, keep bool) (io.Closer, bool) {
	flag := in.redirFlag(op)
	file := in.path(target)
	if flag&os.O_EXCL != 0 {
		if info, err := in.p.FS.Stat(file); err == nil && !info.Mode().IsRegular() {
			flag &^= os.O_EXCL
		}
	}
	s, err := in.openStream(file, flag)
	if err != nil {
		text := redirError(target, flag, err)
		if in.bash {
			text = target + ": " + reason(err)
		}
		in.complain(1, "%s", text)
		return nil, false
	}
	in.fds[fd] = s
	if keep {
		in.kept = append(in.kept, keptFile{fd: fd, flag: flag, file: file, dup: -1})
	}
	return s.c, true
}

func (in *interp) redirFlag(op syntax.RedirOperator) int {
	switch op {
	case syntax.RdrIn:
		return os.O_RDONLY
	case syntax.RdrInOut:
		return os.O_RDWR | os.O_CREATE
	case syntax.AppOut, syntax.AppAll:
		return os.O_WRONLY | os.O_CREATE | os.O_APPEND
	case syntax.RdrOut:
		if in.opts['C'] {
			return os.O_WRONLY | os.O_CREATE | os.O_EXCL
		}
	}
	return os.O_WRONLY | os.O_CREATE | os.O_TRUNC
}

func (in *interp) openStream(file string, flag int) (stream, error) {
	f, err := in.p.FS.OpenFile(file, flag, 0o666)
	if err != nil {
		return stream{}, err
	}
	s := stream{c: f}
	if flag&os.O_WRONLY == 0 {
		s.r = f
	}
	if flag&(os.O_WRONLY|os.O_RDWR) != 0 {
		s.w = f
	}
	return s, nil
}

// redirError is ash's text, which has words of its own for ENOENT.
func redirError(target string, flag int, err error) string {
	do, missing := "open", "no such file"
	if flag&os.O_CREATE != 0 {
		do, missing = "create", "nonexistent directory"
	}
	why := reason(err)
	if fs.ErrnoOf(err) == fs.ENOENT {
		why = missing
	}
	return "can't " + do + " " + target + ": " + why
}

// path is name as seen from the shell's directory.
func (in *interp) path(name string) string {
	p := Process{Dir: in.dir}
	return p.abs(name)
}

func (in *interp) hereDocument(fd int, rd *syntax.Redirect) (io.Closer, bool) {
	if rd.Hdoc == nil {
		return in.feed(fd, ""), true
	}
	text, ok := in.document(rd.Hdoc, quotedWord(rd.Word), rd.Op == syntax.DashHdoc)
	return in.feed(fd, text), ok
}

func quotedWord(word *syntax.Word) bool {
	for _, part := range word.Parts {
		if lit, ok := part.(*syntax.Lit); !ok || strings.Contains(lit.Value, `\`) {
			return true
		}
	}
	return false
}

// pipeRoom is what every pipe takes without a reader (pipe(7)).
const pipeRoom = 4 << 10

// feed makes text what is read from fd.
func (in *interp) feed(fd int, text string) io.Closer {
	if in.p.Pipe == nil {
		in.fds[fd] = stream{r: strings.NewReader(text)}
		return nil
	}
	r, w, err := in.p.Pipe()
	if err != nil {
		in.complain(1, "can't create pipe: %s", reason(err))
		return nil
	}
	write := func() {
		io.WriteString(w, text)
		w.Close()
	}
	if len(text) <= pipeRoom {
		write()
	} else {
		in.p.Replace = nil // who writes must stay
		go write()
	}
	in.fds[fd] = stream{r: r}
	return r
}

// reopen puts in force what exec redirected in an earlier line.
func (in *interp) reopen() {
	for _, k := range in.kept {
		if k.dup >= 0 {
			in.fds[k.fd] = in.fds[k.dup]
			continue
		}
		flag := k.flag &^ (os.O_TRUNC | os.O_EXCL)
		if flag&os.O_WRONLY != 0 {
			flag |= os.O_APPEND
		}
		if s, err := in.openStream(k.file, flag); err == nil {
			in.fds[k.fd] = s
		}
	}
}
