package repl

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"twinlayer/sim/repl/ink"
)

// What is drawn of a text: as much as people read.
const (
	linesMost   = 200
	lineMost    = 16 << 10 // bytes
	columnsMost = 20       // of a table
)

// screenLines are the lines of what a program printed, safe to draw.
func (p painter) screenLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	cut := len(lines) - linesMost
	if cut > 0 {
		lines = append(lines[:linesMost], p.in(sayMoreLines(cut)))
	}
	for i, l := range lines {
		lines[i] = ink.Printed(p.clipped(l))
	}
	return lines
}

// clipped is a line that is not longer than anybody reads.
func (p painter) clipped(line string) string {
	kept := begin(line, lineMost)
	if cut := len(line) - len(kept); cut > 0 {
		return p.in(sayMoreBytes(kept, cut))
	}
	return line
}

// begin is the whole characters in the first n bytes of a text.
func begin(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

func widest(lines []string) (n int) {
	for _, l := range lines {
		n = max(n, runewidth.StringWidth(l))
	}
	return n
}

// folded are lines in pieces that fit into width: a table of docker's goes on
// below itself with the columns that have no room, any other line at a blank
// if it has one.
func folded(lines []string, width int) (out [][]string) {
	for len(lines) > 0 {
		n := tableRows(lines)
		if n == 0 || widest(lines[:n]) <= width {
			n = max(n, 1)
			for _, l := range lines[:n] {
				out = append(out, fold(l, width))
			}
		} else {
			out = append(out, foldTable(lines[:n], width)...)
		}
		lines = lines[n:]
	}
	return out
}

// tableHead is what docker writes above its tables.
var tableHead = regexp.MustCompile(`^[A-Z]+( [A-Z]+)*( {3,}[A-Z]+( [A-Z]+)*)+ *$`)

// columnsOf are where the columns of a table with that head begin.
func columnsOf(head string) (starts []int) {
	for _, m := range regexp.MustCompile(`[A-Z]+( [A-Z]+)*`).FindAllStringIndex(head, -1) {
		starts = append(starts, m[0])
	}
	return starts
}

// tableRows is how many of the lines are a table that begins with the first;
// 0 where none does.
func tableRows(lines []string) (n int) {
	if !tableHead.MatchString(lines[0]) {
		return 0
	}
	starts := columnsOf(lines[0])[1:]
	if len(starts) >= columnsMost {
		return 0 // none of docker's
	}
	for n = 1; n < len(lines) && keeps(lines[n], starts); n++ {
	}
	return n
}

// wideTable says whether the lines have a table that is wider than width.
func wideTable(lines []string, width int) bool {
	for i := range lines {
		if n := tableRows(lines[i:]); widest(lines[i:i+n]) > width {
			return true
		}
	}
	return false
}

// keeps says whether a line is a row of a table with columns there.
func keeps(line string, starts []int) bool {
	row := []rune(line)
	for _, at := range starts {
		if at < len(row) && row[at-1] != ' ' {
			return false
		}
	}
	return len(row) > 0 && row[0] != ' '
}

// foldTable takes the columns that have no room below those that have; the
// first line is the table's head.
func foldTable(lines []string, width int) [][]string {
	const hang = 4
	cut := 0
	for _, at := range columnsOf(lines[0])[1:] {
		if widest(parts(lines, 0, at)) <= width {
			cut = at
		}
	}
	rest := [][]string{}
	if cut == 0 || width <= 2*hang { // not even the first has room
		for _, l := range lines {
			rest = append(rest, fold(l, width))
		}
		return rest
	}
	below := parts(lines, cut, -1)
	if widest(below) <= width-hang {
		for _, l := range below {
			rest = append(rest, []string{l})
		}
	} else {
		rest = foldTable(below, width-hang)
	}
	var out [][]string
	for i, l := range parts(lines, 0, cut) {
		row := []string{l}
		for _, piece := range rest[i] {
			if piece != "" {
				row = append(row, strings.Repeat(" ", hang)+piece)
			}
		}
		out = append(out, row)
	}
	return out
}

// parts are the columns of each line from one place to another, -1: the end.
func parts(lines []string, from, to int) (out []string) {
	for _, l := range lines {
		row := []rune(l)
		end := len(row)
		if to >= 0 {
			end = min(to, end)
		}
		out = append(out, strings.TrimRight(string(row[min(from, end):end]), " "))
	}
	return out
}

// fold cuts a line into pieces no wider than width, at a blank or a comma where
// it has one in the second half of a piece.
func fold(line string, width int) []string {
	var out []string
	for runewidth.StringWidth(line) > width {
		piece := runewidth.Truncate(line, width, "")
		if piece == "" {
			break
		}
		if at := strings.LastIndexAny(piece, " ,"); at > len(piece)/2 && line[len(piece)] != ' ' {
			piece = piece[:at+1]
		}
		out, line = append(out, strings.TrimRight(piece, " ")), strings.TrimPrefix(line[len(piece):], " ")
	}
	return append(out, line)
}

// wrapWords is what somebody says, made visible, in lines no wider than width.
func (p painter) wrapWords(text string, width int) []string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		paragraph = ink.Visible(p.clipped(strings.ReplaceAll(paragraph, "\t", " ")))
		line := ""
		for _, word := range breakable(paragraph) {
			if line != "" && runewidth.StringWidth(strings.TrimRight(line+word, " ")) > width {
				out, line = append(out, strings.TrimRight(line, " ")), ""
			}
			line += word
		}
		line = strings.TrimRight(line, " ")
		out = append(out, line)
	}
	return out
}
