package fs

import (
	"slices"
	"strings"
)

const (
	nameMax     = 255
	pathMax     = 4096
	symlinksMax = 40
)

func (s *Sys) rootDentry() *dentry {
	u := s.Mounts.Root()
	return &dentry{u: u, ent: u.root(), mount: true}
}

// walker resolves one path; it counts the symlinks it follows.
type walker struct {
	s     *Sys
	links int
}

// walk finds the absolute path name: the directory that holds its last part,
// that part, and what stands there (nil where nothing does). follow says
// whether a symlink there is followed.
func (s *Sys) walk(name string, follow bool) (dir *dentry, base string, found *dentry, err error) {
	if len(name) >= pathMax {
		return nil, "", nil, ENAMETOOLONG
	}
	if name == "" {
		return nil, "", nil, ENOENT
	}
	w := walker{s: s}
	return w.from(s.rootDentry(), name, follow)
}

func (w *walker) from(d *dentry, name string, follow bool) (*dentry, string, *dentry, error) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	needDir := strings.HasSuffix(name, "/")
	for i, part := range parts {
		last := i == len(parts)-1
		next, err := w.step(d, part, !last || follow || needDir)
		if last {
			return w.end(d, part, next, needDir, err)
		}
		if err != nil {
			return nil, "", nil, err
		}
		if next == nil {
			return nil, "", nil, ENOENT
		}
		d = next
	}
	return d, ".", d, nil
}

// end is the result of a walk whose last part was looked up.
func (w *walker) end(d *dentry, part string, found *dentry, needDir bool, err error) (*dentry, string, *dentry, error) {
	if err != nil {
		return nil, "", nil, err
	}
	if found != nil && needDir && !found.node().IsDir() {
		return nil, "", nil, ENOTDIR
	}
	if found != nil && found.above != nil && (found.above != d || found.name != part) {
		d, part = found.above, found.name // a symlink led elsewhere
	}
	return d, part, found, nil
}

// step goes from directory d to its entry part; nil where there is none.
func (w *walker) step(d *dentry, part string, follow bool) (*dentry, error) {
	if !d.node().IsDir() {
		return nil, ENOTDIR
	}
	if err := w.s.may(d.node(), 1); err != nil {
		return nil, err
	}
	switch {
	case part == ".":
		return d, nil
	case part == "..":
		if d.above != nil {
			return d.above, nil
		}
		return d, nil
	case len(part) > nameMax:
		return nil, ENAMETOOLONG
	}
	next, ok := d.look(part)
	if !ok {
		return nil, nil
	}
	if follow && next.node().Type() == S_IFLNK {
		return w.follow(d, next)
	}
	return w.cross(next), nil
}

// cross goes from a mount point to the root of what is mounted there.
func (w *walker) cross(d *dentry) *dentry {
	if len(w.s.Mounts.list) == 1 || !d.node().IsDir() && d.node().Type() != S_IFREG {
		return d
	}
	if u := w.s.Mounts.at(d.path()); u != nil {
		return &dentry{u: u, above: d.above, name: d.name, ent: u.root(), mount: true}
	}
	return d
}

func (w *walker) follow(d, link *dentry) (*dentry, error) {
	if w.links++; w.links > symlinksMax {
		return nil, ELOOP
	}
	target := link.node().Target
	if strings.HasPrefix(target, "/") {
		d = w.s.rootDentry()
	}
	if target == "" {
		return nil, ENOENT
	}
	_, _, found, err := w.from(d, target, true)
	return found, err
}

// get is what stands at name; ENOENT where nothing does.
func (s *Sys) get(name string, follow bool) (*dentry, error) {
	_, _, d, err := s.walk(name, follow)
	if err == nil && d == nil {
		err = ENOENT
	}
	return d, err
}

// spot is where a new entry name can be made: its directory and base name.
func (s *Sys) spot(name string) (*dentry, string, error) {
	dir, base, found, err := s.walk(strings.TrimRight(name, "/"), false)
	switch {
	case err != nil:
		return nil, "", err
	case found != nil || base == "." || base == "..":
		return nil, "", EEXIST
	case !dir.node().IsDir():
		return nil, "", ENOTDIR
	case dir.u.upper == nil:
		return nil, "", EROFS
	}
	return dir, base, s.may(dir.node(), 3)
}

// may checks the mode bits for read (4), write (2) and execute (1), as
// generic_permission does; root may all but execute what nobody may.
func (s *Sys) may(n *Node, want uint32) error {
	if s.UID == 0 {
		if want&1 != 0 && !n.IsDir() && n.Mode&0o111 == 0 {
			return EACCES
		}
		return nil
	}
	bits := n.Mode
	switch {
	case n.UID == s.UID:
		bits >>= 6
	case n.GID == s.GID || slices.Contains(s.Groups, n.GID):
		bits >>= 3
	}
	if bits&want != want {
		return EACCES
	}
	return nil
}

// owns says whether the process may change the metadata of n.
func (s *Sys) owns(n *Node) bool { return s.UID == 0 || n.UID == s.UID }

// mayRemove checks for removing d from its directory, the sticky bit too.
func (s *Sys) mayRemove(d *dentry) error {
	dir := d.above.node()
	if d.u.upper == nil {
		return EROFS
	}
	if err := s.may(dir, 3); err != nil {
		return err
	}
	if dir.Mode&S_ISVTX != 0 && !s.owns(dir) && !s.owns(d.node()) {
		return EPERM
	}
	return nil
}
