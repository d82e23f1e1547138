package vfs

import (
	"os"
	"path"
	"slices"
	"time"

	"twinlayer/fs"

	"github.com/spf13/afero"
)

// aferoFS offers a Sys as an [FS].
type aferoFS struct{ s *Sys }

var _ fs.FS = aferoFS{}

// FS offers the system calls through afero's interface. Names must be
// absolute.
func (s *Sys) FS() fs.FS { return aferoFS{s} }

func (a aferoFS) Name() string { return "union" }

func (a aferoFS) Create(name string) (afero.File, error) {
	return a.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

func (a aferoFS) Open(name string) (afero.File, error) { return a.OpenFile(name, os.O_RDONLY, 0) }

func (a aferoFS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	f, err := a.s.OpenFile(name, flag, fs.Perm(perm))
	if err != nil {
		return nil, fs.Wrap("open", name, err)
	}
	return f, nil
}

func (a aferoFS) Mkdir(name string, perm os.FileMode) error {
	return fs.Wrap("mkdir", name, a.s.Mkdir(name, fs.Perm(perm)))
}

func (a aferoFS) MkdirAll(name string, perm os.FileMode) error {
	if st, err := a.s.Stat(name, true); err == nil {
		if st.Mode&fs.S_IFMT != fs.S_IFDIR {
			return fs.Wrap("mkdir", name, fs.ENOTDIR)
		}
		return nil
	}
	if parent := path.Dir(name); parent != name {
		if err := a.MkdirAll(parent, perm); err != nil {
			return err
		}
	}
	if err := a.Mkdir(name, perm); fs.ErrnoOf(err) != fs.EEXIST {
		return err
	}
	return nil
}

func (a aferoFS) Remove(name string) error {
	err := a.s.Unlink(name)
	if err == fs.EISDIR {
		err = a.s.Rmdir(name)
	}
	return fs.Wrap("remove", name, err)
}

func (a aferoFS) RemoveAll(name string) error {
	st, err := a.s.Stat(name, false)
	if err == fs.ENOENT {
		return nil
	}
	if err == nil && st.Mode&fs.S_IFMT == fs.S_IFDIR {
		err = a.removeEntries(name)
	}
	if err != nil {
		return err
	}
	return a.Remove(name)
}

func (a aferoFS) removeEntries(name string) error {
	d, err := a.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, base := range names {
		if err := a.RemoveAll(path.Join(name, base)); err != nil {
			return err
		}
	}
	return err
}

func (a aferoFS) Rename(old, name string) error {
	if err := a.s.Rename(old, name); err != nil {
		return &os.LinkError{Op: "rename", Old: old, New: name, Err: err}
	}
	return nil
}

func (a aferoFS) Stat(name string) (os.FileInfo, error) { return a.stat(name, true) }

func (a aferoFS) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	info, err := a.stat(name, false)
	return info, true, err
}

func (a aferoFS) stat(name string, follow bool) (os.FileInfo, error) {
	st, err := a.s.Stat(name, follow)
	if err != nil {
		return nil, fs.Wrap("stat", name, err)
	}
	return fs.NewInfo(path.Base(name), st), nil
}

func (a aferoFS) SymlinkIfPossible(target, name string) error {
	if err := a.s.Symlink(target, name); err != nil {
		return &os.LinkError{Op: "symlink", Old: target, New: name, Err: err}
	}
	return nil
}

func (a aferoFS) ReadlinkIfPossible(name string) (string, error) {
	target, err := a.s.Readlink(name)
	return target, fs.Wrap("readlink", name, err)
}

func (a aferoFS) Link(old, name string) error {
	if err := a.s.Link(old, name); err != nil {
		return &os.LinkError{Op: "link", Old: old, New: name, Err: err}
	}
	return nil
}

func (a aferoFS) Chmod(name string, mode os.FileMode) error {
	return fs.Wrap("chmod", name, a.s.Chmod(name, fs.Perm(mode)))
}

func (a aferoFS) Chown(name string, uid, gid int) error {
	return fs.Wrap("chown", name, a.s.Chown(name, uid, gid, true))
}

func (a aferoFS) Lchown(name string, uid, gid int) error {
	return fs.Wrap("lchown", name, a.s.Chown(name, uid, gid, false))
}

func (a aferoFS) Chtimes(name string, atime, mtime time.Time) error {
	return a.Utimes(name, atime, mtime, true)
}

func (a aferoFS) Utimes(name string, atime, mtime time.Time, follow bool) error {
	return fs.Wrap("utimes", name, a.s.Utimes(name, atime, mtime, follow))
}

func (a aferoFS) Mknod(name string, mode uint32, dev uint64) error {
	return fs.Wrap("mknod", name, a.s.Mknod(name, mode, dev))
}

func (a aferoFS) Rmdir(name string) error { return fs.Wrap("rmdir", name, a.s.Rmdir(name)) }

func (a aferoFS) Unlink(name string) error { return fs.Wrap("unlink", name, a.s.Unlink(name)) }

func (a aferoFS) Access(name string, mode uint32) error {
	return fs.Wrap("access", name, a.s.Access(name, mode))
}

// Matching are the names in the directory dir that begin with base, behind typed;
// that of a directory ends with a slash.
func (s *Sys) Matching(typed, dir, base string) []string {
	f, err := s.FS().Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil
	}
	var out []string
	for _, info := range infos {
		if len(info.Name()) >= len(base) && info.Name()[:len(base)] == base {
			name := typed + info.Name()
			if info.IsDir() {
				name += "/"
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
