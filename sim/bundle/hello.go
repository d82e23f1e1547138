package bundle

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"runtime"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
)

// Greeting is what /hello of hello-world prints before it exits with status 0,
// and all that it does.
const Greeting = `
Hello from twinlayer!
This is twinlayer's own hello-world: an image with one program in it, /hello.

Before you could read this:
 1. The engine found the image hello-world, or pulled it from a registry.
 2. It made a container from the image: the image's one layer, read-only,
    with a new and empty writable layer on top.
 3. It ran /hello in that container, which wrote this text and ended.
 4. What /hello wrote was passed on to you.

Try something more:
 docker run -it busybox sh

`

// helloWorld is FROM scratch, COPY hello /, CMD ["/hello"].
func helloWorld(program *fs.Data) (recipe, error) {
	if program == nil {
		return recipe{}, fmt.Errorf("make hello-world: no program for %s, only for amd64 and arm64", runtime.GOARCH)
	}
	root := newRootfs()
	root.program("hello", program)
	tree, err := root.tree()
	return recipe{
		os:    "linux",
		layer: tree,
		gzip:  true,
		config: ocispec.ImageConfig{
			Env:    []string{searchPath},
			Cmd:    []string{"/hello"},
			Labels: labels("hello-world", "The smallest image: one layer, and in it one program that greets."),
		},
		history: []string{"COPY hello / # buildkit", `CMD ["/hello"]`},
	}, err
}

// base is where the program is mapped; the code follows the two ELF headers.
const (
	base    = 0x400000
	headers = 64 + 56
)

// machines have the code of /hello: write(1, Greeting, len); exit_group(0).
// The greeting follows the code, which addresses it relative to itself.
var machines = map[string]struct {
	id   elf.Machine
	code func(length uint32) []byte
}{
	"amd64": {elf.EM_X86_64, amd64},
	"arm64": {elf.EM_AARCH64, arm64},
}

// Hello is the executable /hello for the architecture arch (as GOARCH has it):
// a static Linux ELF file (elf(5)) whose one segment is all of the file. nil
// for an architecture other than amd64 and arm64.
func Hello(arch string) []byte {
	m, ok := machines[arch]
	if !ok {
		return nil
	}
	code := m.code(uint32(len(Greeting)))
	size := uint64(headers + len(code) + len(Greeting))
	var b bytes.Buffer
	for _, part := range []any{fileHeader(m.id), segment(size), code, []byte(Greeting)} {
		binary.Write(&b, binary.LittleEndian, part) // a Buffer takes all
	}
	return b.Bytes()
}

func fileHeader(machine elf.Machine) elf.Header64 {
	return elf.Header64{
		Ident:     [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:      uint16(elf.ET_EXEC),
		Machine:   uint16(machine),
		Version:   uint32(elf.EV_CURRENT),
		Entry:     base + headers,
		Phoff:     64,
		Ehsize:    64,
		Phentsize: 56,
		Phnum:     1,
		Shentsize: 64,
	}
}

func segment(size uint64) elf.Prog64 {
	return elf.Prog64{
		Type:   uint32(elf.PT_LOAD),
		Flags:  uint32(elf.PF_R | elf.PF_X),
		Vaddr:  base,
		Paddr:  base,
		Filesz: size,
		Memsz:  size,
		Align:  0x10000, // the largest page there is on arm64
	}
}

// amd64 is the code in Intel's machine language; the numbers of the system
// calls are Linux's (arch/x86/entry/syscalls/syscall_64.tbl).
func amd64(length uint32) []byte {
	code := []byte{
		0xbf, 1, 0, 0, 0, // mov edi, 1 (standard output)
		0x48, 0x8d, 0x35, 21, 0, 0, 0, // lea rsi, [rip+21] (the greeting)
	}
	code = binary.LittleEndian.AppendUint32(append(code, 0xba), length) // mov edx, length
	return append(code,
		0xb8, 1, 0, 0, 0, // mov eax, 1 (write)
		0x0f, 0x05, // syscall
		0x31, 0xff, // xor edi, edi (status 0)
		0xb8, 231, 0, 0, 0, // mov eax, 231 (exit_group)
		0x0f, 0x05, // syscall
	)
}

// arm64 is the code in Arm's A64; the numbers of the system calls are Linux's
// (include/uapi/asm-generic/unistd.h).
func arm64(length uint32) []byte {
	var code []byte
	for _, instruction := range []uint32{
		movz(0, 1),       // standard output
		7<<5 | 1<<28 | 1, // adr x1, the greeting (7 instructions on)
		movz(2, length),
		movz(8, 64), // write
		svc,
		movz(0, 0),  // status 0
		movz(8, 94), // exit_group
		svc,
	} {
		code = binary.LittleEndian.AppendUint32(code, instruction)
	}
	return code
}

const svc = 0xd4000001

// movz sets register x to a value below 1<<16.
func movz(x, value uint32) uint32 { return 0xd2800000 | value<<5 | x }
