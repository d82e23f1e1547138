package userland

import (
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	"twinlayer/fs"
)

const defaultPath = "/sbin:/usr/sbin:/bin:/usr/bin"

// Lookup is the absolute path of the program that name means: through PATH
// where it has no slash. The error is ENOENT, or EACCES where what is there
// may not be executed.
func Lookup(p *Process, name string) (string, error) {
	if strings.Contains(name, "/") {
		file := p.abs(name)
		return file, executable(p, file)
	}
	list := p.getenv("PATH")
	if list == "" {
		list = defaultPath
	}
	var denied error = fs.ENOENT
	for _, dir := range strings.Split(list, ":") {
		if dir == "" {
			dir = "."
		}
		file := path.Join(p.abs(dir), name)
		err := executable(p, file)
		if err == nil {
			return file, nil
		}
		if fs.ErrnoOf(err) == fs.EACCES {
			denied = fs.EACCES
		}
	}
	return "", denied
}

func executable(p *Process, file string) error {
	info, err := p.FS.Stat(file)
	switch {
	case err != nil:
		return fs.ErrnoOf(err)
	case !info.Mode().IsRegular():
		return fs.EACCES
	}
	if err := p.FS.Access(file, 1); err != nil {
		return fs.ErrnoOf(err)
	}
	return nil
}

const interpretersMax = 4

// Resolve is what execvp(3) and the kernel make of p's arguments: the file to
// execute and the arguments it is given, which must have room ([HasRoom]).
func Resolve(p *Process) (file string, argv []string, err error) {
	if file, argv, err = Find(p); err == nil && !HasRoom(file, argv, p.Env) {
		err = fs.E2BIG
	}
	return file, argv, err
}

// What a program is started with (execve(2), "Limits on size of arguments and
// environment"): a string, with its end, and all together, which is a quarter
// of the usual stack of 8 MB, with a pointer to each.
const (
	stringMax  = 32 * 4096
	stringsMax = 2 << 20
	pointer    = 8
)

// HasRoom says whether the kernel has room for the arguments and the
// environment of a program.
func HasRoom(file string, argv, env []string) bool {
	all := len(file) + 1
	for _, s := range slices.Concat(argv, env) {
		if len(s)+1 > stringMax {
			return false
		}
		all += len(s) + 1 + pointer
	}
	return all <= stringsMax
}

// Find is [Resolve] without the limits. A "#!" file stands for its
// interpreter; a text file without that line is a script of sh.
func Find(p *Process) (file string, argv []string, err error) {
	argv = p.Args
	file, err = Lookup(p, argv[0])
	for range interpretersMax {
		if err != nil {
			return "", nil, err
		}
		head := readHead(p, file)
		interpreter, isScript := scriptOf(head)
		if !isScript {
			return file, argv, nil
		}
		if interpreter == nil {
			interpreter = []string{shellPath(p)}
		}
		name := argv[0]
		if !strings.Contains(name, "/") {
			name = file
		}
		argv = append(append(interpreter, name), argv[1:]...)
		file = p.abs(interpreter[0])
		err = executable(p, file)
	}
	return "", nil, fs.ELOOP
}

func shellPath(p *Process) string {
	if file, err := Lookup(p, "sh"); err == nil {
		return file
	}
	return "/bin/sh"
}

func readHead(p *Process, file string) []byte {
	f, err := p.FS.Open(file)
	if err != nil {
		return []byte{0} // may be executed but not read: a program
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := io.ReadFull(f, head)
	return head[:n]
}

// scriptOf says whether a file that begins with head is a script, and the
// interpreter with its one argument if it names one.
func scriptOf(head []byte) (interpreter []string, isScript bool) {
	if rest, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ := strings.Cut(string(rest), "\n")
		name, arg, _ := strings.Cut(strings.Trim(line, " \t\r"), " ")
		if name == "" {
			return nil, true
		}
		if arg = strings.TrimSpace(arg); arg != "" {
			return []string{name, arg}, true
		}
		return []string{name}, true
	}
	return nil, !bytes.Contains(head, []byte{0}) && !bytes.HasPrefix(head, []byte("\x7fELF"))
}
