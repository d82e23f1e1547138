package vfs

import (
	"path"
	"strings"
	"twinlayer/fs"
)

func (s *Sys) rootDentry() *dentry {
	u := s.Mounts.Root()
	return &dentry{u: u, ent: u.root(), mount: true}
}

// In is s with a working directory, which relative names begin at, as those of
// openat(2) do: who goes through a tree need not come from the root each time.
func (s *Sys) In(dir string) (*Sys, error) {
	defer s.begin()()
	d, err := s.get(dir, true)
	switch {
	case err != nil:
		return nil, err
	case !d.node().IsDir():
		return nil, fs.ENOTDIR
	}
	out := *s
	out.dir = d
	return &out, nil
}

func (s *Sys) start() *dentry {
	if s.dir != nil {
		return s.dir
	}
	return s.rootDentry()
}

// walker resolves one path; it counts the symlinks it follows.
type walker struct {
	s     *Sys
	links int
}

// spot is where a path ends: a directory, and a name in it that was not
// looked up yet (LOOKUP_PARENT of namei.c).
type spot struct {
	dir   *dentry
	name  string // "" is the root itself
	slash bool   // the path ends in one: a directory is meant
}

// ordinary says whether the name is one that can be made and removed.
func (p spot) ordinary() bool { return p.name != "" && p.name != "." && p.name != ".." }

// path is the absolute path of the spot.
func (p spot) path() string { return path.Join(p.dir.path(), p.name) }

// spot walks to where the absolute path name ends.
func (s *Sys) spot(name string) (spot, error) {
	w := walker{s: s}
	return w.spot(s.start(), name)
}

// spot walks from directory d along name, up to its last part.
func (w *walker) spot(d *dentry, name string) (spot, error) {
	switch {
	case name == "":
		return spot{}, fs.ENOENT
	case len(name) >= fs.PathMax:
		return spot{}, fs.ENAMETOOLONG
	case name[0] == '/':
		d = w.s.rootDentry()
	}
	p := spot{dir: d, slash: strings.HasSuffix(name, "/")}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			continue
		}
		if err := w.into(&p); err != nil {
			return spot{}, err
		}
		p.name = part
	}
	return p, nil
}

// into goes on into what p names, which must be a directory that the process
// may search.
func (w *walker) into(p *spot) error {
	if p.name != "" {
		d, err := w.resolve(spot{dir: p.dir, name: p.name}, true, false)
		switch {
		case err != nil:
			return err
		case d == nil:
			return fs.ENOENT
		}
		p.dir = d
	}
	if !p.dir.node().IsDir() {
		return fs.ENOTDIR
	}
	return w.s.may(p.dir.node(), 1)
}

// last looks up what p names; nil where there is nothing.
func (w *walker) last(p spot) (*dentry, error) {
	switch {
	case p.name == "" || p.name == ".":
		return p.dir, nil
	case p.name == ".." && p.dir.above != nil:
		return p.dir.above, nil
	case p.name == "..":
		return p.dir, nil
	case len(p.name) > fs.NameMax:
		return nil, fs.ENAMETOOLONG
	}
	d, ok := p.dir.look(p.name)
	if !ok {
		w.s.beyond(p.dir.u, p.path())
		return nil, nil
	}
	return w.cross(d), nil
}

// resolve is last, and follows symlinks if it is told to, or the path ends in
// a slash. end says whether the path that was asked for ends here.
func (w *walker) resolve(p spot, follow, end bool) (*dentry, error) {
	d, err := w.last(p)
	if err != nil || d == nil {
		return d, err
	}
	if d.node().Type() == fs.S_IFLNK && (follow || p.slash) {
		if end && !w.s.mayFollow(p.dir.node(), d.node()) {
			return nil, fs.EACCES
		}
		to, err := w.target(p.dir, d)
		if err != nil {
			return nil, err
		}
		if d, err = w.resolve(to, true, end); err != nil || d == nil {
			return d, err
		}
	}
	if p.slash && !d.node().IsDir() {
		return nil, fs.ENOTDIR
	}
	return d, nil
}

