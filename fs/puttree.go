package fs

import (
	iofs "io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// PutTree copies a tree below the directory dir, as it is: with owners, times
// and attributes, and no matter who the process is. Directories that are there
// keep what they are; all else is replaced. An error is an *[iofs.PathError]
// with the path that could not be written.
func (s *Sys) PutTree(dir string, files *Tree) error {
	top, err := s.In(dir)
	if err != nil {
		return err
	}
	to := inserter{top: dir, way: []opened{{"", top}}, names: map[Ino]string{}}
	for p := range files.All() {
		if err := to.one(p); err != nil {
			return &iofs.PathError{Op: "write", Path: path.Join(dir, p.Path), Err: ErrnoOf(err)}
		}
	}
	return nil
}

// inserter is a copy under way. It has the directories open that lead to where
// it is: what an entry costs does not depend on how deep it is.
type inserter struct {
	top   string
	way   []opened
	names map[Ino]string // of what has been put, absolute
}

// opened is a directory of the tree that is put, and the system calls in it.
type opened struct {
	path string
	sys  *Sys
}

func (to *inserter) one(p Path) error {
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

func (to *inserter) entry(sys *Sys, base string, p Path) error {
	st, err := sys.Stat(base, false)
	there := err == nil
	if there && p.IsDir() && st.Mode&S_IFMT == S_IFDIR {
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

func makeOne(sys *Sys, base string, p Path) error {
	switch p.Type() {
	case S_IFDIR:
		return sys.Mkdir(base, p.Mode&0o7777)
	case S_IFLNK:
		return sys.Symlink(p.Target, base)
	case S_IFREG:
		return copyFile(sys, base, p)
	}
	engine := *sys
	engine.Host = true // the engine makes devices, or notes them, where a container's root may not
	return engine.Mknod(base, p.Mode, p.Rdev)
}

func copyFile(sys *Sys, base string, p Path) error {
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
func dress(sys *Sys, base string, p Path) error {
	quiet := *sys
	quiet.Log, quiet.IDs = nil, 0
	if p.UID != 0 || p.GID != 0 {
		if err := quiet.Chown(base, int(p.UID), int(p.GID), false); err != nil {
			return err
		}
	}
	if p.Type() != S_IFLNK {
		if err := quiet.Chmod(base, p.Mode&0o7777); err != nil {
			return err
		}
	}
	for _, a := range p.Xattrs {
		if err := quiet.Setxattr(base, a.Name, a.Value, false); err != nil && ErrnoOf(err) != EOPNOTSUPP {
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
		if st.Mode&S_IFMT != S_IFLNK || len(parts) == 1 {
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

// Only is what stands at name as the one entry of a tree's root; of "/" it is
// the whole tree.
func (t *Tree) Only(name string) *Tree {
	if name == "/" {
		return t
	}
	b := NewCopy()
	base := "/" + path.Base(name)
	for p := range t.All() {
		if p.Path == name {
			b.Add(p, base, *p.Node)
		}
	}
	for p := range t.All() {
		if rest, ok := Below(name, p.Path); ok {
			b.Add(p, base+rest, *p.Node)
		}
	}
	return b.Tree()
}
