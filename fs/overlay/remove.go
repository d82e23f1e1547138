//go:build linux

package overlay

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// RemoveAll is os.RemoveAll for trees that a container made: no more of their
// directories are open at once than a process can have open.
func RemoveAll(path string) error {
	f, err := OpenFolder(context.Background(), filepath.Dir(path))
	if err != nil {
		return ignoreMissing(err)
	}
	defer f.Close()
	return f.remove(filepath.Base(path))
}

// removeTries is how often a directory is emptied that somebody fills.
const removeTries = 16

// remove removes a name and all below it; there may be none.
func (f *folder) remove(name string) error {
	err := f.unlink(name, 0)
	if !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM) {
		return Ignore(err, unix.ENOENT)
	}
	for range removeTries {
		if err := f.sub(name).empty(); err != nil {
			return err
		}
		err = f.unlink(name, unix.AT_REMOVEDIR)
		if !errors.Is(err, unix.ENOTEMPTY) {
			break
		}
	}
	return Ignore(err, unix.ENOENT)
}

// empty removes what is in the directory.
func (f *folder) empty() error {
	defer f.shut()
	names, err := f.names()
	for _, e := range names {
		err = errors.Join(err, f.remove(e.name))
		if f.Ctx.Err() != nil {
			break
		}
	}
	return err
}

func (f *folder) unlink(name string, flags int) error {
	at, err := f.at()
	if err == nil {
		err = unix.Unlinkat(at, name, flags)
	}
	if err != nil {
		return &os.PathError{Op: "remove", Path: f.path(name), Err: err}
	}
	return nil
}
