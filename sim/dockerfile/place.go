package dockerfile

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// place puts one source where the instruction wants it: what is in a
// directory goes into the destination, a file becomes it, or goes into it if
// it is a directory or ends in a slash, and of an archive goes in what it
// holds.
func (p *plan) place(s source) error {
	dest, err := p.destination(s)
	if err != nil {
		return err
	}
	if s.node.IsDir() {
		return p.placeDir(s.path, dest)
	}
	if p.Unpack != nil && s.node.IsRegular() {
		if archive, err := p.Unpack(s.node.Data); err != nil {
			return fmt.Errorf("unpacking %s: %w", s.name, err)
		} else if archive != nil {
			return p.placeArchive(archive, dest)
		}
	}
	if strings.HasSuffix(p.Dest, "/") || p.isDir(dest) {
		dest = path.Join(dest, path.Base(s.name))
	}
	if err := p.parents(path.Dir(dest), p.Owner); err != nil {
		return err
	}
	return p.put(dest, plain(s.node))
}

// destination is where the instruction puts s, symlinks of the image followed.
func (p *plan) destination(s source) (string, error) {
	dest := p.Dest
	if p.Parents && s.path != "" {
		rel := s.name
		if !s.node.IsDir() {
			rel = path.Dir(rel)
		}
		dest = path.Join(dest, rel) + "/"
	}
	return resolve(p.root, dest, false)
}

func (p *plan) isDir(name string) bool {
	node := p.at(name)
	return node != nil && node.IsDir()
}

// at is what stands at a path of the image so far.
func (p *plan) at(name string) *fs.Node {
	if node := p.out.Lookup(name); node != nil {
		return node
	}
	return p.root.Lookup(name)
}

// parents makes the directories that are missing, owner's.
func (p *plan) parents(dir string, owner *Owner) error {
	at := ""
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		at += "/" + part
		if err := p.directory(at, owner); err != nil {
			return err
		}
	}
	return nil
}

// directory makes one directory that is missing.
func (p *plan) directory(name string, owner *Owner) error {
	switch old := p.at(name); {
	case old != nil && !old.IsDir():
		return fmt.Errorf("mkdir %s: not a directory", name)
	case old != nil && p.out.Lookup(name) != nil:
		return nil
	case old != nil:
		return p.out.Put(name, plain(old))
	}
	n := fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: p.Now, Ctime: p.Now}
	if owner != nil {
		n.UID, n.GID = owner.UID, owner.GID
	}
	return p.out.Put(name, n)
}

// placeDir merges what is in a directory into another.
func (p *plan) placeDir(dir, dest string) error {
	if err := p.parents(path.Dir(dest), nil); err != nil {
		return err
	}
	if err := p.directory(dest, p.Owner); err != nil {
		return fmt.Errorf("failed to copy directory: %w", err)
	}
	clear(p.links)
	for f := range under(p.from, dir) {
		if p.excludes(f.Path) {
			continue
		}
		if err := p.placeEntry(f, path.Join(dest, f.Path)); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) placeEntry(f fs.Path, to string) error {
	if err := p.parents(path.Dir(to), p.Owner); err != nil {
		return err
	}
	if first, again := p.links[f.Ino]; again && f.Nlink > 1 && !f.IsDir() {
		return p.out.Link(to, first)
	}
	p.links[f.Ino] = to
	return p.put(to, plain(f.Node))
}

func (p *plan) put(name string, n fs.Node) error {
	if p.Owner != nil {
		n.UID, n.GID = p.Owner.UID, p.Owner.GID
	}
	if p.Mode != nil && n.Type() != fs.S_IFLNK {
		n.Mode = n.Type() | *p.Mode
	}
	return p.out.Put(name, n)
}

// placeArchive unpacks: owners and permissions are the archive's.
func (p *plan) placeArchive(archive *fs.Tree, dest string) error {
	if err := p.parents(dest, nil); err != nil {
		return err
	}
	own := *p
	own.from, own.Owner, own.Mode, own.Exclude = archive, nil, nil, nil
	return own.placeDir("/", dest)
}

// Chown is the owner that --chown=user[:group] names in an image with this
// root file system.
func Chown(text string, root *fs.Tree) (*Owner, error) {
	if text == "" {
		return nil, nil
	}
	user, group, ok := strings.Cut(text, ":")
	if !ok {
		group = user
	}
	uid, err := idOf(user, root, "/etc/passwd", "uid for user", "user")
	if err != nil {
		return nil, err
	}
	gid, err := idOf(group, root, "/etc/group", "gid for group", "group")
	return &Owner{uid, gid}, err
}

// idOf looks a name up in a file of the form of passwd(5) and group(5).
func idOf(name string, root *fs.Tree, file, what, kind string) (uint32, error) {
	for line := range strings.Lines(text(root, file)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) < 3 || f[0] != name {
			continue
		}
		if id, err := strconv.ParseUint(f[2], 10, 32); err == nil {
			return uint32(id), nil
		}
	}
	if id, err := strconv.ParseUint(name, 10, 31); err == nil {
		return uint32(id), nil
	}
	return 0, fmt.Errorf("unable to convert uid/gid chown string to host mapping: can't find %s %s: no such %s: %s", what, name, kind, name)
}

// text is a file's text, "" where there is none.
func text(t *fs.Tree, name string) string {
	at, err := resolve(t, name, false)
	if err != nil {
		return ""
	}
	node := t.Lookup(at)
	if node == nil || !node.IsRegular() || node.Size() > 1<<20 {
		return ""
	}
	b, err := node.Data.Bytes()
	if err != nil {
		return ""
	}
	return string(b)
}

// Directories is what makes a directory of an image with this root, and those
// above it that are missing; nil where it is there.
func Directories(name string, root *fs.Tree, now int64) (*fs.Tree, error) {
	at, err := resolve(root, name, false)
	if err != nil {
		return nil, err
	}
	p := &plan{Copy: Copy{Now: now}, root: root, out: fs.NewBuilder()}
	if p.isDir(at) {
		return nil, nil
	}
	if p.at(at) != nil {
		return nil, says("Cannot mkdir: %s is not a directory", name)
	}
	return p.treeOf(at)
}

func (p *plan) treeOf(dir string) (*fs.Tree, error) {
	if err := p.parents(dir, nil); err != nil {
		return nil, says("Cannot mkdir: %v", err)
	}
	return p.out.Tree(), nil
}
