//go:build linux

package box

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Probe mounts an overlay in the empty directory dir, deletes a file of its
// lower layer, and unmounts it: what containers will need of the kernel and
// of the file system.
func Probe(dir string) error {
	defer os.RemoveAll(dir)
	r := Root{
		Dir: dir, Lower: []string{"lower"}, Upper: "upper", Work: "work", Merged: filepath.Join(dir, "merged"),
	}
	for _, sub := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "lower", "file"), nil, 0o644); err != nil {
		return err
	}
	if err := unix.Setxattr(filepath.Join(dir, "upper"), "user.overlay.probe", []byte("y"), 0); err != nil {
		return &os.PathError{Op: "setting a user.* attribute of", Path: dir, Err: err}
	}
	if err := r.mount(); err != nil {
		return err
	}
	defer unix.Unmount(r.Merged, unix.MNT_DETACH)
	return os.Remove(filepath.Join(r.Merged, "file"))
}
