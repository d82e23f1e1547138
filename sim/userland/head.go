package userland

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// countArg reads a number with a suffix such as k or M.
func countArg(s string) (int64, bool) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"k": 1 << 10, "K": 1 << 10, "m": 1 << 20, "M": 1 << 20, "G": 1 << 30, "b": 512, "c": 1, "w": 2} {
		if cut, ok := strings.CutSuffix(s, suffix); ok {
			unit, s = n, cut
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n * unit, err == nil
}

// oldCount takes the old form -5 for -n 5.
func oldCount(args []string) []string {
	var out []string
	for i, arg := range args {
		if len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' {
			out = append(out, "-n", arg[1:])
			continue
		}
		if arg == "--" {
			return append(out, args[i:]...)
		}
		out = append(out, arg)
		if (arg == "-n" || arg == "-c") && i+1 < len(args) {
			return append(append(out, args[i+1]), oldCount(args[i+2:])...)
		}
	}
	return out
}

// withOldCount runs a head or tail, which parses -5 too.
func withOldCount(run func(*tool) int, flags, usage string) func(*tool) int {
	return func(t *tool) int {
		var problem string
		t.options, t.args, problem = getopt(flags, "lines=n bytes=c quiet=q verbose=v follow=f", oldCount(t.args))
		if problem != "" {
			t.errorf("%s", problem)
			return t.usage(applet{usage: usage}, t.Stderr, 1)
		}
		return run(t)
	}
}

const (
	headUsage = "[OPTIONS] [FILE]..."
	tailUsage = "[OPTIONS] [FILE]..."
	headFlags = "n:c:qv"
	tailFlags = "n:c:qvfFs:"
)

// countText is the number that -n or -c was given, whichever came last.
func (t *tool) countText() string {
	if flag := t.last("nc"); flag != 0 {
		return t.val(flag)
	}
	return "10"
}

// head prints the first lines or bytes.
func head(t *tool) int {
	text := t.countText()
	n, ok := countArg(strings.TrimPrefix(text, "-"))
	if !ok {
		return t.errorf("invalid number '%s'", text)
	}
	fromEnd := strings.HasPrefix(text, "-")
	bytes := t.last("nc") == 'c'
	headers := t.headers()
	names := t.inputNames()
	for _, name := range names {
		r, ok := t.input(name)
		if headers(name, ok); !ok {
			continue
		}
		if err := t.headOf(r, n, fromEnd, bytes); err != nil && !brokenPipe(err) {
			t.fail(name, err)
		}
		r.Close()
	}
	return 0
}

func (t *tool) headOf(r io.Reader, n int64, fromEnd, bytes bool) error {
	switch {
	case fromEnd && bytes:
		return t.headButBytes(r, n)
	case fromEnd:
		return t.headBut(r, n)
	case bytes:
		_, err := io.CopyN(t.out, r, n)
		return ignoreEOF(err)
	}
	return t.headLines(r, n)
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// headers prints "==> name <==" before each of several files that is shown.
func (t *tool) headers() func(name string, shown bool) {
	first := true
	return func(name string, shown bool) {
		if (len(t.args) > 1 || t.has('v')) && !t.has('q') && shown {
			if !first {
				t.out.WriteByte('\n')
			}
			if name == "-" {
				name = "standard input"
			}
			t.printf("==> %s <==\n", name)
		}
		first = false
	}
}

func (t *tool) headLines(r io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	return eachLine(r, func(line string, has bool) bool {
		t.out.WriteString(line)
		if has {
			t.out.WriteByte('\n')
		}
		n--
		return n > 0 && !t.done()
	})
}

// headBut prints all but the last n lines.
func (t *tool) headBut(r io.Reader, n int64) error {
	var kept []string
	return eachLine(r, func(line string, has bool) bool {
		kept = append(kept, line)
		if int64(len(kept)) > n {
			t.println(kept[0])
			kept = kept[1:]
		}
		return !t.done()
	})
}

// headButBytes prints all but the last n bytes.
func (t *tool) headButBytes(r io.Reader, n int64) error {
	var kept []byte
	buf := make([]byte, 32<<10)
	for !t.done() {
		got, err := r.Read(buf)
		kept = append(kept, buf[:got]...)
		if more := int64(len(kept)) - n; more > 0 {
			t.out.Write(kept[:more])
			kept = append([]byte(nil), kept[more:]...)
		}
		if err != nil {
			return ignoreEOF(err)
		}
	}
	return nil
}

// tail prints the last lines or bytes; with -f it waits for more.
func tail(t *tool) int {
	text := t.countText()
	n, ok := countArg(strings.TrimLeft(text, "+-"))
	if !ok {
		return t.errorf("invalid number '%s'", text)
	}
	fromStart := strings.HasPrefix(text, "+")
	bytes := t.last("nc") == 'c'
	headers := t.headers()
	names := t.inputNames()
	opened := 0
	for _, name := range names {
		r, err := t.catOpen(name)
		if err != nil {
			t.cannot("open", name, err)
			continue
		}
		opened++
		headers(name, true)
		if err := t.tailOf(r, n, fromStart, bytes); err != nil {
			t.readFailed(err)
		}
		if t.last("fF") != 0 && name == names[len(names)-1] {
			t.follow(r)
		}
		r.Close()
	}
	if opened == 0 {
		return t.errorf("no files")
	}
	return 0
}

func (t *tool) tailOf(r io.Reader, n int64, fromStart, bytes bool) error {
	switch {
	case fromStart && bytes:
		if _, err := io.CopyN(io.Discard, r, max(n-1, 0)); err != nil {
			return ignoreEOF(err)
		}
		return t.stream(r)
	case fromStart:
		line := int64(0)
		return eachLine(r, func(text string, has bool) bool {
			if line++; line >= n {
				t.out.WriteString(text)
				if has {
					t.out.WriteByte('\n')
				}
			}
			return !t.done()
		})
	case bytes:
		return t.tailBytes(r, n)
	}
	return t.tailLines(r, n)
}

func (t *tool) tailLines(r io.Reader, n int64) error {
	var kept []string
	held := 0
	err := eachLine(r, func(line string, has bool) bool {
		if has {
			line += "\n"
		}
		kept = append(kept, line)
		held += len(line) + cellSize
		if int64(len(kept)) > n {
			held -= len(kept[0]) + cellSize
			kept = kept[1:]
		}
		return held <= memoryMax
	})
	if held > memoryMax {
		return errMemory
	}
	for _, line := range kept {
		t.out.WriteString(line)
	}
	return err
}

func (t *tool) tailBytes(r io.Reader, n int64) error {
	var kept []byte
	buf := make([]byte, 32<<10)
	for {
		got, err := r.Read(buf)
		kept = append(kept, buf[:got]...)
		if int64(len(kept)) > n {
			kept = append([]byte(nil), kept[int64(len(kept))-n:]...)
		}
		if len(kept) > memoryMax {
			return errMemory
		}
		if err != nil {
			t.out.Write(kept)
			return ignoreEOF(err)
		}
	}
}

// follow prints what is appended, until the process is ended.
func (t *tool) follow(r io.Reader) {
	for t.out.Flush() == nil && t.ctx.Err() == nil {
		if err := t.stream(r); err != nil {
			return
		}
		if t.sleep(t.ctx, time.Second) != nil {
			return
		}
	}
}
