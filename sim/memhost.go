package sim

import (
	"context"
	"io"
	"twinlayer/fs/vfs"

	iofs "io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
	"twinlayer/fs"

	"github.com/spf13/afero"
)

// MemHost is a machine whose files are in memory, for a screen that has no
// other. It begins empty but for the directory /home, where relative names are
// looked up.
type MemHost struct {
	mu    sync.Mutex
	sys   vfs.Sys
	temps int
}

var _ Host = (*MemHost)(nil)

const memHome = "/home"

// NewMemHost is a machine with a clock.
func NewMemHost(clock func() time.Time) *MemHost {
	b := fs.NewBuilder()
	b.MustPut(memHome, fs.Node{Mode: fs.S_IFDIR | 0o755})
	root := vfs.NewTmpfs(b.Tree())
	return &MemHost{sys: vfs.Sys{Mounts: vfs.NewMounts(vfs.Mount{Target: "/", Type: "tmpfs", FS: root}), Clock: clock, Umask: 0o022}}
}

// hostErrno is an error number as this language's programs print it.
type hostErrno struct{ fs.Errno }

func (e hostErrno) Error() string { return strings.ToLower(e.Errno.Error()) }

// Unwrap is the number.
func (e hostErrno) Unwrap() error { return e.Errno }

func hostError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &iofs.PathError{Op: op, Path: name, Err: hostErrno{fs.ErrnoOf(err)}}
}

// Abs is a name as an absolute path; a "/." at its end is cut.
func (h *MemHost) Abs(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(memHome, name)
}

// Dir is a directory to read, as it is now.
func (h *MemHost) Dir(name string) iofs.FS {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := vfs.Sys{Mounts: vfs.NewMounts(vfs.Mount{Target: "/", Type: "tmpfs", FS: vfs.NewReadOnly(h.sys.Mounts.Root().Upper())}), Clock: h.sys.Clock}
	return afero.NewIOFS(afero.NewBasePathFs(now.FS(), h.Abs(name)))
}

// Open opens a file to read.
func (h *MemHost) Open(name string) (io.ReadCloser, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	content, err := h.read(h.Abs(name))
	if err != nil {
		return nil, hostError("open", name, err)
	}
	return io.NopCloser(content.Reader()), nil
}

func (h *MemHost) read(name string) (*fs.Data, error) {
	st, err := h.sys.Stat(name, true)
	switch {
	case err != nil:
		return nil, err
	case st.Mode&fs.S_IFMT != fs.S_IFREG:
		return nil, fs.EISDIR
	}
	return h.sys.Content(name)
}

// Create writes a file, whole or not at all.
func (h *MemHost) Create(name string, write func(io.Writer) error) error {
	var content strings.Builder
	if err := write(&content); err != nil {
		return err
	}
	return h.Put(path.Dir(h.Abs(name)), fileTree(path.Base(name), content.String(), h.sys.Clock()))
}

func fileTree(name, content string, at time.Time) *fs.Tree {
	b := fs.NewBuilder()
	b.MustPut("/"+name, fs.Node{Mode: fs.S_IFREG | 0o644, Mtime: at.UnixNano(), Data: fs.DataOf([]byte(content))})
	return b.Tree()
}

// Tree is a file or directory.
func (h *MemHost) Tree(_ context.Context, name string) (*fs.Tree, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	full, ok := h.sys.Realpath(h.Abs(name))
	if !ok {
		return nil, hostError("lstat", name, fs.ENOENT)
	}
	return h.sys.Mounts.Root().Upper().Only(full), nil
}

// Put writes a tree's entries below a directory.
func (h *MemHost) Put(dir string, t *fs.Tree) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return hostError("open", dir, h.sys.PutTree(h.Abs(dir), t))
}

// Kind tells what a name is.
func (h *MemHost) Kind(name string) (HostKind, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st, err := h.sys.Stat(h.Abs(name), true)
	switch {
	case fs.ErrnoOf(err) == fs.ENOENT && err != nil:
		return HostNothing, nil
	case err != nil:
		return HostNothing, hostError("stat", name, err)
	case st.Mode&fs.S_IFMT == fs.S_IFDIR:
		return HostDir, nil
	}
	return HostFile, nil
}

// TempDir makes a directory below /tmp.
func (h *MemHost) TempDir() (TempDir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.temps++
	dir := memTemp{h, "/tmp/" + strconv.Itoa(h.temps)}
	return dir, h.sys.FS().MkdirAll(dir.path, 0o755)
}

// Spool is none: everything is in memory already.
func (h *MemHost) Spool() (fs.Spool, error) { return nil, nil }

// memTemp is a temporary directory in memory.
type memTemp struct {
	host *MemHost
	path string
}

// Path is where it is.
func (d memTemp) Path() string { return d.path }

// Files are the regular files in it.
func (d memTemp) Files() (map[string]string, error) {
	t, err := d.host.Tree(context.Background(), d.path)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for p := range t.All() {
		name, in := strings.CutPrefix(p.Path, "/"+path.Base(d.path)+"/")
		if !in || !p.IsRegular() {
			continue
		}
		content, err := p.Data.Bytes()
		if err != nil {
			return nil, err
		}
		all[name] = string(content)
	}
	return all, nil
}

// Write writes a file.
func (d memTemp) Write(name, content string) error {
	return d.host.Put(d.path, fileTree(path.Clean("/" + name)[1:], content, d.host.sys.Clock()))
}

// Clear removes all that is in it.
func (d memTemp) Clear() error {
	if err := d.Remove(); err != nil {
		return err
	}
	d.host.mu.Lock()
	defer d.host.mu.Unlock()
	return d.host.sys.FS().MkdirAll(d.path, 0o755)
}

// Remove removes it.
func (d memTemp) Remove() error {
	d.host.mu.Lock()
	defer d.host.mu.Unlock()
	return d.host.sys.FS().RemoveAll(d.path)
}
