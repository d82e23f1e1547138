package userland

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
)

// machine is a small modelled machine: a union on one layer with the tools in
// /tools, and a process in /workdir.
type machine struct {
	sys *vfs.Sys
	mu  sync.Mutex
	pid int
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	b := fs.NewBuilder()
	put := func(name string, n fs.Node) {
		n.Mtime = 1e18
		require.NoError(t, b.Put(name, n))
	}
	program := fs.DataOf([]byte("\x7fELF\x00"))
	for _, name := range Applets() {
		put("/tools/"+name, fs.Node{Mode: fs.S_IFREG | 0o755, Data: program})
		put("/bin/"+name, fs.Node{Mode: fs.S_IFREG | 0o755, Data: program})
	}
	text := func(name, s string) { put(name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(s))}) }
	for _, name := range []string{"/etc/passwd", "/etc/group"} { // the names that the real world prints
		known, err := os.ReadFile(name)
		require.NoError(t, err)
		text(name, string(known))
	}
	for name, dev := range map[string]uint64{"null": fs.Mkdev(1, 3), "zero": fs.Mkdev(1, 5), "full": fs.Mkdev(1, 7)} {
		put("/dev/"+name, fs.Node{Mode: fs.S_IFCHR | 0o666, Rdev: dev})
	}
	for _, dir := range []string{"/workdir", "/root", "/tmp"} {
		put(dir, fs.Node{Mode: fs.S_IFDIR | 0o755, UID: uint32(os.Getuid()), GID: uint32(os.Getgid())})
	}
	layer := b.Tree()
	u := vfs.NewUnion([]vfs.Layer{{Tree: layer}}, fs.Merge(layer), vfs.NewUpper(layer, 0))
	m := &machine{pid: 1}
	now := time.Now()
	m.sys = &vfs.Sys{Mounts: vfs.NewMounts(vfs.Mount{Target: "/", FS: u}), Pipes: new(vfs.Pipes), Umask: 0o022, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Clock: func() time.Time {
		m.mu.Lock()
		defer m.mu.Unlock()
		now = now.Add(time.Microsecond)
		return now
	}}
	return m
}

func (m *machine) process(args ...string) *Process {
	p := &Process{
		Args: args, Env: []string{"PATH=/tools", "HOME=/root", "LANG=C"}, Dir: "/workdir", PID: 1, UID: os.Getuid(), GID: os.Getgid(),
		FS: m.sys.FS(), Kernel: toyKernel{}, Umask: 0o022, Now: m.sys.Clock, Exec: m.exec,
		Sleep: func(ctx context.Context, d time.Duration) error { return ctx.Err() },
	}
	p.SetUmask = func(mask uint32) { m.sys.Umask = mask }
	return p
}

// exec runs a child, which has system calls of its own.
func (m *machine) exec(ctx context.Context, child *Process) int {
	m.mu.Lock()
	m.pid++
	child.PID = m.pid
	m.mu.Unlock()
	sys := *m.sys
	sys.Umask = child.Umask
	child.FS = sys.FS()
	child.SetUmask = func(mask uint32) { sys.Umask = mask }
	if child.Started != nil {
		child.Started(child.PID)
	}
	return Run(ctx, child)
}

type toyKernel struct{}

func (toyKernel) Uname() Uname {
	return Uname{"Linux", "model", "6.1.0", "#1 SMP", "x86_64"}
}
func (toyKernel) Processes() []ProcessInfo      { return []ProcessInfo{{1, 0, []string{"sh"}}} }
func (toyKernel) Mounts() []Mount               { return []Mount{{"overlay", "/", "overlay", "rw"}} }
func (toyKernel) Statfs(string) (Statfs, error) { return Statfs{}, fs.ENOSYS }
func (toyKernel) SetHostname(string) error      { return fs.EPERM }
func (toyKernel) Kill(pid, _ int) error {
	if pid == 1 {
		return nil
	}
	return fs.ESRCH
}

// modelWorld runs scripts in the model.
func modelWorld(t *testing.T, script string) outcome {
	_, o := runInModel(t, script)
	return o
}

func runInModel(t *testing.T, script string) (*machine, outcome) {
	m := newMachine(t)
	p := m.process("sh", "-c", script)
	var stdout, stderr bytes.Buffer
	p.Stdout, p.Stderr = &stdout, &stderr
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	status := Run(ctx, p)
	require.NoError(t, ctx.Err(), "the script hangs")
	clean := strings.NewReplacer("/tools", "BIN", "/workdir", "DIR").Replace
	o := outcome{Stdout: clean(stdout.String()), Stderr: cleanErrors(clean(stderr.String())), Status: status}
	m.tree(t, "/workdir", &o.Tree)
	return m, o
}

func (m *machine) tree(t *testing.T, dir string, list *[]string) {
	fsys := m.sys.FS()
	names, err := listNames(fsys, dir)
	require.NoError(t, err)
	for _, name := range names {
		full := path.Join(dir, name)
		info, _, err := fsys.LstatIfPossible(full)
		require.NoError(t, err)
		line := fmt.Sprint(info.Mode(), " ", strings.TrimPrefix(full, "/workdir/"))
		switch {
		case info.Mode().IsRegular():
			f, err := fsys.Open(full)
			require.NoError(t, err)
			data, err := io.ReadAll(f)
			require.NoError(t, err)
			f.Close()
			line += fmt.Sprintf(" %d %x", len(data), sha256.Sum256(data))[:20]
		case info.Mode()&0o400 != 0 && !info.IsDir():
			if target, err := fsys.ReadlinkIfPossible(full); err == nil {
				line += " -> " + target
			}
		}
		*list = append(*list, line)
		if info.IsDir() {
			m.tree(t, full, list)
		}
	}
}

// notInModel are the scripts that ask what the toy machine does not know, or
// that show it.
var notInModel = map[string]string{
	"mount": "no statfs", "kill": "no signals", "mkfifo": "a fifo has no two ends in the model",
	"touch/access-only": "no access times", "touch/mtime-only": "no access times", "uname": "another kernel",
	"sh/background": "kill and job numbers of real processes",
}

// TestScriptsInModel runs every script over the model's file system, and
// expects what our tools print on the real one.
func TestScriptsInModel(t *testing.T) {
	real := hostWorld(t, selfPath(t))
	if raceEnabled {
		real = modelWorld
	}
	for _, c := range scriptCases() {
		t.Run(c.name, func(t *testing.T) {
			if why := notInModel[c.name]; why != "" {
				t.Skip(why)
			}
			needsRoot(t, c)
			t.Parallel()
			require.Equal(t, real(t, c.script).text(), modelWorld(t, c.script).text())
		})
	}
}
