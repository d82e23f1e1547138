package userland

import (
	"path"

	"twinlayer/fs"
)

// rm removes names, with -r whole trees, depth first.
func rm(t *tool) int {
	if len(t.args) == 0 && !t.has('f') {
		return badUsage
	}
	for _, name := range t.args {
		switch base := path.Base(name); {
		case base == "." || base == "..":
			t.errorf("can't remove '.' or '..'")
			continue
		case base == "/":
			t.errorf("can't remove '/'")
			continue
		}
		st, err := t.lstat(name)
		switch {
		case err != nil:
			if !t.has('f') || fs.ErrnoOf(err) != fs.ENOENT {
				t.cannot("remove", name, err)
			}
		case st.Mode&fs.S_IFMT == fs.S_IFDIR && t.last("rR") == 0:
			t.errorf("'%s' is a directory", name)
		default:
			t.removeTree(name)
		}
	}
	return 0
}

// removeTree removes name and what is below it, and complains where it
// cannot.
func (t *tool) removeTree(name string) bool {
	st, err := t.lstat(name)
	if err != nil {
		t.cannot("remove", name, err)
		return false
	}
	isDir := st.Mode&fs.S_IFMT == fs.S_IFDIR
	if isDir {
		if t.has('i') && !t.ask("%s: descend into directory '%s'? ", t.name, name) {
			return true
		}
		ok := true
		t.eachEntry(name, func(child string) { ok = t.removeTree(child) && ok })
		if !ok {
			return false
		}
	}
	if t.has('i') && !t.ask("%s: remove '%s'? ", t.name, name) {
		return true
	}
	return t.removeOne(name, isDir)
}

func (t *tool) removeOne(name string, isDir bool) bool {
	what := "removed '%s'\n"
	remove := t.FS.Unlink
	if isDir {
		what, remove = "removed directory: '%s'\n", t.FS.Rmdir
	}
	if err := remove(t.abs(name)); err != nil {
		t.cannot("remove", name, err)
		return false
	}
	if t.has('v') && t.name == "rm" {
		t.printf(what, name)
	}
	return true
}

// rmdir removes empty directories, with -p their parents too.
func rmdir(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	for _, name := range t.args {
		for {
			if err := t.FS.Rmdir(t.abs(name)); err != nil {
				if !(t.has('i') && fs.ErrnoOf(err) == fs.ENOTEMPTY) {
					t.errorf("'%s': %s", name, reason(err))
				}
				break
			}
			parent := path.Dir(name)
			if !t.has('p') || parent == "." || parent == "/" {
				break
			}
			name = parent
		}
	}
	return 0
}

// unlink removes one name with unlink(2) and nothing else.
func unlink(t *tool) int {
	if len(t.args) != 1 {
		return badUsage
	}
	if err := t.FS.Unlink(t.abs(t.args[0])); err != nil {
		return t.cannot("remove file", t.args[0], err)
	}
	return 0
}
