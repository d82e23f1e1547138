package userland

import (
	"strconv"
	"strings"

	"twinlayer/fs"
)

// changeMode applies an octal or symbolic mode such as "u+x,go=r" to mode.
func changeMode(mode uint32, expr string, umask uint32, dir bool) (uint32, bool) {
	if expr != "" && expr[0] >= '0' && expr[0] <= '9' {
		n, err := strconv.ParseUint(expr, 8, 32)
		return uint32(n), err == nil && n <= 0o7777
	}
	for _, clause := range strings.Split(expr, ",") {
		var ok bool
		if mode, ok = changeClause(mode, clause, umask, dir); !ok {
			return 0, false
		}
	}
	return mode, true
}

// changeClause applies one "[ugoa]*([-+=][rwxXst]*)+".
func changeClause(mode uint32, clause string, umask uint32, dir bool) (uint32, bool) {
	i := strings.IndexFunc(clause, func(r rune) bool { return !strings.ContainsRune("ugoa", r) })
	if i < 0 {
		return 0, false
	}
	who := whoMask(clause[:i])
	allowed := who
	if i == 0 {
		who, allowed = 0o7777, 0o7777&^umask
	}
	for rest := clause[i:]; rest != ""; {
		op := rest[0]
		if op != '+' && op != '-' && op != '=' {
			return 0, false
		}
		end := strings.IndexAny(rest[1:], "+-=") + 1
		if end == 0 {
			end = len(rest)
		}
		bits, ok := permBits(mode, rest[1:end], dir)
		if !ok {
			return 0, false
		}
		bits &= allowed
		switch op {
		case '+':
			mode |= bits
		case '-':
			mode &^= bits
		case '=':
			mode = mode&^(who&keepSpecial(dir)) | bits
		}
		rest = rest[end:]
	}
	return mode, true
}

// keepSpecial are the bits that "=" may clear.
func keepSpecial(dir bool) uint32 {
	if dir {
		return 0o777 | fs.S_ISVTX
	}
	return 0o7777
}

func whoMask(who string) uint32 {
	mask := uint32(0)
	for _, c := range who {
		switch c {
		case 'u':
			mask |= 0o700 | fs.S_ISUID
		case 'g':
			mask |= 0o070 | fs.S_ISGID
		case 'o':
			mask |= 0o007
		case 'a':
			mask |= 0o7777
		}
	}
	return mask
}

func permBits(mode uint32, perms string, dir bool) (uint32, bool) {
	bits := uint32(0)
	for _, c := range perms {
		switch c {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if dir || mode&0o111 != 0 {
				bits |= 0o111
			}
		case 's':
			bits |= fs.S_ISUID | fs.S_ISGID
		case 't':
			bits |= fs.S_ISVTX
		case 'u':
			bits |= mode >> 6 & 7 * 0o111
		case 'g':
			bits |= mode >> 3 & 7 * 0o111
		case 'o':
			bits |= mode & 7 * 0o111
		default:
			return 0, false
		}
	}
	return bits, true
}

// chmod changes modes.
func chmod(t *tool) int {
	if len(t.args) < 2 {
		return badUsage
	}
	expr := t.args[0]
	if _, ok := changeMode(0, expr, t.Umask, false); !ok {
		return t.errorf("invalid mode '%s'", expr)
	}
	for _, name := range t.args[1:] {
		t.chmodTree(name, expr, true)
	}
	return 0
}

func (t *tool) chmodTree(name, expr string, named bool) {
	st, err := t.lstat(name)
	if err == nil && st.Mode&fs.S_IFMT == fs.S_IFLNK {
		if !named {
			return
		}
		st, err = t.stat(name)
	}
	if err != nil {
		t.fail(name, err)
		return
	}
	isDir := st.Mode&fs.S_IFMT == fs.S_IFDIR
	mode, _ := changeMode(st.Mode&0o7777, expr, t.Umask, isDir)
	if err := t.FS.Chmod(t.abs(name), fs.FileMode(mode)); err != nil {
		t.fail(name, err)
	} else if t.has('v') || t.has('c') && mode != st.Mode&0o7777 {
		t.printf("mode of '%s' changed to %04o (%s)\n", name, mode, fs.ModeString(mode)[1:])
	}
	if isDir && t.has('R') {
		t.eachEntry(name, func(child string) { t.chmodTree(child, expr, false) })
	}
}

// eachEntry calls do with the path of each entry of dir.
func (t *tool) eachEntry(dir string, do func(child string)) {
	list, err := t.names(dir)
	if err != nil {
		t.fail(dir, err)
	}
	for _, base := range list {
		if t.done() {
			return
		}
		do(join(dir, base))
	}
}

// chown changes owners; chgrp groups.
func chown(t *tool) int {
	if len(t.args) < 2 {
		return badUsage
	}
	uid, gid, ok := t.ownerOf(t.args[0])
	if !ok {
		return 1
	}
	for _, name := range t.args[1:] {
		t.chownTree(name, uid, gid, true)
	}
	return 0
}

// ownerOf parses "user", "user:group", "user:" or ":group".
func (t *tool) ownerOf(s string) (uid, gid int, ok bool) {
	if t.name == "chgrp" {
		if gid, ok = groupID(t.FS, s); !ok {
			t.errorf("unknown group %s", s)
		}
		return -1, gid, ok
	}
	userPart, groupPart, hasGroup := strings.Cut(s, ":")
	uid, gid = -1, -1
	ok = true
	if userPart != "" {
		if uid, ok = userID(t.FS, userPart); !ok {
			what := "user"
			if hasGroup {
				what = "user/group"
			}
			t.errorf("unknown %s %s", what, s)
			return 0, 0, false
		}
	}
	switch {
	case groupPart != "":
		if gid, ok = groupID(t.FS, groupPart); !ok {
			what := "user/group"
			if userPart == "" {
				what, s = "group", groupPart
			}
			t.errorf("unknown %s %s", what, s)
		}
	case hasGroup:
		if u, found := userByID(t.FS, uid); found {
			gid = u.gid
		}
	}
	return uid, gid, ok
}

func (t *tool) chownTree(name string, uid, gid int, named bool) {
	st, err := t.lstat(name)
	if err != nil {
		t.fail(name, err)
		return
	}
	change := t.FS.Chown
	if t.has('h') || !named && st.Mode&fs.S_IFMT == fs.S_IFLNK {
		change = t.FS.Lchown
	}
	if err := change(t.abs(name), uid, gid); err != nil {
		t.fail(name, err)
	} else if t.has('v') {
		t.printf("changed ownership of '%s' to %d:%d\n", name, uid, gid)
	}
	if t.has('R') && st.Mode&fs.S_IFMT == fs.S_IFDIR {
		t.eachEntry(name, func(child string) { t.chownTree(child, uid, gid, false) })
	}
}

// chmodTool is chmod with modes such as "-x", which are no flags.
func chmodTool(t *tool) int {
	var args []string
	for i, arg := range t.args {
		if len(arg) > 1 && arg[0] == '-' && arg != "--" && !isChmodFlags(arg) {
			args = append(args, "--")
			args = append(args, t.args[i:]...)
			break
		}
		args = append(args, arg)
	}
	var problem string
	t.options, t.args, problem = getopt("Rcvf", "recursive=R", args)
	if problem != "" {
		t.errorf("%s", problem)
		return badUsage
	}
	return chmod(t)
}

func isChmodFlags(arg string) bool {
	return arg == "--recursive" || arg[0] == '-' && strings.Trim(arg[1:], "Rcvf") == ""
}
