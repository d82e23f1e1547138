package fs

import "strings"

// dir is the directory that an entry goes into, made where it is missing. Of a
// directory that cannot be made the error is a [TarError]; all others are what
// any system call with such a path ends with.
func (u *unpacker) dir(name string) (tarDir, error) {
	if u.last.dir != 0 && u.last.asked == name {
		return u.last, nil
	}
	at, w := tarDir{dir: RootIno}, treeWalk{t: u.t}
	for rest := strings.Trim(name, "/"); rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		next, err := u.into(&w, at, part)
		if err == ENOENT && rest != "" { // a symlink that leads nowhere is no directory
			return at, failed("mkdir "+strings.TrimSuffix(name, "/"+rest), EEXIST)
		}
		if err != nil {
			return at, err
		}
		at = next
	}
	at.asked = name
	u.last = at
	return at, nil
}

// into goes on to a name of a directory, which is made there if it is missing.
func (u *unpacker) into(w *treeWalk, at tarDir, part string) (tarDir, error) {
	i := u.t.Child(at.dir, part)
	switch {
	case len(part) > NameMax:
		return at, ENAMETOOLONG
	case i == 0:
		return u.implied(at, part)
	case u.t.Node(i).Type() != S_IFLNK:
		if !u.t.Node(i).IsDir() {
			return at, ENOTDIR
		}
		return tarDir{dir: i, real: at.real + "/" + part}, nil
	}
	i, err := w.link(at.dir, i)
	switch {
	case err != nil:
		return at, err
	case !u.t.Node(i).IsDir():
		return at, ENOTDIR
	}
	return tarDir{dir: i, real: u.t.realPath(i)}, nil
}

// implied makes a directory that the tar does not have: 0755 and root's, and
// set-group-ID as the one that it is in (mkdir(2)).
func (u *unpacker) implied(at tarDir, part string) (tarDir, error) {
	e := entry{in: at, base: part}
	if err := tooLong(part, e.real()); err != nil {
		return at, err
	}
	i, err := u.insert(&e, Node{Mode: S_IFDIR | 0o755 | u.t.Node(at.dir).Mode&S_ISGID})
	return tarDir{dir: i, real: e.real()}, err
}

// realPath is the path of a directory, "" of the root.
func (t *Tree) realPath(i Ino) string {
	if i == RootIno {
		return ""
	}
	return t.PathOf(i)
}

// follow is the inode that an absolute path leads to, all symlinks followed.
func (u *unpacker) follow(name string) (Ino, error) {
	w := treeWalk{t: u.t}
	if len(name) >= PathMax {
		return 0, ENAMETOOLONG
	}
	return w.follow(RootIno, name)
}

// treeWalk resolves one path of a tree as if its root were the process's
// (path_resolution(7)); it counts the symlinks that it follows.
type treeWalk struct {
	t     *Tree
	links int
}

// follow goes from directory d along name.
func (w *treeWalk) follow(d Ino, name string) (_ Ino, err error) {
	if strings.HasPrefix(name, "/") {
		d = RootIno
	}
	for part := range strings.SplitSeq(name, "/") {
		n := w.t.Node(d)
		switch {
		case !n.IsDir():
			return 0, ENOTDIR
		case part == "" || part == ".":
			continue
		case part == "..":
			d = w.t.above(d)
			continue
		case len(part) > NameMax:
			return 0, ENAMETOOLONG
		}
		next := n.Dir.get(part)
		if next != 0 && w.t.Node(next).Type() == S_IFLNK {
			next, err = w.link(d, next)
		}
		switch {
		case err != nil:
			return 0, err
		case next == 0:
			return 0, ENOENT
		}
		d = next
	}
	return d, nil
}

// link follows the symlink i of directory d.
func (w *treeWalk) link(d, i Ino) (Ino, error) {
	if w.links++; w.links > SymlinksMax {
		return 0, ELOOP
	}
	return w.follow(d, w.t.Node(i).Target)
}

// above is the directory that holds directory d.
func (t *Tree) above(d Ino) Ino {
	if d == RootIno {
		return d
	}
	return t.Node(d).First.Dir
}
