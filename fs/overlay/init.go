package overlay

import (
	"path"

	"twinlayer/fs"
)

// InitEntry is a path of the init layer.
type InitEntry struct {
	Path   string
	Mode   uint32
	Target string // of a symlink
}

// InitEntries are what a container's root needs and an image may lack, parents
// first: the mount points of what every container has mounted, and /etc/mtab,
// where old programs look for mounts (moby, daemon/initlayer).
var InitEntries = []InitEntry{
	{Path: "/dev", Mode: fs.S_IFDIR | 0o755},
	{Path: "/dev/pts", Mode: fs.S_IFDIR | 0o755},
	{Path: "/dev/shm", Mode: fs.S_IFDIR | 0o755},
	{Path: "/proc", Mode: fs.S_IFDIR | 0o755},
	{Path: "/sys", Mode: fs.S_IFDIR | 0o755},
	{Path: "/dev/console", Mode: fs.S_IFREG | 0o755},
	{Path: "/etc", Mode: fs.S_IFDIR | 0o755},
	{Path: "/etc/hosts", Mode: fs.S_IFREG | 0o755},
	{Path: "/etc/hostname", Mode: fs.S_IFREG | 0o755},
	{Path: "/etc/resolv.conf", Mode: fs.S_IFREG | 0o755},
	{Path: "/etc/mtab", Mode: fs.S_IFLNK | 0o777, Target: "/proc/mounts"},
}

// Missing are those of InitEntries that an image lacks and that have a place
// there. What lookup returns for a path is nil where the image has nothing
// there, and what a symlink of the image leads to is the image's affair.
func Missing(lookup func(path string) (*fs.Node, error)) (missing []InitEntry, err error) {
	for _, e := range InitEntries {
		have, err := lookup(e.Path)
		if err != nil {
			return nil, err
		}
		parent, err := lookup(path.Dir(e.Path))
		if err != nil {
			return nil, err
		}
		if have == nil && (parent == nil || parent.IsDir()) {
			missing = append(missing, e)
		}
	}
	return missing, nil
}

// InitLayer is the layer that engines put, as Docker does its "-init" layer,
// between an image and the container's layer, so that it is in neither: what
// the image lacks of InitEntries. Directories that the image has keep their
// attributes; an image may have something else where a directory is needed,
// and then lacks the mount.
func InitLayer(image *fs.Tree) *fs.Tree {
	b := fs.NewBuilder()
	root := *image.Root()
	root.Opaque = false
	b.MustPut("/", root)
	missing, _ := Missing(func(name string) (*fs.Node, error) { return image.Lookup(name), nil })
	for _, e := range missing {
		parent := path.Dir(e.Path)
		if have := image.Lookup(parent); have != nil && b.Lookup(parent) == nil {
			b.MustPut(parent, *have)
		}
		b.MustPut(e.Path, fs.Node{Mode: e.Mode, Target: e.Target})
	}
	return b.Tree()
}
