package real

import (
	"errors"
	"os"
	"path/filepath"

	"twinlayer/sim"
)

// tempDirs begins the names of our directories among the temporary ones.
const tempDirs = "twinlayer-lesson-"

// tempDir is a directory that is locked as long as the program lives.
type tempDir struct {
	path string
	lock *os.File // nil: the system has none
}

// TempDir makes a temporary directory, and removes those of programs that
// died.
func (Host) TempDir() (sim.TempDir, error) {
	removeDead()
	var err error
	for range 3 { // in between another program may have taken it for dead
		var d tempDir
		if d.path, err = os.MkdirTemp("", tempDirs); err != nil {
			return nil, err
		}
		d.lock, err = lock(d.path)
		if err == nil || errors.Is(err, errors.ErrUnsupported) {
			return d, nil
		}
	}
	return nil, err
}

// removeDead removes directories that nobody has locked. One that cannot be
// removed, such as another user's, stays.
func removeDead() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), tempDirs+"*"))
	for _, dir := range all {
		if l, err := lock(dir); err == nil {
			os.RemoveAll(dir)
			l.Close()
		}
	}
}

// Path is where it is.
func (d tempDir) Path() string { return d.path }

// Files are the regular files in it, by names below it.
func (d tempDir) Files() (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(d.path, func(name string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(d.path, name)
		all[filepath.ToSlash(below)] = string(content)
		return err
	})
	return all, err
}

// Write writes a file.
func (d tempDir) Write(name, content string) error {
	full := filepath.Join(d.path, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, []byte(content), 0o644)
}

// Clear removes all that is in it.
func (d tempDir) Clear() error {
	entries, err := os.ReadDir(d.path)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(d.path, e.Name())))
	}
	return err
}

// Remove removes it.
func (d tempDir) Remove() error {
	if d.lock != nil {
		defer d.lock.Close()
	}
	return os.RemoveAll(d.path)
}
