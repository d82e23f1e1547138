package vfs

import (
	iofs "io/fs"
	"os"
	"path"
	"strings"
	"time"
	"twinlayer/fs"
)

// PutTree copies a tree below the directory dir, as it is: with owners, times
// and attributes, and no matter who the process is. Directories that are there
// keep what they are; all else is replaced. An error is an *[iofs.PathError]
// with the path that could not be written.
func (s *Sys) PutTree(dir string, files *fs.Tree) error {
	top, err := s.In(dir)
	if err != nil {
		return err
	}
	to := inserter{top: dir, way: []opened{{"", top}}, names: map[fs.Ino]string{}}
	for p := range files.All() {
		if err := to.one(p); err != nil {
			return &iofs.PathError{Op: "write", Path: path.Join(dir, p.Path), Err: fs.ErrnoOf(err)}
		}
	}
	return nil
}

// inserter is a copy under way. It has the directories open that lead to where
// it is: what an entry costs does not depend on how deep it is.
type inserter struct {
	top   string
	way   []opened
	names map[fs.Ino]string // of what has been put, absolute
}

// opened is a directory of the tree that is put, and the system calls in it.
type opened struct {
	path string
	sys  *Sys
}

func (to *inserter) one(p fs.Path) error {
	cut := strings.LastIndexByte(p.Path, '/')
	for to.way[len(to.way)-1].path != p.Path[:cut] {
		to.way = to.way[:len(to.way)-1]
	}
	sys, base := to.way[len(to.way)-1].sys, p.Path[cut+1:]
	if err := to.entry(sys, base, p); err != nil || !p.IsDir() {
		return err
	}
	in, err := sys.In(base)
	to.way = append(to.way, opened{p.Path, in})
	return err
}

func (to *inserter) entry(sys *Sys, base string, p fs.Path) error {
	st, err := sys.Stat(base, false)
	there := err == nil
	if there && p.IsDir() && st.Mode&fs.S_IFMT == fs.S_IFDIR {
		return nil
	}
	if there {
		if err := sys.FS().RemoveAll(base); err != nil {
			return err
		}
	}
	if first, ok := to.names[p.Ino]; ok && !p.IsDir() {
		return sys.Link(first, base)
	}
	if p.Nlink > 1 {
		to.names[p.Ino] = path.Join(to.top, p.Path)
	}
	if err := makeOne(sys, base, p); err != nil {
		return err
	}
	return dress(sys, base, p)
}

func makeOne(sys *Sys, base string, p fs.Path) error {
	switch p.Type() {
	case fs.S_IFDIR:
		return sys.Mkdir(base, p.Mode&0o7777)
	case fs.S_IFLNK:
		return sys.Symlink(p.Target, base)
	case fs.S_IFREG:
		return copyFile(sys, base, p)
	}
	engine := *sys
	engine.Host = true // the engine makes devices, or notes them, where a container's root may not
	return engine.Mknod(base, p.Mode, p.Rdev)
}

func copyFile(sys *Sys, base string, p fs.Path) error {
	out, err := sys.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, p.Mode&0o7777)
	if err != nil {
		return err
	}
	if err := out.Fill(p.Data); err != nil {
		return err
	}
	return out.Close()
}

// dress gives a new file the owner, permissions, attributes and time that it
// is to have. None of these is a step: the file came with them. An owner that
// the engine cannot give to a file is noted beside it, as those in images are.
func dress(sys *Sys, base string, p fs.Path) error {
	quiet := *sys
	quiet.Log, quiet.IDs = nil, 0
	if p.UID != 0 || p.GID != 0 {
		if err := quiet.Chown(base, int(p.UID), int(p.GID), false); err != nil {
			return err
		}
	}
	if p.Type() != fs.S_IFLNK {
		if err := quiet.Chmod(base, p.Mode&0o7777); err != nil {
			return err
		}
	}
	for _, a := range p.Xattrs {
		if err := quiet.Setxattr(base, a.Name, a.Value, false); err != nil && fs.ErrnoOf(err) != fs.EOPNOTSUPP {
			return err
		}
	}
	return quiet.Utimes(base, time.Time{}, time.Unix(0, p.Mtime), false)
}

// Realpath is a name with the symlinks on the way to it followed, as a path from
// the root; false where nothing is there.
func (s *Sys) Realpath(name string) (string, bool) {
	at := "/"
	parts := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	for range 40 {
		if len(parts) == 0 || parts[0] == "" {
			return at, true
		}
		next := path.Join(at, parts[0])
		st, err := s.Stat(next, false)
		if err != nil {
			return "", false
		}
		if st.Mode&fs.S_IFMT != fs.S_IFLNK || len(parts) == 1 {
			at, parts = next, parts[1:]
			continue
		}
		target, err := s.Readlink(next)
		if err != nil {
			return "", false
		}
		if !path.IsAbs(target) {
			target = path.Join(at, target)
		}
		at, parts = "/", append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), parts[1:]...)
	}
	return "", false
}
