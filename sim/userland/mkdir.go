package userland

import (
	"path"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// mkdir makes directories.
func mkdir(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	mode := uint32(0o777)
	if t.has('m') {
		var ok bool
		if mode, ok = changeMode(0o777, t.val('m'), t.Umask, true); !ok {
			return t.errorf("invalid mode '%s'", t.val('m'))
		}
	}
	for _, name := range t.args {
		if t.has('p') {
			t.mkdirAll(name, mode)
		} else {
			t.mkdirOne(name, mode)
		}
	}
	return 0
}

func (t *tool) mkdirOne(name string, mode uint32) bool {
	if err := t.FS.Mkdir(t.abs(name), fs.FileMode(mode)); err != nil {
		t.cannot("create directory", name, err)
		return false
	}
	return t.afterMkdir(name, mode)
}

// afterMkdir sets the mode that -m asks for, against the umask.
func (t *tool) afterMkdir(name string, mode uint32) bool {
	if t.has('v') {
		t.printf("created directory: '%s'\n", name)
	}
	if t.has('m') {
		if err := t.FS.Chmod(t.abs(name), fs.FileMode(mode)); err != nil {
			t.cannot("set permissions of directory", name, err)
			return false
		}
	}
	return true
}

// mkdirAll makes name and what is missing above it.
func (t *tool) mkdirAll(name string, mode uint32) bool {
	clean := strings.TrimRight(name, "/")
	if clean == "" {
		return true
	}
	if st, err := t.stat(clean); err == nil && st.Mode&fs.S_IFMT == fs.S_IFDIR {
		return true
	}
	if parent := path.Dir(clean); parent != "." && parent != "/" && !t.mkParent(parent, name) {
		return false
	}
	err := t.FS.Mkdir(t.abs(clean), fs.FileMode(mode))
	if err != nil {
		t.cannot("create directory", name, err)
		return false
	}
	return t.afterMkdir(clean, mode)
}

// mkParent makes a missing parent directory, which its owner can always use.
func (t *tool) mkParent(dir, whole string) bool {
	if st, err := t.stat(dir); err == nil {
		if st.Mode&fs.S_IFMT != fs.S_IFDIR {
			t.cannot("create directory", dir+"/", fs.ENOTDIR)
			return false
		}
		return true
	}
	if parent := path.Dir(dir); parent != "." && parent != "/" && !t.mkParent(parent, whole) {
		return false
	}
	if err := t.FS.Mkdir(t.abs(dir), 0o777); err != nil {
		t.cannot("create directory", dir+"/", err)
		return false
	}
	if t.Umask&0o300 != 0 {
		t.FS.Chmod(t.abs(dir), fs.FileMode(0o777&^t.Umask|0o300))
	}
	if t.has('v') {
		t.printf("created directory: '%s/'\n", dir)
	}
	return true
}

// mkfifo makes named pipes.
func mkfifo(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	mode, ok := t.nodeMode()
	if !ok {
		return 1
	}
	for _, name := range t.args {
		if err := t.FS.Mknod(t.abs(name), fs.S_IFIFO|mode, 0); err != nil {
			t.fail(name, err)
		}
	}
	return 0
}

func (t *tool) nodeMode() (uint32, bool) {
	if !t.has('m') {
		return 0o666, true
	}
	mode, ok := changeMode(0o666, t.val('m'), t.Umask, false)
	if !ok {
		t.errorf("invalid mode '%s'", t.val('m'))
	}
	return mode, ok
}

// mknod makes a device or a named pipe.
func mknod(t *tool) int {
	if len(t.args) < 2 {
		return badUsage
	}
	mode, ok := t.nodeMode()
	if !ok {
		return 1
	}
	var dev uint64
	switch t.args[1] {
	case "p":
		mode |= fs.S_IFIFO
	case "b", "c", "u":
		if len(t.args) != 4 {
			return badUsage
		}
		major, err1 := strconv.ParseUint(t.args[2], 0, 32)
		minor, err2 := strconv.ParseUint(t.args[3], 0, 32)
		if err1 != nil || err2 != nil {
			return t.errorf("invalid number '%s'", t.args[2])
		}
		dev = fs.Mkdev(uint32(major), uint32(minor))
		mode |= map[string]uint32{"b": fs.S_IFBLK, "c": fs.S_IFCHR, "u": fs.S_IFCHR}[t.args[1]]
	default:
		return badUsage
	}
	if err := t.FS.Mknod(t.abs(t.args[0]), mode, dev); err != nil {
		return t.fail(t.args[0], err)
	}
	return 0
}
