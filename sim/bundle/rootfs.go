package bundle

import (
	"path"
	"time"

	"twinlayer/fs"
)

// epoch is when every bundled file and image was made, so that the same
// program makes the same digests on every machine.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// rootfs is a layer in the making. All that is in it belongs to 0:0 and is as
// old as epoch. Paths are relative, as in a layer tar: "etc/passwd". What goes
// wrong is told at the end, by tree.
type rootfs struct {
	builder *fs.Builder
	err     error
}

func newRootfs() *rootfs { return &rootfs{builder: fs.NewBuilder()} }

// put sets a node, with the directories above it that are missing.
func (r *rootfs) put(name string, n fs.Node) {
	if parent := path.Dir(name); r.builder.Lookup(parent) == nil {
		r.dir(parent, 0o755)
	}
	n.Mtime, n.Ctime = epoch.UnixNano(), epoch.UnixNano()
	if err := r.builder.Put(name, n); err != nil && r.err == nil {
		r.err = err
	}
}

func (r *rootfs) dir(name string, mode uint32) {
	r.put(name, fs.Node{Mode: fs.S_IFDIR | mode})
}

// text is a file that anyone may read.
func (r *rootfs) text(name, content string) {
	r.put(name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(content))})
}

// program is a file that anyone may run.
func (r *rootfs) program(name string, content *fs.Data) {
	r.put(name, fs.Node{Mode: fs.S_IFREG | 0o755, Data: content})
}

func (r *rootfs) symlink(name, target string) {
	r.put(name, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: target})
}

// tree is all that was put, or the first error.
func (r *rootfs) tree() (*fs.Tree, error) { return r.builder.Tree(), r.err }
