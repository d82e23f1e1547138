// Package say makes the smallest programs there are: machine code that prints
// a text and exits. What lives here is the code and the ELF file around it, and
// how such a file is recognized, since a model runs no machine code. What may
// not live here: what is said (sim/bundle) and how it is compiled
// (sim/userland/packages).
package say

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

// base is where the program is mapped; the code follows the two ELF headers.
const (
	base    = 0x400000
	headers = 64 + 56
)

// machines have the code: write(1, text, length); exit_group(status). The text
// follows the code, which addresses it relative to itself.
var machines = map[string]struct {
	id     elf.Machine
	code   func(length, status uint32) []byte
	status func(code []byte) int // of such code
}{
	"amd64": {elf.EM_X86_64, amd64, amd64Status},
	"arm64": {elf.EM_AARCH64, arm64, arm64Status},
}

// Max is how long a text may be.
const Max = 1<<16 - 1

// Program is an executable for the architecture arch (as GOARCH has it) that
// prints text, of at most [Max] bytes, and exits with status, below 256: a
// static Linux ELF file (elf(5)) whose one segment is all of the file. nil for
// an architecture other than amd64 and arm64.
func Program(arch, text string, status int) []byte {
	m, ok := machines[arch]
	if !ok || len(text) > Max {
		return nil
	}
	code := m.code(uint32(len(text)), uint32(status))
	size := uint64(headers + len(code) + len(text))
	var b bytes.Buffer
	for _, part := range []any{fileHeader(m.id), segment(size), code, []byte(text)} {
		binary.Write(&b, binary.LittleEndian, part) // a Buffer takes all
	}
	return b.Bytes()
}

// Of is what a Program for arch prints, and its exit status; ok is false where
// content is no such program.
func Of(arch string, content []byte) (text string, status int, ok bool) {
	m, known := machines[arch]
	if !known || !bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
		return "", 0, false
	}
	for _, like := range []uint32{0, 1} { // whose code differs in length
		code := len(m.code(0, like))
		if len(content) < headers+code {
			continue
		}
		text, status = string(content[headers+code:]), m.status(content[headers:headers+code])
		if bytes.Equal(content, Program(arch, text, status)) {
			return text, status, true
		}
	}
	return "", 0, false
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
func amd64(length, status uint32) []byte {
	end := []byte{0x31, 0xff} // xor edi, edi (status 0)
	if status != 0 {
		end = binary.LittleEndian.AppendUint32([]byte{0xbf}, status) // mov edi, status
	}
	code := []byte{
		0xbf, 1, 0, 0, 0, // mov edi, 1 (standard output)
		0x48, 0x8d, 0x35, byte(19 + len(end)), 0, 0, 0, // lea rsi, [rip+…] (the text)
	}
	code = binary.LittleEndian.AppendUint32(append(code, 0xba), length) // mov edx, length
	code = append(code,
		0xb8, 1, 0, 0, 0, // mov eax, 1 (write)
		0x0f, 0x05, // syscall
	)
	return append(append(code, end...),
		0xb8, 231, 0, 0, 0, // mov eax, 231 (exit_group)
		0x0f, 0x05, // syscall
	)
}

func amd64Status(code []byte) int {
	at := len(code) - 7 - 4
	if code[at-1] != 0xbf {
		return 0
	}
	return int(code[at])
}

// arm64 is the code in Arm's A64; the numbers of the system calls are Linux's
// (include/uapi/asm-generic/unistd.h).
func arm64(length, status uint32) []byte {
	var code []byte
	for _, instruction := range []uint32{
		movz(0, 1),       // standard output
		7<<5 | 1<<28 | 1, // adr x1, the text (7 instructions on)
		movz(2, length),
		movz(8, 64), // write
		svc,
		movz(0, status),
		movz(8, 94), // exit_group
		svc,
	} {
		code = binary.LittleEndian.AppendUint32(code, instruction)
	}
	return code
}

func arm64Status(code []byte) int {
	return int(binary.LittleEndian.Uint32(code[len(code)-12:]) >> 5 & 0xff)
}

const svc = 0xd4000001

// movz sets register x to a value below 1<<16.
func movz(x, value uint32) uint32 { return 0xd2800000 | value<<5 | x }
