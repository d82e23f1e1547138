package real

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// StateFile is a file that keeps something between sessions; "" keeps nothing.
type StateFile string

// Name is where it is.
func (f StateFile) Name() string { return string(f) }

// Load is what it keeps, nothing where there is no file.
func (f StateFile) Load() ([]byte, error) {
	if f == "" {
		return nil, nil
	}
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, stateMost+1))
	if len(text) > stateMost {
		return nil, fmt.Errorf("%s has more than %d bytes; move it away to begin anew", f, stateMost)
	}
	return text, err
}

// stateMost is far more than a session ever keeps.
const stateMost = 8 << 20

// Save writes a new file beside the old one and puts it in its place.
func (f StateFile) Save(text []byte) error {
	if f == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(string(f)), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(string(f)), filepath.Base(string(f)))
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), string(f))
}
