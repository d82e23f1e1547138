package userland

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/afero"

	"twinlayer/fs"
)

// applet is one tool: what it does, the flags it takes in [getopt]'s terms
// (raw: it parses its arguments itself), and its usage line.
type applet struct {
	run   func(t *tool) int
	flags string
	long  string
	usage string
}

const raw = "*"

// tool is a running applet.
type tool struct {
	*Process
	options
	args   []string // the operands
	ctx    context.Context
	name   string
	in     io.Reader
	out    *bufio.Writer
	failed int // the exit status that complaints have led to
}

const (
	exitInterrupted = 128 + 2
	exitKilled      = 128 + 9
	exitPipe        = 128 + 13 // of SIGPIPE
)

// runApplet runs a as p and returns its exit status.
func runApplet(ctx context.Context, name string, a applet, p *Process) int {
	t := newTool(ctx, name, p)
	t.args = p.Args[1:]
	if a.flags != raw {
		if slices.Contains(t.args, "--help") {
			return t.usage(a, t.Stdout, 0)
		}
		var problem string
		t.options, t.args, problem = getopt(a.flags, a.long, p.Args[1:])
		if problem != "" {
			fmt.Fprintf(t.Stderr, "%s: %s\n", name, problem)
			return t.usage(a, t.Stderr, 1)
		}
	}
	return t.finish(a.run(t), a)
}

func newTool(ctx context.Context, name string, p *Process) *tool {
	own := *p
	if own.Stdin == nil {
		own.Stdin = strings.NewReader("")
	}
	if own.Now == nil {
		own.Now = time.Now
	}
	return &tool{
		Process: &own, ctx: ctx, name: name,
		in:  obey(ctx, own.Stdin),
		out: bufio.NewWriter(obeyWriter{ctx, own.Stdout}),
	}
}

// badUsage is what a tool returns to have its usage shown.
const badUsage = -1

func (t *tool) finish(status int, a applet) int {
	err := t.out.Flush()
	switch {
	case brokenPipe(err):
		return exitPipe
	case t.ctx.Err() != nil:
		return exitKilled
	case err != nil && status == 0:
		t.errorf("write error: %s", reason(err))
		return 1
	case status == badUsage:
		return t.usage(a, t.Stderr, max(1, t.failed))
	}
	return max(status, t.failed)
}

func (t *tool) usage(a applet, w io.Writer, status int) int {
	fmt.Fprintf(w, "%s multi-call binary.\n\nUsage: %s %s\n", version, t.name, a.usage)
	return status
}

const version = "BusyBox v1.35.0 (twinlayer)"

// brokenPipe says whether a write failed because nobody reads.
func brokenPipe(err error) bool {
	return err != nil && (errors.Is(err, io.ErrClosedPipe) || fs.ErrnoOf(err) == fs.EPIPE)
}

// reason is the text of the system's error inside err.
func reason(err error) string { return fs.ErrnoOf(err).Error() }

func (t *tool) printf(format string, args ...any) { fmt.Fprintf(t.out, format, args...) }

func (t *tool) println(s string) {
	t.out.WriteString(s)
	t.out.WriteByte('\n')
}

// errorf complains: what was printed so far comes first. The exit status will
// be 1.
func (t *tool) errorf(format string, args ...any) int {
	t.out.Flush()
	fmt.Fprintf(t.Stderr, "%s: %s\n", t.name, fmt.Sprintf(format, args...))
	t.failed = max(t.failed, 1)
	return 1
}

// fail complains about name with the system's reason.
func (t *tool) fail(name string, err error) int {
	if err == errMemory {
		return t.errorf("%s", err) // it is nothing of the file
	}
	return t.errorf("%s: %s", name, reason(err))
}

// cannot complains in the form "can't open 'x': No such file or directory".
func (t *tool) cannot(do, name string, err error) int {
	return t.errorf("can't %s '%s': %s", do, name, reason(err))
}

// done says whether there is no use in going on: nobody reads, or the process
// was ended.
func (t *tool) done() bool {
	_, err := t.out.Write(nil) // an earlier write's error stays
	return t.ctx.Err() != nil || err != nil
}