// mayFollow says whether a symlink in directory dir may be followed
// (may_follow_link of namei.c).
func (s *Sys) mayFollow(dir, link *fs.Node) bool {
	const shared = fs.S_ISVTX | 0o002
	return s.Protected.Symlinks == 0 || link.UID == s.UID || dir.Mode&shared != shared || dir.UID == link.UID
}

// mayReopen says whether what stands in directory dir may be opened with
// O_CREAT (may_create_in_sticky of namei.c).
func (s *Sys) mayReopen(dir, n *fs.Node) bool {
	level := map[uint32]int{fs.S_IFREG: s.Protected.Regular, fs.S_IFIFO: s.Protected.Fifos}[n.Type()]
	if level == 0 || dir.Mode&fs.S_ISVTX == 0 || n.UID == dir.UID || n.UID == s.UID {
		return true
	}
	return dir.Mode&0o002 == 0 && (dir.Mode&0o020 == 0 || level < 2)
}

// target is where a symlink in directory dir leads.
func (w *walker) target(dir, link *dentry) (spot, error) {
	if w.links++; w.links > fs.SymlinksMax {
		return spot{}, fs.ELOOP
	}
	return w.spot(dir, link.node().Target)
}

// cross goes from a mount point to the root of what is mounted there.
func (w *walker) cross(d *dentry) *dentry {
	if len(w.s.Mounts.list) == 1 || !d.node().IsDir() && d.node().Type() != fs.S_IFREG {
		return d
	}
	if u := w.s.Mounts.at(d.path()); u != nil {
		return &dentry{u: u, above: d.above, name: d.name, ent: u.root(), mount: true}
	}
	return d
}

// get is what stands at name; ENOENT where nothing does.
func (s *Sys) get(name string, follow bool) (*dentry, error) {
	w := walker{s: s}
	p, err := w.spot(s.start(), name)
	if err != nil {
		return nil, err
	}
	d, err := w.resolve(p, follow, true)
	if err == nil && d == nil {
		err = fs.ENOENT
	}
	return d, err
}

// vacant is where a new entry can be made, a directory if dir says so
// (filename_create of namei.c).
func (s *Sys) vacant(name string, dir bool) (spot, error) {
	w := walker{s: s}
	p, err := w.spot(s.start(), name)
	if err != nil {
		return p, err
	}
	if !p.ordinary() {
		return p, fs.EEXIST
	}
	d, err := w.last(p)
	switch {
	case err != nil:
		return p, err
	case d != nil:
		return p, fs.EEXIST
	case p.slash && !dir:
		return p, fs.ENOENT
	case p.dir.u.readOnly():
		return p, fs.EROFS
	}
	return p, nil
}

// may checks the mode bits for read (4), write (2) and execute (1), as
// generic_permission does, and then the capabilities that stand above them.
func (s *Sys) may(n *fs.Node, want uint32) error {
	bits := n.Mode
	switch {
	case n.UID == s.UID:
		bits >>= 6
	case s.inGroup(n.GID):
		bits >>= 3
	}
	switch {
	case bits&want == want:
		return nil
	case s.capable(CAP_DAC_OVERRIDE) && (n.IsDir() || want&1 == 0 || n.Mode&0o111 != 0):
		return nil // all but execute what nobody may
	case s.capable(CAP_DAC_READ_SEARCH) && want&2 == 0 && (n.IsDir() || want&1 == 0):
		return nil
	}
	return fs.EACCES
}

// owns says whether the process may change the metadata of n.
func (s *Sys) owns(n *fs.Node) bool { return n.UID == s.UID || s.capable(CAP_FOWNER) }

// mayRemove checks for removing d from its directory: the sticky bit, and
// whether it is a directory if and only if one is meant (may_delete of
// namei.c).
func (s *Sys) mayRemove(d *dentry, dir bool) error {
	above := d.above.node()
	if err := s.may(above, 3); err != nil {
		return err
	}
	switch {
	case above.Mode&fs.S_ISVTX != 0 && !s.owns(above) && !s.owns(d.node()):
		return fs.EPERM
	case dir && !d.node().IsDir():
		return fs.ENOTDIR
	case !dir && d.node().IsDir():
		return fs.EISDIR
	}
	return nil
}
