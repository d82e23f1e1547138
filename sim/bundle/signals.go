package bundle

import (
	"bytes"
	"debug/elf"
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

// plainSignals is a program that takes signals as one in C does: as they were
// inherited. Go's runtime handles them all, so that the first process of a
// container would die of what the kernel keeps from it, and others would print
// goroutines. Without SIGURG a goroutine is preempted where it calls a function.
// What is not laid out as expected is left as it is.
func plainSignals(program *fs.Data) *fs.Data {
	f, err := elf.NewFile(program)
	if err != nil || f.Class != elf.ELFCLASS64 {
		return program
	}
	table, off := signalTable(f)
	word := make([]byte, wordSize)
	for i := 1; i < len(table)/signalWords; i++ {
		f.ByteOrder.PutUint64(word, table[i*signalWords]|sigDefault)
		program = program.WriteAt(word, off+int64(i*signalWords*wordSize))
	}
	if table == nil {
		return program
	}
	return unblocking(program, f)
}

// unblocking is a program that lets signals come while it makes a thread. The
// runtime blocks all then, for its handlers' sake, but what finds the main
// thread of a container's first process blocking it and another one not is
// deadly: the kernel does not drop it any more (sig_ignored, complete_signal).
func unblocking(program *fs.Data, f *elf.File) *fs.Data {
	symbols, err := f.Symbols()
	if err != nil {
		return program
	}
	for _, s := range symbols {
		if s.Name != "runtime.sigset_all" || s.Size != wordSize {
			continue
		}
		if off, p := offset(f, s.Value, wordSize); p != nil {
			program = program.WriteAt(make([]byte, wordSize), off)
		}
	}
	return program
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
