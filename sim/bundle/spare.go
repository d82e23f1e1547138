package bundle

import (
	"debug/elf"
	"debug/gosym"
	"errors"
	"slices"
	"strings"

	"twinlayer/fs"
)

// needed are the packages whose initialisation the tools need, or a test whose
// executable serves as the tools. Whoever the tools import but never call is
// not among them: afero has net/http for a file system that is not used here.
var needed = []string{
	"archive/tar", "compress/flate", "compress/gzip", "context", "crypto", "crypto/fips140",
	"crypto/internal/fips140", "crypto/internal/fips140/aes", "crypto/internal/fips140/check",
	"crypto/internal/fips140/drbg", "crypto/internal/fips140/hmac", "crypto/internal/fips140/sha256",
	"crypto/internal/fips140/sha3", "crypto/internal/fips140/sha512", "crypto/internal/fips140deps/cpu",
	"crypto/md5", "crypto/rand", "crypto/sha1", "crypto/sha256", "crypto/sha512", "errors", "flag",
	"github.com/dlclark/regexp2/syntax", "golang.org/x/sys/unix", "hash/crc32", "internal/bytealg",
	"internal/godebug", "internal/poll", "internal/runtime/gc/scan", "internal/sysinfo", "io/fs", "math",
	"math/big", "mvdan.cc/sh/v3/fileutil", "os", "os/signal", "path/filepath", "reflect", "regexp",
	"regexp/syntax", "runtime", "sync", "syscall", "testing", "time", "twinlayer/fs", "twinlayer/sim/userland",
	"twinlayer/sim/userland/packages", "twinlayer/sim/userland/say", "unicode",
}

// Where a program's one moduledata has what is looked for here, in words
// (runtime/symtab.go).
const (
	textWord  = 22 // the address of the code
	tasksWord = 59 // inittasks, a slice
	wordSize  = 8
)

// taskDone is the state of an init task that the runtime passes over
// (runtime.doInit1).
const taskDone = 2

// task is a package's entry in the list of what a Go program initialises
// before main.
type task struct {
	pkg string
	off int64 // where its state stands in the program
}

// spared is a program without the initialisation of packages that no tool
// needs, which takes several times as long as most tools do. What is not laid
// out as expected is left as it is.
func spared(program *fs.Data) *fs.Data {
	f, err := elf.NewFile(program)
	if err != nil || f.Class != elf.ELFCLASS64 {
		return program
	}
	tasks, err := initTasks(f)
	if err != nil {
		return program
	}
	done := make([]byte, 4)
	f.ByteOrder.PutUint32(done, taskDone)
	for _, t := range tasks {
		if !slices.Contains(needed, t.pkg) {
			program = program.WriteAt(done, t.off)
		}
	}
	return program
}

var errLayout = errors.New("not laid out as a Go program is")

// initTasks are those of a Go program, in their order.
func initTasks(f *elf.File) ([]task, error) {
	module, lines := f.Section(".go.module"), f.Section(".gopclntab")
	if module == nil || lines == nil || module.Size < (tasksWord+3)*wordSize {
		return nil, errLayout
	}
	words := func(n int) ([]uint64, error) { return load(f, module.Addr+uint64(n)*wordSize, 3) }
	text, err := words(textWord)
	if err != nil {
		return nil, err
	}
	slice, err := words(tasksWord)
	if err != nil {
		return nil, err
	}
	if slice[1] != slice[2] || slice[1] > 1<<16 {
		return nil, errLayout
	}
	list, err := load(f, slice[0], int(slice[1]))
	if err != nil {
		return nil, err
	}
	table, err := lines.Data()
	if err != nil {
		return nil, err
	}
	names, err := gosym.NewTable(nil, gosym.NewLineTable(table, text[0]))
	if err != nil {
		return nil, err
	}
	return named(f, list, names)
}

// named are the tasks at these addresses. A task is its state and the number
// of its functions, then the functions (runtime.initTask).
func named(f *elf.File, list []uint64, names *gosym.Table) (tasks []task, err error) {
	for _, addr := range list {
		words, err := load(f, addr, 2)
		if err != nil {
			return nil, err
		}
		fn := names.PCToFunc(words[1])
		if fn == nil || fn.Entry != words[1] || uint32(words[0]) != 0 && uint32(words[0]>>32) != 0 {
			return nil, errLayout
		}
		pkg, ok := packageOf(fn.Name)
		off, _ := offset(f, addr, wordSize)
		if !ok {
			return nil, errLayout
		}
		tasks = append(tasks, task{pkg, off})
	}
	return tasks, nil
}

// packageOf is the package of an init function. A dot in the last part of its
// path is written %2e.
func packageOf(function string) (pkg string, ok bool) {
	slash := strings.LastIndexByte(function, '/') + 1
	name, rest, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + name, strings.HasPrefix(rest, "init") || strings.HasPrefix(rest, "map.init")
}

// load is n words of a program's memory, before it runs.
func load(f *elf.File, addr uint64, n int) ([]uint64, error) {
	off, p := offset(f, addr, n*wordSize)
	if p == nil {
		return nil, errLayout
	}
	bytes := make([]byte, n*wordSize)
	if _, err := p.ReadAt(bytes, off-int64(p.Off)); err != nil {
		return nil, err
	}
	words := make([]uint64, n)
	for i := range words {
		words[i] = f.ByteOrder.Uint64(bytes[i*wordSize:])
	}
	return words, nil
}

// offset is where n bytes of memory stand in the program, and the segment that
// they are in; nil where they are in none.
func offset(f *elf.File, addr uint64, n int) (int64, *elf.Prog) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= addr && addr+uint64(n) <= p.Vaddr+p.Filesz {
			return int64(p.Off + addr - p.Vaddr), p
		}
	}
	return 0, nil
}
