package packages

import (
	"crypto/md5"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"twinlayer/fs"
)

// place puts a file of a package on disk. A file of the administrator that is
// there stays.
func (j *job) place(f file, suffix string) error {
	if err := j.dirs(path.Dir(f.path)); err != nil {
		return err
	}
	switch f.mode & fs.S_IFMT {
	case fs.S_IFDIR:
		return j.placeDir(f)
	case fs.S_IFLNK:
		return j.placeLink(f, suffix)
	}
	if f.conf && j.exists(f.path) {
		return nil
	}
	return j.placeFile(f, suffix)
}

func (j *job) placeDir(f file) error {
	if j.exists(f.path) {
		return nil
	}
	if err := j.FS.Mkdir(f.path, 0o755); err != nil {
		return err
	}
	return j.FS.Chmod(f.path, fs.FileMode(f.mode))
}

func (j *job) placeLink(f file, suffix string) error {
	j.FS.Remove(f.path + suffix) // of an earlier try
	if err := j.FS.SymlinkIfPossible(f.target, f.path+suffix); err != nil {
		return err
	}
	if err := j.FS.Utimes(f.path+suffix, made, made, false); err != nil {
		return err
	}
	return j.FS.Rename(f.path+suffix, f.path)
}

func (j *job) placeFile(f file, suffix string) error {
	temporary := f.path + suffix
	if err := j.fill(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600, f.content()); err != nil {
		return err
	}
	if err := j.FS.Chmod(temporary, fs.FileMode(f.mode)); err != nil {
		return err
	}
	if err := j.FS.Chtimes(temporary, made, made); err != nil {
		return err
	}
	return j.FS.Rename(temporary, f.path)
}

// paths are what the package has on disk, with the directories above, sorted.
func (r *recipe) paths() []string {
	names := []string{}
	for _, f := range r.files {
		names = append(names, f.path)
	}
	return withParents(names)
}

// sums are the MD5 sums of the package's files, as dpkg keeps them: those of
// the package, or those of the administrator.
func (r *recipe) sums(conf bool) (list []sum) {
	for _, f := range r.files {
		if f.content != nil && f.conf == conf {
			list = append(list, sum{f.path, fmt.Sprintf("%x", md5.Sum(f.content()))})
		}
	}
	return list
}

type sum struct{ path, hash string }

// remove takes a package's paths off the disk, but those that keep says;
// directories go where nobody else needs them. It returns the directories
// that others have put something into.
func (j *job) remove(paths []string, keep func(string) bool) (full []string, err error) {
	for _, name := range slices.Backward(paths) {
		info, _, statErr := j.FS.LstatIfPossible(name)
		switch {
		case statErr != nil || keep(name):
		case info.IsDir():
			if e := j.FS.Rmdir(name); e != nil {
				full = append(full, name)
			}
		default:
			if e := j.FS.Unlink(name); e != nil && err == nil {
				err = e
			}
		}
	}
	return full, err
}

// addUsers makes the system users of a package.
func (j *job) addUsers(users []user, shell string) error {
	for _, u := range users {
		for _, line := range []struct {
			file, text string
			mode       uint32
		}{
			{"/etc/group", u.name + ":x:" + u.id + ":", 0o644},
			{"/etc/passwd", fmt.Sprintf("%s:x:%s:%s::%s:%s", u.name, u.id, u.id, u.home, shell), 0o644},
			{"/etc/shadow", u.name + ":!:20454::::::", 0o640},
		} {
			if err := j.addRecord(line.file, line.text, line.mode); err != nil {
				return err
			}
		}
	}
	return nil
}

// addRecord adds a line to a file of users, unless the name is there.
func (j *job) addRecord(name, line string, mode uint32) error {
	old := j.read(name)
	key, _, _ := strings.Cut(line, ":")
	if strings.HasPrefix(old, key+":") || strings.Contains(old, "\n"+key+":") {
		return nil
	}
	if info, err := j.FS.Stat(name); err == nil {
		mode = fs.Perm(info.Mode())
	}
	return j.write(name, "+", mode, []byte(old+line+"\n"))
}

func md5Of(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }
