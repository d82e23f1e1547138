package userland

import (
	"bytes"
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// yes prints its operands until nobody reads.
func yes(t *tool) int {
	line := strings.Join(t.args, " ")
	if line == "" {
		line = "y"
	}
	for !t.done() {
		t.println(line)
	}
	return 0
}

// seq prints numbers.
func seq(t *tool) int {
	first, step := 1.0, 1.0
	var nums []float64
	precision := 0
	for _, arg := range t.args {
		n, err := strconv.ParseFloat(arg, 64)
		if err != nil {
			return badUsage
		}
		if _, frac, ok := strings.Cut(arg, "."); ok {
			precision = max(precision, len(frac))
		}
		nums = append(nums, n)
	}
	switch len(nums) {
	case 1:
	case 2:
		first = nums[0]
	case 3:
		first, step = nums[0], nums[1]
	default:
		return badUsage
	}
	t.countUp(first, step, nums[len(nums)-1], precision)
	return 0
}

func (t *tool) countUp(first, step, last float64, precision int) {
	sep := "\n"
	if t.has('s') {
		sep = t.val('s')
	}
	width := 0
	if t.has('w') {
		width = max(len(sprintf("%.*f", precision, first)), len(sprintf("%.*f", precision, last)))
	}
	if step == 0 {
		return
	}
	for i := 0; !t.done(); i++ {
		v := first + float64(i)*step
		if step > 0 && v > last+math.Abs(step)*1e-9 || step < 0 && v < last-math.Abs(step)*1e-9 {
			if i > 0 {
				t.out.WriteByte('\n')
			}
			return
		}
		if i > 0 {
			t.out.WriteString(sep)
		}
		t.printf("%0*.*f", width, precision, v)
	}
}

// mktemp makes a file or directory with a name that nothing has yet.
func mktemp(t *tool) int {
	template := "tmp.XXXXXX"
	dir := ""
	if len(t.args) > 0 {
		template = t.args[0]
	}
	if len(t.args) == 0 || t.has('t') || t.has('p') {
		if dir = t.getenv("TMPDIR"); dir == "" || t.has('p') {
			dir = "/tmp"
			if t.has('p') {
				dir = t.val('p')
			}
		}
		template = join(dir, template)
	}
	stem := strings.TrimRight(template, "X")
	if len(template)-len(stem) < 6 {
		return t.errorf("(null): %s", fs.EINVAL.Error())
	}
	for range 100 {
		name := stem + t.randomLetters(len(template)-len(stem))
		err := t.makeTemp(name)
		if err == nil {
			t.println(name)
			return 0
		}
		if fs.ErrnoOf(err) != fs.EEXIST {
			return t.errorf("(null): %s", reason(err))
		}
	}
	return t.errorf("(null): %s", fs.EEXIST.Error())
}

func (t *tool) makeTemp(name string) error {
	switch {
	case t.has('u'):
		return nil
	case t.has('d'):
		return t.FS.Mkdir(t.abs(name), 0o700)
	}
	f, err := t.FS.OpenFile(t.abs(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	}
	return err
}

func (t *tool) randomLetters(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	var b strings.Builder
	for range n {
		b.WriteByte(letters[t.random()%uint64(len(letters))])
	}
	return b.String()
}

func (t *tool) random() uint64 {
	if t.Rand != nil {
		return t.Rand()
	}
	var b [8]byte
	crand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// truncate sets the size of files.
func truncate(t *tool) int {
	if !t.has('s') || len(t.args) == 0 {
		return badUsage
	}
	text := t.val('s')
	size, ok := countArg(strings.TrimPrefix(text, "+"))
	if !ok {
		return t.errorf("invalid number '%s'", text)
	}
	relative := text[0] == '+' || text[0] == '-'
	flag := os.O_WRONLY | os.O_CREATE
	if t.has('c') {
		flag = os.O_WRONLY
	}
	for _, name := range t.args {
		t.truncateOne(name, flag, size, relative)
	}
	return 0
}

func (t *tool) truncateOne(name string, flag int, size int64, relative bool) {
	f, err := t.FS.OpenFile(t.abs(name), flag, 0o666)
	if err != nil {
		if !t.has('c') || fs.ErrnoOf(err) != fs.ENOENT {
			t.errorf("%s: open: %s", name, reason(err))
		}
		return
	}
	defer f.Close()
	if relative {
		if info, err := f.Stat(); err == nil {
			size = max(0, info.Size()+size)
		}
	}
	if err := f.Truncate(size); err != nil {
		t.errorf("%s: truncate: %s", name, reason(err))
	}
}

// cmp compares two files byte by byte.
func cmpTool(t *tool) int {
	if len(t.args) == 0 || len(t.args) > 2 {
		t.failed = 2
		return badUsage
	}
	names := append(t.args, "-")[:2]
	var readers [2]io.Reader
	for i, name := range names {
		r, ok := t.input(name)
		if !ok {
			return 2
		}
		defer r.Close()
		readers[i] = r
	}
	return t.compare(names, readers)
}

func (t *tool) compare(names []string, readers [2]io.Reader) int {
	var bufs [2][1 << 15]byte
	at, line, differ := int64(0), 1, 0
	for {
		n, _ := io.ReadFull(readers[0], bufs[0][:])
		m, _ := io.ReadFull(readers[1], bufs[1][:])
		for i := range min(n, m) {
			a, b := bufs[0][i], bufs[1][i]
			at++
			if a != b {
				differ = 1
				switch {
				case t.has('s'):
					return 1
				case t.has('l'):
					t.printf("%d %3o %3o\n", at, a, b)
				default:
					t.printf("%s %s differ: char %d, line %d\n", names[0], names[1], at, line)
					return 1
				}
			}
			line += bytes.Count([]byte{a}, []byte{'\n'})
		}
		if n != m {
			if !t.has('s') {
				short := names[oneIf(m < n)]
				t.errorf("EOF on %s", short)
			}
			return 1
		}
		if n < len(bufs[0]) || t.done() {
			return differ
		}
	}
}
