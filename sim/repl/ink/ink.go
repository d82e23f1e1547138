// Package ink is the one way to a learner's terminal.
//
// What the program shows is full of text that others wrote: names of files
// and images, labels, what registries answer, lessons, what a program in a
// container prints. To a terminal such text could be commands: escape
// sequences, C1 controls, marks that turn the direction of writing. So nothing
// here takes a finished line. A line is made of [Span]s, each a text and the
// colour that it is to have; a [Pen] makes every character of the text
// visible, and only then adds the colour. What reaches the terminal as a
// command is therefore the program's own.
package ink

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/mattn/go-runewidth"
)

// Span is a piece of a line, and its colour; nil: none.
type Span struct {
	Color *color.Color
	Text  string
}

// Text is a Span without a colour.
func Text(s string) Span { return Span{Text: s} }

// Pen writes to a terminal, or to a file in a terminal's place.
type Pen struct{ out io.Writer }

// NewPen is a Pen that writes to out.
func NewPen(out io.Writer) Pen { return Pen{out} }

// Line writes one line.
func (p Pen) Line(spans ...Span) { io.WriteString(p.out, line(spans)) }

func line(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		switch text := Visible(s.Text); {
		case s.Color == nil || text == "":
			b.WriteString(text)
		default:
			b.WriteString(s.Color.Sprint(text))
		}
	}
	return b.String() + "\n"
}

// Lines writes text line by line.
func (p Pen) Lines(text string) {
	for l := range strings.Lines(text) {
		p.Line(Text(untabbed(strings.TrimSuffix(l, "\n"))))
	}
}

// Redraw goes up so many rows, clears the screen from there (ECMA-48, CUU and
// ED), and writes lines.
func (p Pen) Redraw(up int, lines [][]Span) {
	var b strings.Builder
	if up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", up)
	}
	for _, l := range lines {
		b.WriteString(line(l))
	}
	io.WriteString(p.out, b.String())
}

// Writer is out for those that write plain text in lines.
func Writer(out io.Writer) io.Writer { return writer{out} }

type writer struct{ out io.Writer }

func (w writer) Write(p []byte) (int, error) {
	var b strings.Builder
	for l := range strings.Lines(string(p)) {
		text, ended := strings.CutSuffix(l, "\n")
		b.WriteString(untabbed(text))
		if ended {
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w.out, b.String())
	return len(p), err
}

// Visible is text with each character that a terminal would obey, or show as
// nothing, as Go writes it: \x1b, \u202e, and \x9b for a byte that is no UTF-8.
// What joins letters of one word, and emoji, stays.
func Visible(text string) string {
	if strings.IndexFunc(text, hidden) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case hidden(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// hidden are controls, format characters, and those of private use; separators
// of lines and paragraphs; and what Unicode keeps for a program's own use.
func hidden(r rune) bool {
	switch {
	case r == zeroWidthNonJoiner || r == zeroWidthJoiner:
		return false
	case unicode.Is(unicode.C, r) || unicode.In(r, unicode.Zl, unicode.Zp):
		return true
	}
	return r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
}

// looks are sequences that change how text looks, and nothing else: colours
// (ECMA-48, SGR), and the end of the line that GNU's grep clears behind them (EL).
var looks = regexp.MustCompile("\x1b\\[[0-9;:]*m|\x1b\\[K")

// Printed is a line that a program printed, as a terminal's column can show
// it: without its colours, since both worlds stand beside each other in the
// colours that tell them apart; tabs as blanks, and no carriage return before
// the line's end. All else is visible.
func Printed(line string) string {
	return untabbed(looks.ReplaceAllString(strings.TrimSuffix(line, "\r"), ""))
}

// untabbed is a line made visible, with blanks for its tabs.
func untabbed(line string) string {
	if !strings.Contains(line, "\t") {
		return Visible(line)
	}
	var b strings.Builder
	column := 0
	for i, part := range strings.Split(line, "\t") {
		if i > 0 {
			n := 8 - column%8
			b.WriteString(strings.Repeat(" ", n))
			column += n
		}
		part = Visible(part)
		b.WriteString(part)
		column += runewidth.StringWidth(part)
	}
	return b.String()
}
