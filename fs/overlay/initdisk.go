//go:build linux

package overlay

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// missingIn are the entries of the init layer that the image lacks, and a text
// that tells their layer from all others. The root directory does not count,
// which every container has in its own layer.
func MissingIn(image Dir) (missing []InitEntry, key string, err error) {
	missing, err = Missing(image.lookup)
	if err != nil {
		return nil, "", err
	}
	key = fmt.Sprint(missing)
	for _, name := range []string{"dev", "etc"} {
		if _, sub, err := image.Child(name); err != nil {
			return nil, "", err
		} else if len(sub) > 0 {
			key += attributesOf(sub[0])
		}
	}
	return missing, key, nil
}

// lookup is what a path is, no symlink on the way; nil where there is nothing.
func (d Dir) lookup(name string) (*fs.Node, error) {
	mode := uint32(fs.S_IFDIR)
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		if part == "" {
			break
		}
		s, sub, err := d.Child(part)
		if err != nil || s == nil {
			return nil, err
		}
		d, mode = sub, s.Mode
	}
	return &fs.Node{Mode: mode}, nil
}

// attributesOf is what [CopyAttributes] copies, but for the time of the last
// reading.
func attributesOf(dir string) string {
	var st unix.Stat_t
	unix.Lstat(dir, &st)
	return fmt.Sprint("\n", st.Mode, st.Uid, st.Gid, st.Mtim, readAttrs(dir))
}

func WriteInitLayer(dir string, image Dir, missing []InitEntry) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, e := range missing {
		if err := initEntry(filepath.Join(dir, e.Path), e); err != nil {
			return err
		}
	}
	return errors.Join(withoutTime(dir), copyParents(image, dir))
}

// withoutTime gives all that is in dir the time 0: containers of any age share
// the layer.
func withoutTime(dir string) error {
	return filepath.WalkDir(dir, func(name string, _ iofs.DirEntry, err error) error {
		return errors.Join(err, unix.UtimesNanoAt(unix.AT_FDCWD, name, make([]unix.Timespec, 2), unix.AT_SYMLINK_NOFOLLOW))
	})
}

func initEntry(name string, e InitEntry) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	perm := os.FileMode(e.Mode & 0o777)
	switch e.Mode & fs.S_IFMT {
	case fs.S_IFDIR:
		return os.MkdirAll(name, perm)
	case fs.S_IFLNK:
		return os.Symlink(e.Target, name)
	}
	return os.WriteFile(name, nil, perm)
}

// copyParents gives the directories of the init layer that are in the image
// too the attributes they have there, since the topmost directory's count.
func copyParents(image Dir, dir string) error {
	if len(image) == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		_, sub, err := image.Child(e.Name())
		if err == nil {
			err = copyParents(sub, filepath.Join(dir, e.Name()))
		}
		if err != nil {
			return err
		}
	}
	return CopyAttributes(image[0], dir)
}

// CopyAttributes gives the directory to the attributes of the directory from.
func CopyAttributes(from, to string) error {
	var st unix.Stat_t
	if err := unix.Lstat(from, &st); err != nil {
		return err
	}
	err := errors.Join(
		os.Lchown(to, int(st.Uid), int(st.Gid)),
		unix.Chmod(to, st.Mode&0o7777),
		unix.UtimesNanoAt(unix.AT_FDCWD, to, []unix.Timespec{st.Atim, st.Mtim}, unix.AT_SYMLINK_NOFOLLOW))
	for _, attr := range listAttrs(from) {
		if value, ok := getAttr(from, attr); ok && !strings.HasPrefix(attr, "user.") {
			err = errors.Join(err, unix.Lsetxattr(to, attr, []byte(value), 0))
		}
	}
	return err
}

// Root is the root directory of a stack of layers, top first, by their
// directories.
func Root(dirs []string) Dir {
	for i, dir := range dirs {
		if s, err := lstat(dir); err == nil && s != nil && s.isOpaque() {
			return dirs[:i+1]
		}
	}
	return dirs
}
