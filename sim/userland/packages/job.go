package packages

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"twinlayer/fs"
	"twinlayer/sim/userland"
)

// managers are the tools, with the family whose repository each has.
var managers = map[string]struct {
	family string
	run    func(j *job, args []string) int
}{
	"apt":        {"debian", aptGet},
	"apt-get":    {"debian", aptGet},
	"apt-cache":  {"debian", aptCache},
	"apt-mark":   {"debian", aptMark},
	"dpkg":       {"debian", dpkg},
	"dpkg-query": {"debian", dpkg},
	"yum":        {"centos", yum},
	"rpm":        {"centos", rpm},
	"cc":         {"", cc},
	"gcc":        {"", cc},
}

// Has says whether [Run] knows a name.
func Has(name string) bool {
	_, ok := managers[name]
	return ok || userland.Has(name)
}

// Run runs the tool that the base of Args[0] names: one of those here, or
// else one of package userland.
func Run(ctx context.Context, p *userland.Process) int {
	if len(p.Args) == 0 {
		return userland.Run(ctx, p)
	}
	name := path.Base(p.Args[0])
	m, ok := managers[name]
	if !ok {
		return userland.Run(ctx, p)
	}
	if p.SetUmask != nil {
		old := p.Umask
		p.SetUmask(0o022)
		defer p.SetUmask(old)
	}
	j := &job{Process: p, ctx: ctx, name: name, family: m.family}
	defer j.flush()
	return m.run(j, p.Args[1:])
}

// job is one run of a tool. Its output is held back until it ends, asks or
// complains, so that a reader who goes away leaves no work half done.
type job struct {
	*userland.Process
	ctx    context.Context
	name   string
	family string
	out    bytes.Buffer
	yes    bool // answer every question with yes
	quiet  int
	// transcript is what dpkg printed, for apt's log.
	transcript string
	unlogged   bool // an image in the making has no logs yet
}

func (j *job) repo() *repository { return repositories[j.family]() }

func (j *job) printf(format string, args ...any) { fmt.Fprintf(&j.out, format, args...) }

// notef prints what -qq silences.
func (j *job) notef(format string, args ...any) {
	if j.quiet < 2 {
		j.printf(format, args...)
	}
}

func (j *job) flush() {
	if j.Stdout != nil {
		j.Stdout.Write(j.out.Bytes())
	}
	j.out.Reset()
}

// errorf complains, after what was printed so far.
func (j *job) errorf(format string, args ...any) {
	j.flush()
	fmt.Fprintf(j.Stderr, format+"\n", args...)
}

// answer is the line that a question is answered with; ok is false at the end
// of the input.
func (j *job) answer() (line string, ok bool) {
	j.flush()
	if j.Stdin == nil {
		return "", false
	}
	line, err := bufio.NewReader(j.Stdin).ReadString('\n')
	return strings.ToLower(strings.TrimSpace(line)), err == nil || line != ""
}

// day is today as logs have it: without the time of day, see the package's
// comment.
func (j *job) day() time.Time {
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	return now().UTC().Truncate(24 * time.Hour)
}

// made is when every packaged file was made.
var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func errnoOf(err error) fs.Errno { return fs.ErrnoOf(err) }

func reason(err error) string { return fs.ErrnoOf(err).Error() }

func (j *job) read(name string) string {
	f, err := j.FS.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(f)
	return string(text)
}

func (j *job) exists(name string) bool {
	_, _, err := j.FS.LstatIfPossible(name)
	return err == nil
}

// names are the entries of a directory, sorted.
func (j *job) names(dir string) []string {
	f, err := j.FS.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	slices.Sort(names)
	return names
}

// dirs makes the directory and what is missing above it.
func (j *job) dirs(dir string) error {
	if dir == "/" || j.exists(dir) {
		return nil
	}
	if err := j.dirs(path.Dir(dir)); err != nil {
		return err
	}
	return j.FS.Mkdir(dir, 0o755)
}

// write puts a file in place whole: under another name first, then by rename.
func (j *job) write(name, suffix string, mode uint32, content []byte) error {
	if err := j.dirs(path.Dir(name)); err != nil {
		return err
	}
	if err := j.fill(name+suffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode, content); err != nil {
		return err
	}
	return j.FS.Rename(name+suffix, name)
}

// fill opens a file and writes to it.
func (j *job) fill(name string, flag int, mode uint32, content []byte) error {
	f, err := j.FS.OpenFile(name, flag, fs.FileMode(fs.S_IFREG|mode&0o777))
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

// log adds to a log file.
func (j *job) log(name string, mode uint32, text string) error {
	if j.unlogged {
		return nil
	}
	if err := j.dirs(path.Dir(name)); err != nil {
		return err
	}
	return j.fill(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, mode, []byte(text))
}

// lock opens a lock file as if to lock it.
func (j *job) lock(name string) error {
	if err := j.dirs(path.Dir(name)); err != nil {
		return err
	}
	return j.fill(name, os.O_RDWR|os.O_CREATE, 0o640, nil)
}
