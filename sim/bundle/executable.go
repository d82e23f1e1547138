package bundle

import (
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim/userland"
)

// executable is a program, and what it needs beside it to run in a root of its
// own: absolute paths with their content, none for a static program.
type executable struct {
	content   *fs.Data
	libraries map[string]*fs.Data
}

// open opens the program in the file name, and its libraries. In an image the
// program ends with [userland.Mark].
func open(name string) (*executable, error) {
	content, err := openData(name)
	if err != nil {
		return nil, err
	}
	libraries, err := libraries(content)
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", name, err)
	}
	content = stripped(asTools(content))
	size := content.Size()
	return &executable{fs.FileData(marked{content, size}, 0, size+int64(len(userland.Mark))), libraries}, nil
}

// stripped is a program without what no process loads: symbols and debugging
// sections lie behind its last segment and make up half of it (elf(5)).
func stripped(program *fs.Data) *fs.Data {
	f, err := elf.NewFile(program)
	if err != nil || f.Class != elf.ELFCLASS64 {
		return program
	}
	var end uint64
	for _, p := range f.Progs {
		end = max(end, p.Off+p.Filesz)
	}
	// e_shoff, and e_shnum with e_shstrndx: there are no sections any more.
	return program.Truncate(int64(end)).WriteAt(make([]byte, 8), 0x28).WriteAt(make([]byte, 4), 0x3c)
}

// marked is a program with the mark behind it.
type marked struct {
	program io.ReaderAt
	size    int64
}

func (m marked) ReadAt(p []byte, off int64) (n int, err error) {
	if off < m.size {
		n, err = m.program.ReadAt(p[:min(int64(len(p)), m.size-off)], off)
		if err != nil && err != io.EOF {
			return n, err
		}
	}
	if n == len(p) {
		return n, nil
	}
	k, err := strings.NewReader(userland.Mark).ReadAt(p[n:], off+int64(n)-m.size)
	return n + k, err
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

// install puts the program into r as /bin/busybox, with a symlink to it for
// each applet, and its libraries.
func (e *executable) install(r *rootfs, applets []string) {
	for _, name := range applets {
		r.symlink("bin/"+name, "busybox")
	}
	r.program("bin/busybox", e.content)
	for name, content := range e.libraries {
		r.program(name[1:], content)
	}
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
