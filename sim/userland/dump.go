package userland

import (
	"io"
	"strings"
)

// hexdump prints bytes: -C with their characters, else as words.
func hexdump(t *tool) int {
	line := canonicalLine
	if !t.has('C') {
		line = func(t *tool, at int64, b []byte) {
			t.printf("%07x%-40s\n", at, words(b, "%04x"))
		}
	}
	end := "%08x\n"
	if !t.has('C') {
		end = "%07x\n"
	}
	return t.dump(16, line, end)
}

// od prints octal words, or with -c characters, -x hexadecimal.
func od(t *tool) int {
	show := func(b []byte) string { return words(b, "%06o") }
	switch t.last("xcbt") {
	case 'x':
		show = func(b []byte) string { return words(b, "%04x") }
	case 'c':
		show = odChars
	case 'b':
		show = func(b []byte) string {
			s := ""
			for _, c := range b {
				s += sprintf(" %03o", c)
			}
			return s
		}
	}
	return t.dump(16, func(t *tool, at int64, b []byte) { t.printf("%07o%s\n", at, show(b)) }, "%07o\n")
}

// xxd prints bytes in pairs and their characters.
func xxd(t *tool) int {
	if t.has('p') {
		return t.dump(30, func(t *tool, _ int64, b []byte) { t.printf("%x\n", b) }, "")
	}
	return t.dump(16, func(t *tool, at int64, b []byte) {
		var hex strings.Builder
		for i, c := range b {
			if i > 0 && i%2 == 0 {
				hex.WriteByte(' ')
			}
			hex.WriteString(sprintf("%02x", c))
		}
		t.printf("%08x: %-39s  %s\n", at, hex.String(), printable(b))
	}, "")
}

// dump calls line for every width bytes of the input; repeated lines are a star,
// where end says that offsets matter.
func (t *tool) dump(width int, line func(t *tool, at int64, b []byte), end string) int {
	r := t.allInputs()
	buf, last := make([]byte, width), ""
	star, at := false, int64(0)
	for !t.done() {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			text := string(buf[:n])
			switch {
			case text != last || n < width || end == "" || t.has('v'):
				line(t, at, buf[:n])
				star = false
			case !star:
				t.println("*")
				star = true
			}
			last = text
			at += int64(n)
		}
		if err != nil {
			break
		}
	}
	if end != "" {
		t.printf(end, at)
	}
	return 0
}

func canonicalLine(t *tool, at int64, b []byte) {
	var hex strings.Builder
	for i, c := range b {
		if i == 8 {
			hex.WriteByte(' ')
		}
		hex.WriteString(sprintf("%02x ", c))
	}
	t.printf("%08x  %-49s |%s|\n", at, hex.String(), printable(b))
}

func words(b []byte, format string) string {
	var out strings.Builder
	for i := 0; i < len(b); i += 2 {
		word := uint16(b[i])
		if i+1 < len(b) {
			word |= uint16(b[i+1]) << 8
		}
		out.WriteString(" " + sprintf(format, word))
	}
	return out.String()
}

func odChars(b []byte) string {
	names := map[byte]string{0: `\0`, '\a': `\a`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\v': `\v`}
	var out strings.Builder
	for _, c := range b {
		name, ok := names[c]
		switch {
		case ok:
		case c >= ' ' && c <= '~':
			name = string(c)
		default:
			name = sprintf("%03o", c)
		}
		out.WriteString(sprintf("%4s", name))
	}
	return out.String()
}

func printable(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = c
		if c < ' ' || c > '~' {
			out[i] = '.'
		}
	}
	return string(out)
}
