//go:build linux

package overlay

import (
	"context"
	"path"

	"golang.org/x/sys/unix"
)

// Walk calls visit for everything below dir, parents first, with the path from
// there. It ends with the first error, which it returns, and with ctx.
func Walk(ctx context.Context, dir string, visit func(path string, s *Stat) error) error {
	return Aside(func() error {
		top, err := OpenFolder(ctx, dir)
		if err != nil {
			return err
		}
		defer top.Close()
		return top.walk("", visit)
	})
}

func (f *folder) walk(prefix string, visit func(string, *Stat) error) error {
	defer f.shut()
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, e := range names {
		s, err := f.stat(e.name)
		if err == nil && s != nil {
			err = visit(path.Join(prefix, e.name), s)
		}
		if err == nil && s != nil && s.IsDir() {
			err = f.sub(e.name).walk(path.Join(prefix, e.name), visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Opaque is the mark of a directory that hides all that lies below it; "" where
// it has none.
func (s *Stat) Opaque() string {
	mark, _ := s.attr(OpaqueAttr)
	return mark
}

// Find reads the inode of a path as who has root as its root directory sees
// it: no symlink leads out of there. Nothing is opened but to look.
func Find(root, path string) (st unix.Stat_t, err error) {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return st, err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, path, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
	if err != nil {
		return st, err
	}
	defer unix.Close(fd)
	return st, unix.Fstat(fd, &st)
}
