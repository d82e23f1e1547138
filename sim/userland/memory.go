package userland

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// memoryMax is how many bytes a program may hold, as under a limit of its data
// segment (setrlimit(2), RLIMIT_DATA): what never ends must not take the
// machine's memory. It is counted where a program keeps what it was given,
// without what the runtime needs to do so.
const memoryMax = 64 << 20

// errMemory is the error of what would hold more.
var errMemory = errors.New("out of memory")

// cellSize is what a word costs beside its bytes.
const cellSize = 64

// ledger counts what a program holds.
type ledger int64

// take says whether there is room for n bytes more, which are held then.
func (l *ledger) take(n int) bool {
	*l += ledger(n)
	return *l <= memoryMax
}

// readAll is io.ReadAll of what a program has room for.
func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, memoryMax+1))
	if err == nil && len(data) > memoryMax {
		return nil, errMemory
	}
	return data, err
}

// readRecord is what a program has room for up to and with end; without it at
// the end of the input, with the error.
func readRecord(b *bufio.Reader, end byte) (string, error) {
	piece, err := b.ReadSlice(end)
	if err != bufio.ErrBufferFull {
		return string(piece), err
	}
	var all bytes.Buffer
	for {
		all.Write(piece)
		if all.Len() > memoryMax {
			return "", errMemory
		}
		if err != bufio.ErrBufferFull {
			return all.String(), err
		}
		piece, err = b.ReadSlice(end)
	}
}

// keepLines is eachLine for a program that keeps them all.
func keepLines(r io.Reader, held *ledger, do func(line string, has bool) bool) error {
	full := false
	err := eachLine(r, func(line string, has bool) bool {
		full = !held.take(len(line) + cellSize)
		return !full && do(line, has)
	})
	if full {
		return errMemory
	}
	return err
}

// readFailed complains of an input that cannot be read, or held.
func (t *tool) readFailed(err error) {
	if err == errMemory {
		t.fail("", err)
		return
	}
	t.errorf("read error: %s", reason(err))
}

// eachLine is eachLine for a tool that has nothing to say of an error but that
// a line was too long.
func (t *tool) eachLine(r io.Reader, do func(line string, has bool) bool) {
	if err := eachLine(r, do); err == errMemory {
		t.fail("", err)
	}
}

// exhausted ends a shell that has no room for what it is to keep.
func (in *interp) exhausted() {
	in.complain(1, "%s", errMemory)
	delete(in.traps, "EXIT")
	in.jump = jump{kind: jumpExit}
}

// holds says whether the shell has room for n bytes more in its variables. What
// was counted is more than there is, since values are replaced; where it seems
// too much, all is counted anew.
func (in *interp) holds(n int) bool {
	if in.held.take(n + cellSize) {
		return true
	}
	in.held = ledger(n)
	for name, v := range in.vars {
		in.held += ledger(len(name) + len(v.value) + cellSize)
	}
	for _, p := range in.params {
		in.held += ledger(len(p) + cellSize)
	}
	return in.held <= memoryMax
}
