//go:build linux

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mtab is where old programs look for mounts.
const mtab = "/etc/mtab"

// mountPoints are what a container's engine mounts something on, and mtab; a
// "/" at the end makes a directory (moby, daemon/initlayer).
var mountPoints = []string{
	"/dev/pts/", "/dev/shm/", "/proc/", "/sys/", "/dev/console",
	"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", mtab,
}

// InitLayer is the layer that lies between an image and a container: the mount
// points that the image lacks. It belongs to neither, so docker diff and docker
// commit do not see it. Containers of this session that need the same one
// share it, which saves the disk a dozen files for each.
func (s *Store) InitLayer(image Dir) (string, error) {
	missing, key, err := missingPoints(image)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if dir, ok := s.inits[key]; ok {
		return dir, nil
	}
	dir := filepath.Join(s.session, fmt.Sprintf("init-%d", len(s.inits)+1))
	if err := initLayer(dir, image, missing); err != nil {
		RemoveAll(dir)
		return "", err
	}
	s.inits[key] = dir
	return dir, nil
}

// missingPoints are the mount points that the image lacks, and a text that
// tells their layer from all others. The root directory does not count, which
// every container has in its own layer.
func missingPoints(image Dir) (missing []string, key string, err error) {
	for _, name := range mountPoints {
		lacking, err := lacks(image, name)
		if err != nil {
			return nil, "", err
		}
		if lacking {
			missing = append(missing, name)
		}
	}
	key = strings.Join(missing, " ")
	for _, name := range []string{"dev", "etc"} {
		if _, sub, err := image.Child(name); err != nil {
			return nil, "", err
		} else if len(sub) > 0 {
			key += attributesOf(sub[0])
		}
	}
	return missing, key, nil
}

// attributesOf is what [CopyAttributes] copies, but for the time of the last
// reading.
func attributesOf(dir string) string {
	var st unix.Stat_t
	unix.Lstat(dir, &st)
	return fmt.Sprint("\n", st.Mode, st.Uid, st.Gid, st.Mtim, readAttrs(dir))
}

func initLayer(dir string, image Dir, missing []string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for _, name := range missing {
		if err := mountPoint(dir, name); err != nil {
			return err
		}
	}
	return errors.Join(withoutTime(dir), copyParents(image, dir))
}

// withoutTime gives all that is in dir the time 0: containers of any age share
// the layer.
func withoutTime(dir string) error {
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, unix.UtimesNanoAt(unix.AT_FDCWD, name, make([]unix.Timespec, 2), unix.AT_SYMLINK_NOFOLLOW))
	})
}

func mountPoint(dir, name string) error {
	target := filepath.Join(dir, name)
	if strings.HasSuffix(name, "/") {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if name == mtab {
		return os.Symlink("/proc/mounts", target)
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	return f.Close()
}

// lacks says whether name, or a directory above it, is not in the image. What
// a symlink of the image leads to is the image's affair.
func lacks(d Dir, name string) (bool, error) {
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		s, sub, err := d.Child(part)
		if err != nil || s == nil {
			return s == nil, err
		}
		if !s.IsDir() {
			return false, nil
		}
		d = sub
	}
	return false, nil
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
		if value, ok := getAttr(from, attr); ok && !strings.HasPrefix(attr, "user.overlay.") {
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
