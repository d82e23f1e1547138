package userland

import (
	"path"
	"strings"

	"twinlayer/fs"
)

// ln makes links: hard ones, or with -s symbolic ones.
func ln(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	targets, dst := t.args, "."
	if len(targets) > 1 {
		dst, targets = targets[len(targets)-1], targets[:len(targets)-1]
	} else {
		dst = path.Base(targets[0])
	}
	into := t.linksInto(dst) && len(t.args) > 1
	if len(targets) > 1 && !into {
		return t.errorf("target '%s' is not a directory", dst)
	}
	for _, target := range targets {
		name := dst
		if into {
			name = join(strings.TrimSuffix(dst, "/"), path.Base(target))
		}
		t.link(target, name)
	}
	return 0
}

// linksInto says whether dst is a directory to put links into.
func (t *tool) linksInto(dst string) bool {
	if t.has('T') {
		return false
	}
	if t.has('n') {
		if st, err := t.lstat(dst); err == nil && st.Mode&fs.S_IFMT == fs.S_IFLNK {
			return false
		}
	}
	st, err := t.stat(dst)
	return err == nil && st.Mode&fs.S_IFMT == fs.S_IFDIR
}

func (t *tool) link(target, name string) {
	if !t.has('s') {
		if _, err := t.lstat(target); err != nil {
			t.fail(target, err)
			return
		}
	}
	if t.has('f') {
		t.FS.Unlink(t.abs(name))
	}
	var err error
	if t.has('s') {
		err = t.FS.SymlinkIfPossible(target, t.abs(name))
	} else {
		err = t.FS.Link(t.abs(target), t.abs(name))
	}
	if err != nil {
		t.fail(name, err)
		return
	}
	if t.has('v') {
		t.printf("'%s' -> '%s'\n", name, target)
	}
}

// linkOne is link(1): link(2) and nothing else.
func linkOne(t *tool) int {
	if len(t.args) != 2 {
		return badUsage
	}
	if err := t.FS.Link(t.abs(t.args[0]), t.abs(t.args[1])); err != nil {
		return t.errorf("can't create hardlink '%s' to '%s': %s", t.args[1], t.args[0], reason(err))
	}
	return 0
}

// readlink prints where a symlink leads, with -f the end of all of them.
func readlink(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	for _, name := range t.args {
		var target string
		var err error
		if t.has('f') {
			target, err = t.canonical(name)
		} else {
			target, err = t.FS.ReadlinkIfPossible(t.abs(name))
		}
		if err != nil {
			if t.has('v') {
				t.fail(name, err)
			}
			t.failed = 1
			continue
		}
		t.out.WriteString(target)
		if !t.has('n') {
			t.out.WriteByte('\n')
		}
	}
	return 0
}

func realpathTool(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	for _, name := range t.args {
		target, err := t.canonical(name)
		if err != nil {
			t.fail(name, err)
			continue
		}
		t.println(target)
	}
	return 0
}

// canonical is realpath of a name whose last part need not exist, if it has
// a slash before it, as busybox wants it.
func (t *tool) canonical(name string) (string, error) {
	full := t.abs(name)
	real, err := realpath(t.FS, full)
	if err == nil || fs.ErrnoOf(err) != fs.ENOENT {
		return real, err
	}
	if target, lerr := t.FS.ReadlinkIfPossible(full); lerr == nil {
		if !strings.HasPrefix(target, "/") {
			target = path.Dir(full) + "/" + target
		}
		return t.canonical(target)
	}
	trimmed := strings.TrimRight(name, "/")
	if !strings.Contains(trimmed, "/") {
		return "", err
	}
	dir, derr := realpath(t.FS, path.Dir(t.abs(trimmed)))
	if derr != nil {
		return "", derr
	}
	return path.Join(dir, path.Base(trimmed)), nil
}

const linksMax = 40

// realpath is the path without symlinks and dots of what name leads to.
func realpath(fsys fs.FS, name string) (string, error) {
	real, rest := "/", name
	for links := 0; rest != ""; {
		part, after, _ := strings.Cut(rest, "/")
		rest = after
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, part)
		info, _, err := fsys.LstatIfPossible(next)
		st, err := sysStat(info, err)
		if err != nil {
			return "", err
		}
		if st.Mode&fs.S_IFMT != fs.S_IFLNK {
			if rest != "" && st.Mode&fs.S_IFMT != fs.S_IFDIR {
				return "", fs.ENOTDIR
			}
			real = next
			continue
		}
		if links++; links > linksMax {
			return "", fs.ELOOP
		}
		target, err := fsys.ReadlinkIfPossible(next)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(target, "/") {
			real = "/"
		}
		rest = target + "/" + rest
	}
	return real, nil
}

// basename and dirname take paths apart.
func basename(t *tool) int {
	names, suffix := t.args, ""
	switch {
	case len(names) == 0:
		return badUsage
	case t.has('s'):
		suffix = t.val('s')
	case !t.has('a'):
		if len(names) > 2 {
			return badUsage
		}
		if len(names) == 2 {
			suffix = names[1]
		}
		names = names[:1]
	}
	for _, name := range names {
		base := path.Base(name)
		if name == "" {
			base = ""
		}
		if cut := strings.TrimSuffix(base, suffix); cut != "" {
			base = cut
		}
		t.println(base)
	}
	return 0
}

func dirname(t *tool) int {
	if len(t.args) != 1 {
		return badUsage
	}
	name := strings.TrimRight(t.args[0], "/")
	switch i := strings.LastIndexByte(name, '/'); {
	case name == "" && t.args[0] != "":
		t.println("/")
	case i < 0:
		t.println(".")
	case strings.Trim(name[:i], "/") == "":
		t.println("/")
	default:
		t.println(strings.TrimRight(name[:i], "/"))
	}
	return 0
}
