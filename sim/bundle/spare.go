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
	"regexp/syntax", "runtime", "sync", "syscall", "testing", "time", "twinlayer/fs", "twinlayer/fs/platform", "twinlayer/sim/userland",
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

// goProgram is what stands where in a Go program. Its functions have names
// also where it was linked without symbols.
type goProgram struct {
	*elf.File
	functions *gosym.Table
}

var errLayout = errors.New("not laid out as a Go program is")

func readGo(program *fs.Data) (*goProgram, error) {
	f, err := elf.NewFile(program)
	if err != nil {
		return nil, err
	}
	module, lines := f.Section(".go.module"), f.Section(".gopclntab")
	if f.Class != elf.ELFCLASS64 || module == nil || lines == nil || module.Size < (tasksWord+3)*wordSize {
		return nil, errLayout
	}
	text, err := load(f, module.Addr+textWord*wordSize, 1)
	if err != nil {
		return nil, err
	}
	table, err := lines.Data()
	if err != nil {
		return nil, err
	}
	functions, err := gosym.NewTable(nil, gosym.NewLineTable(table, text[0]))
	return &goProgram{f, functions}, err
}

// asTools is a program as the tools of an image: see spared and plainSignals.
// What is not laid out as expected is left as it is.
func asTools(program *fs.Data) *fs.Data {
	p, err := readGo(program)
	if err != nil {
		return program
	}
	return p.plainSignals(p.spared(program))
}

// spared is the program without the initialisation of packages that no tool
// needs, which takes several times as long as most tools do.
func (p *goProgram) spared(program *fs.Data) *fs.Data {
	tasks, err := p.initTasks()
	if err != nil {
		return program
	}
	done := make([]byte, 4)
	p.ByteOrder.PutUint32(done, taskDone)
	for _, t := range tasks {
		if !slices.Contains(needed, t.pkg) {
			program = program.WriteAt(done, t.off)
		}
	}
	return program
}

// initTasks are those of the program, in their order.
func (p *goProgram) initTasks() ([]task, error) {
	slice, err := load(p.File, p.Section(".go.module").Addr+tasksWord*wordSize, 3)
	if err != nil {
		return nil, err
	}
	if slice[1] != slice[2] || slice[1] > 1<<16 {
		return nil, errLayout
	}
	list, err := load(p.File, slice[0], int(slice[1]))
	if err != nil {
		return nil, err
	}
	return p.named(list)
}

// named are the tasks at these addresses. A task is its state and the number
// of its functions, then the functions (runtime.initTask).
func (p *goProgram) named(list []uint64) (tasks []task, err error) {
	for _, addr := range list {
		words, err := load(p.File, addr, 2)
		if err != nil {
			return nil, err
		}
		fn := p.functions.PCToFunc(words[1])
		if fn == nil || fn.Entry != words[1] || uint32(words[0]) != 0 && uint32(words[0]>>32) != 0 {
			return nil, errLayout
		}
		pkg, ok := packageOf(fn.Name)
		off, _ := offset(p.File, addr, wordSize)
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
