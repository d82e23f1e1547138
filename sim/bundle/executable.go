package bundle

import (
	"cmp"
	"debug/elf"
	"io"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim/userland"
)

// Executable is the program that becomes busybox.
type Executable struct {
	Content *fs.Data // must last: it is read when it is needed
	// Libraries are what it needs beside it to run in a root of its own:
	// absolute paths with their content; none for a static program.
	Libraries map[string]*fs.Data
	OS        string // that it runs on, as GOOS has it; "": linux
}

// executable is the program as it is in images.
type executable struct {
	content   *fs.Data
	libraries map[string]*fs.Data
	os        string
}

// inImages opens a program. In an image it ends with [userland.Mark].
func inImages(open func() (Executable, error)) (*executable, error) {
	e, err := open()
	if err != nil {
		return nil, err
	}
	content := stripped(asTools(e.Content))
	size := content.Size()
	return &executable{fs.FileData(marked{content, size}, 0, size+int64(len(userland.Mark))), e.Libraries, cmp.Or(e.OS, "linux")}, nil
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