func (t *tool) stat(name string) (*fs.Stat, error) {
	info, err := t.FS.Stat(t.abs(name))
	return sysStat(info, err)
}

func (t *tool) lstat(name string) (*fs.Stat, error) {
	info, _, err := t.FS.LstatIfPossible(t.abs(name))
	return sysStat(info, err)
}

func sysStat(info os.FileInfo, err error) (*fs.Stat, error) {
	if err != nil {
		return nil, err
	}
	if st, ok := info.Sys().(*fs.Stat); ok {
		return st, nil
	}
	return nil, fs.EIO
}

func (t *tool) open(name string) (afero.File, error) { return t.FS.Open(t.abs(name)) }

func (t *tool) create(name string) (afero.File, error) {
	return t.FS.OpenFile(t.abs(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
}

// names are the entries of a directory, sorted.
func (t *tool) names(dir string) ([]string, error) { return listNames(t.FS, t.abs(dir)) }

func listNames(fsys fs.FS, dir string) ([]string, error) {
	f, err := fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// input opens an operand, where "-" is standard input, and complains where it
// cannot.
func (t *tool) input(name string) (io.ReadCloser, bool) {
	if name == "-" {
		return io.NopCloser(t.in), true
	}
	f, err := t.open(name)
	if err != nil {
		t.fail(name, err)
		return nil, false
	}
	return inFile{obey(t.ctx, f), f}, true
}

type inFile struct {
	io.Reader
	io.Closer
}

// inputNames are the operands, or standard input's name where there are none.
func (t *tool) inputNames() []string {
	if len(t.args) == 0 {
		return []string{"-"}
	}
	return t.args
}

// eachInput calls do with every operand's content; standard input's if there
// is no operand.
func (t *tool) eachInput(do func(name string, r io.Reader) error) {
	names := t.inputNames()
	for _, name := range names {
		if t.done() {
			return
		}
		r, ok := t.input(name)
		if !ok {
			continue
		}
		if err := do(name, r); err != nil && !brokenPipe(err) {
			t.fail(name, err)
		}
		r.Close()
	}
}

// allInputs is the contents of the operands one after another.
func (t *tool) allInputs() io.Reader {
	names := t.inputNames()
	return &inputs{t: t, names: names}
}

type inputs struct {
	t     *tool
	names []string
	cur   io.ReadCloser
}

func (in *inputs) Read(p []byte) (int, error) {
	for {
		if in.cur == nil {
			if len(in.names) == 0 {
				return 0, io.EOF
			}
			name := in.names[0]
			in.names = in.names[1:]
			in.cur, _ = in.t.input(name)
			continue
		}
		n, err := in.cur.Read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			in.cur.Close()
			in.cur = nil
			if err != io.EOF {
				return 0, err
			}
		}
	}
}

// eachLine calls do with every line, its newline cut off; has says whether it
// had one. do returns false to stop.
func eachLine(r io.Reader, do func(line string, has bool) bool) error {
	return eachRecord(r, '\n', do)
}

func eachRecord(r io.Reader, end byte, do func(s string, has bool) bool) error {
	b := bufio.NewReader(r)
	for {
		s, err := readRecord(b, end)
		if s == "" && err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		rest, has := strings.CutSuffix(s, string(end))
		if !do(rest, has) {
			return nil
		}
	}
}

// join is dir/base as find and rm print it.
func join(dir, base string) string {
	if strings.HasSuffix(dir, "/") {
		return dir + base
	}
	return dir + "/" + base
}

// baseOf is the last part of a path, as basename(1) sees it.
func baseOf(name string) string { return path.Base(name) }

// obey makes reads fail once ctx is done.
func obey(ctx context.Context, r io.Reader) io.Reader { return obeyReader{ctx, r} }

type obeyReader struct {
	ctx context.Context
	r   io.Reader
}

func (o obeyReader) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	return o.r.Read(p)
}

type obeyWriter struct {
	ctx context.Context
	w   io.Writer
}

func (o obeyWriter) Write(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	if o.w == nil {
		return len(p), nil
	}
	return o.w.Write(p)
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }
