package bundle

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"

	"twinlayer/fs"
)

// What stands in the runtime's table of signals, from signal 0 on: flags, then
// a text's address and length (runtime/sigtab_linux_generic.go).
const (
	signalCount = 65
	signalWords = 3
	noSignal    = "SIGNONE: no trap"
	sigDefault  = 16 // the runtime installs no handler unless it is asked for one
)

// plainSignals is the program as one that takes signals as one in C does: as
// they were inherited. Go's runtime handles them all, so that the first process
// of a container would die of what the kernel keeps from it, and others would
// print goroutines. Without SIGURG a goroutine is preempted where it calls a
// function.
func (p *goProgram) plainSignals(program *fs.Data) *fs.Data {
	table, off := signalTable(p.File)
	if table == nil {
		return program
	}
	word := make([]byte, wordSize)
	for i := 1; i < len(table)/signalWords; i++ {
		p.ByteOrder.PutUint64(word, table[i*signalWords]|sigDefault)
		program = program.WriteAt(word, off+int64(i*signalWords*wordSize))
	}
	return p.unblocking(program)
}

// unblocking is the program as one that lets signals come while it makes a
// thread. The runtime blocks all then, for its handlers' sake, but what finds
// the main thread of a container's first process blocking it and another one
// not is deadly: the kernel does not drop it any more (sig_ignored,
// complete_signal).
func (p *goProgram) unblocking(program *fs.Data) *fs.Data {
	for _, addr := range p.masks() {
		off, _ := offset(p.File, addr, wordSize)
		program = program.WriteAt(make([]byte, wordSize), off)
	}
	return program
}

// masks is where runtime.sigset_all is, which newosproc blocks: all bits set.
func (p *goProgram) masks() []uint64 {
	return slices.DeleteFunc(p.mentioned("runtime.newosproc"), func(addr uint64) bool {
		set, err := load(p.File, addr, 1)
		return err != nil || set[0] != 1<<64-1
	})
}

// mentioned are the addresses of data that a function's code takes.
func (p *goProgram) mentioned(function string) (all []uint64) {
	fn := p.functions.LookupFunc(function)
	if fn == nil {
		return nil
	}
	off, seg := offset(p.File, fn.Entry, int(fn.End-fn.Entry))
	if seg == nil {
		return nil
	}
	code := make([]byte, fn.End-fn.Entry)
	if _, err := seg.ReadAt(code, off-int64(seg.Off)); err != nil {
		return nil
	}
	switch p.Machine {
	case elf.EM_X86_64:
		return leas(code, fn.Entry)
	case elf.EM_AARCH64:
		return adrps(code, fn.Entry)
	}
	return nil
}

// leas are the addresses that code at pc takes by LEA, relative to the next
// instruction.
func leas(code []byte, pc uint64) (all []uint64) {
	const size = 7 // REX.W, 8D, ModRM, and 32 bits
	for i := range max(0, len(code)-size+1) {
		if code[i]&^4 == 0x48 && code[i+1] == 0x8d && code[i+2]&0xc7 == 0x05 {
			distance := int32(binary.LittleEndian.Uint32(code[i+3:]))
			all = append(all, pc+uint64(i)+size+uint64(distance))
		}
	}
	return all
}

// adrps are the addresses that code at pc takes by ADRP, which gives a page
// relative to its own, and ADD.
func adrps(code []byte, pc uint64) (all []uint64) {
	for i := 0; i+8 <= len(code); i += 4 {
		adrp, add := binary.LittleEndian.Uint32(code[i:]), binary.LittleEndian.Uint32(code[i+4:])
		if adrp&0x9f000000 != 0x90000000 || add&0xffc00000 != 0x91000000 || add>>5&31 != adrp&31 {
			continue
		}
		pages := int32(adrp>>5<<13) >> 11 &^ 3 // immhi, with its sign
		page := (pc+uint64(i))&^0xfff + uint64(int64(pages|int32(adrp>>29&3))<<12)
		all = append(all, page+uint64(add>>10&0xfff))
	}
	return all
}

// signalTable finds the table of signals by the text of its first entry.
func signalTable(f *elf.File) (table []uint64, off int64) {
	name, data := f.Section(".rodata"), f.Section(".data")
	if name == nil || data == nil {
		return nil, 0
	}
	texts, err := name.Data()
	at := bytes.Index(texts, []byte(noSignal))
	if err != nil || at < 0 {
		return nil, 0
	}
	entry := make([]byte, signalWords*wordSize)
	f.ByteOrder.PutUint64(entry[wordSize:], name.Addr+uint64(at))
	f.ByteOrder.PutUint64(entry[2*wordSize:], uint64(len(noSignal)))
	values, err := data.Data()
	at = bytes.Index(values, entry)
	if err != nil || at < 0 {
		return nil, 0
	}
	table, err = load(f, data.Addr+uint64(at), signalCount*signalWords)
	if err != nil || !isSignalTable(f, table) {
		return nil, 0
	}
	return table, int64(data.Offset) + int64(at)
}

func isSignalTable(f *elf.File, table []uint64) bool {
	for i := 1; i < signalCount; i++ {
		flags, addr, length := table[i*signalWords], table[i*signalWords+1], table[i*signalWords+2]
		off, p := offset(f, addr, int(min(length, 1<<10)))
		if p == nil || flags >= 1<<9 {
			return false
		}
		text := make([]byte, min(length, 1<<10))
		if _, err := p.ReadAt(text, off-int64(p.Off)); err != nil {
			return false
		}
		if !strings.HasPrefix(strings.ToLower(string(text)), "sig") {
			return false
		}
	}
	return true
}
