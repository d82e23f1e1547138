package lessons

import (
	"errors"
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
