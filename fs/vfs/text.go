package vfs

import (
	"slices"
	"twinlayer/fs"
)

// Text is the program file that a process runs, as a mount namespace knows
// it. The zero value is no file.
type Text struct {
	Inode
	Path  string
	Bytes int64
	mount string
	ent   ent
}

// Inode is which file it is that a process maps, also where two unions show
// one. Those that have neither a Layer nor a Source are to be told apart by
// mount namespace.
type Inode struct {
	Layer  *fs.Tree // the read-only layer that has it; nil: none
	Mount  string   // where in its mount namespace it is mounted, if that alone has it
	Source string   // what it is in that others can have mounted too, such as a volume
	ino    fs.Ino   // its number there
}

// Text is the file at name, for whoever executes it.
func (s *Sys) Text(name string) Text {
	defer s.begin()()
	d, err := s.get(name, true)
	if err != nil {
		return Text{}
	}
	t := s.textOf(d)
	t.Path, t.Bytes, t.Inode = d.path(), d.node().Size(), d.u.inode(t.ent)
	if t.Layer != nil {
		return t
	}
	if t.Mount = t.mount; s.mountOf(d).Type == "bind" {
		t.Mount, t.Source = "", s.mountOf(d).Source
	}
	return t
}

// inode is what is mapped of e: a file that was not copied up is its layer's.
func (u *Union) inode(e ent) Inode {
	if e.up != 0 {
		return Inode{ino: e.up}
	}
	name := u.lower.PathOf(e.lo)
	for _, l := range slices.Backward(u.layers) {
		if ino := l.Tree.Find(name); ino != 0 {
			return Inode{Layer: l.Tree, ino: ino}
		}
	}
	return Inode{ino: e.lo}
}

func (s *Sys) textOf(d *dentry) Text {
	if m := s.mountOf(d); m.FS != nil {
		return Text{mount: m.Target, ent: d.u.now(d.ent)}
	}
	return Text{}
}

// mountOf is the mount that d lies in.
func (s *Sys) mountOf(d *dentry) Mount {
	i := slices.IndexFunc(s.Mounts.list, func(m Mount) bool { return m.FS == d.u })
	if i < 0 {
		return Mount{}
	}
	return s.Mounts.list[i]
}

// busy says whether a process runs the file: then it cannot be written to
// (ETXTBSY, execve(2)), wherever a copy-up has taken it since.
func (s *Sys) busy(d *dentry) bool {
	if s.Running == nil {
		return false
	}
	mine := s.textOf(d)
	for _, t := range s.Running() {
		if t.mount == mine.mount && d.u.now(t.ent) == mine.ent {
			return true
		}
	}
	return false
}
