package lessons

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// dirs begins the names of lessons' directories among the temporary ones.
const dirs = "twinlayer-lesson-"

// openDir makes the lesson's directory, which is locked as long as the
// program lives, and removes those of lessons that died.
func (b *sandbox) openDir() (err error) {
	removeDead()
	for range 3 { // in between another program may have taken it for dead
		if b.dir, err = os.MkdirTemp("", dirs); err != nil {
			return err
		}
		b.lock, err = lock(b.dir)
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
	}
	return err
}

func (b *sandbox) removeDir() error {
	if b.dir == "" {
		return nil
	}
	if b.lock != nil {
		defer b.lock.Close()
	}
	return os.RemoveAll(b.dir)
}

// removeDead removes directories that nobody has locked. One that cannot be
// removed, such as another user's, stays.
func removeDead() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), dirs+"*"))
	for _, dir := range all {
		if l, err := lock(dir); err == nil {
			os.RemoveAll(dir)
			l.Close()
		}
	}
}

// File is a file of a lesson's directory.
type File struct {
	Name    string `json:"name"` // below the directory
	Size    int64  `json:"size"`
	Content string `json:"content"` // "" where it is longer than anybody reads
}

// shownMost is the longest file whose content is read.
const shownMost = 4096

// Files are the files of the lesson's directory, by name.
func (r *Run) Files() (all []File, err error) {
	dir := os.DirFS(r.box.dir)
	err = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := File{Name: name, Size: info.Size()}
		if f.Size <= shownMost {
			content, err := fs.ReadFile(dir, name)
			if err != nil {
				return err
			}
			f.Content = string(content)
		}
		all = append(all, f)
		return nil
	})
	return all, err
}
