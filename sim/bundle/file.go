package bundle

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"twinlayer/fs"
)

// File opens the program in a file of this machine, which stays open, so that
// it may be replaced or removed meanwhile (on Linux, give /proc/self/exe).
func File(name string) func() (Executable, error) {
	return func() (Executable, error) {
		content, err := openData(name)
		if err != nil {
			return Executable{}, err
		}
		libraries, err := libraries(content)
		if err != nil {
			return Executable{}, fmt.Errorf("libraries of %s: %w", name, err)
		}
		return Executable{Content: content, Libraries: libraries, OS: runtime.GOOS}, nil
	}
}

// openData is the content of a file that stays open, and unread.
func openData(name string) (*fs.Data, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return fs.FileData(f, 0, info.Size()), nil
}

// libraries are the shared libraries of a program that was built with cgo, as
// "go run" does wherever it finds a C compiler: the dynamic loader, and what
// is needed from the loader's own directory, each where it is on this host
// (ld.so(8)); libc's parts are all there. Docker's busybox:glibc brings them
// along too.
func libraries(program io.ReaderAt) (map[string]*fs.Data, error) {
	f, err := elf.NewFile(program)
	if err != nil {
		return nil, nil // another system's program
	}
	loader := interpreter(f)
	if loader == "" {
		return nil, nil
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return nil, err
	}
	real, err := filepath.EvalSymlinks(loader)
	if err != nil {
		return nil, err
	}
	names := []string{loader}
	for _, soname := range needed {
		names = append(names, path.Join(path.Dir(real), soname))
	}
	return openAll(names)
}

// interpreter is the dynamic loader that a program asks for, "" if it is
// static (PT_INTERP, elf(5)).
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			name, _ := io.ReadAll(p.Open())
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}

func openAll(names []string) (map[string]*fs.Data, error) {
	all := map[string]*fs.Data{}
	for _, name := range names {
		content, err := openData(name)
		if err != nil {
			return nil, err
		}
		all[name] = content
	}
	return all, nil
}
