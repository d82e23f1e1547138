package fs

// Text is the program file that a process runs, as a mount namespace knows
// it. The zero value is no file.
type Text struct {
	mount string
	ent   ent
}

// Text is the file at name, for whoever executes it.
func (s *Sys) Text(name string) Text {
	defer s.begin()()
	d, err := s.get(name, true)
	if err != nil {
		return Text{}
	}
	return s.textOf(d)
}

func (s *Sys) textOf(d *dentry) Text {
	for _, m := range s.Mounts.list {
		if m.FS == d.u {
			return Text{m.Target, d.u.now(d.ent)}
		}
	}
	return Text{}
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
