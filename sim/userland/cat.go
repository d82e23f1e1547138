package userland

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/afero"
)

// cat prints its operands one after another.
func cat(t *tool) int {
	names := t.inputNames()
	number := 0
	for _, name := range names {
		if t.done() {
			break
		}
		r, err := t.catOpen(name)
		if err != nil {
			t.cannot("open", name, err)
			continue
		}
		if t.has('n') || t.has('b') {
			err = eachLine(r, func(line string, _ bool) bool {
				t.catLine(&number, line)
				return !t.done()
			})
		} else {
			err = t.stream(r)
		}
		r.Close()
		if err != nil && !brokenPipe(err) {
			t.errorf("read error: %s", reason(err))
		}
	}
	return 0
}

func (t *tool) catOpen(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(t.in), nil
	}
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	return inFile{obey(t.ctx, f), f}, nil
}

func (t *tool) catLine(number *int, line string) {
	if t.has('b') && line == "" {
		t.out.WriteByte('\n')
		return
	}
	*number++
	t.printf("%6d\t%s\n", *number, line)
}

// stream copies r to standard output, each piece as soon as it is there.
func (t *tool) stream(r io.Reader) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			t.out.Write(buf[:n])
			if werr := t.out.Flush(); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tee copies standard input to standard output and to files.
func tee(t *tool) int {
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if t.has('a') {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	var files []afero.File
	for _, name := range t.args {
		f, err := t.FS.OpenFile(t.abs(name), flag, 0o666)
		if err != nil {
			t.fail(name, err)
			continue
		}
		defer f.Close()
		files = append(files, f)
	}
	var writers []io.Writer
	for _, f := range files {
		writers = append(writers, f)
	}
	all := io.MultiWriter(append(writers, flushing{t})...)
	if _, err := io.Copy(struct{ io.Writer }{all}, t.in); err != nil && !brokenPipe(err) {
		t.errorf("%s", reason(err))
	}
	return 0
}

// flushing is standard output without a buffer.
type flushing struct{ t *tool }

func (f flushing) Write(p []byte) (int, error) {
	n, err := f.t.out.Write(p)
	return n, errors.Join(err, f.t.out.Flush())
}

// tac prints lines in reverse; rev reverses each line.
func tac(t *tool) int {
	t.eachInput(func(_ string, r io.Reader) error {
		var lines []string
		err := eachLine(r, func(line string, has bool) bool {
			if has {
				line += "\n"
			}
			lines = append(lines, line)
			return true
		})
		for i := len(lines) - 1; i >= 0; i-- {
			t.out.WriteString(lines[i])
		}
		return err
	})
	return 0
}

func rev(t *tool) int {
	t.eachInput(func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, has bool) bool {
			runes := []rune(line)
			for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
				runes[i], runes[j] = runes[j], runes[i]
			}
			t.out.WriteString(string(runes))
			if has {
				t.out.WriteByte('\n')
			}
			return !t.done()
		})
	})
	return 0
}

// nl numbers the lines that are not empty.
func nl(t *tool) int {
	n := 0
	t.eachLine(t.allInputs(), func(line string, _ bool) bool {
		if line == "" && t.val('b') != "a" {
			t.println(strings.Repeat(" ", 7))
		} else {
			n++
			t.printf("%6d\t%s\n", n, line)
		}
		return !t.done()
	})
	return 0
}
