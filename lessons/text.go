package lessons

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// text is a lesson's words in one language.
type text struct {
	file     string
	title    string
	sections []section
	faults   []error
}

// section is what is under one "## <step id>".
type section struct {
	id    string
	line  int // of its heading
	lines []string
}

// prose is the section without the blank lines around it.
func (s section) prose() string { return strings.Trim(strings.Join(s.lines, "\n"), "\n") }

// readText takes the Markdown apart at its headings, of the form "# …" at the
// beginning of a line. What is in a fenced block is no heading.
func readText(file, src string) *text {
	t := &text{file: file}
	fence := ""
	for i, line := range strings.Split(strings.TrimPrefix(src, "\ufeff"), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if !utf8.ValidString(line) {
			t.fault(i+1, "the line is not UTF-8")
		}
		level, words := heading(line)
		switch {
		case fence != "":
			t.say(i+1, line)
			if strings.HasPrefix(line, fence) {
				fence = ""
			}
		case level > 0:
			t.head(i+1, level, words)
		default:
			fence = fenceOf(line)
			t.say(i+1, line)
		}
	}
	t.vet()
	return t
}

// heading is a line's level as a heading, 0 if it is none, and its words.
func heading(line string) (level int, words string) {
	rest := strings.TrimLeft(line, "#")
	level = len(line) - len(rest)
	if level > 6 || rest != "" && rest[0] != ' ' {
		return 0, ""
	}
	return level, strings.TrimSpace(rest)
}

// fenceOf is what opens a fenced block on this line, and closes it again.
func fenceOf(line string) string {
	for _, mark := range []string{"`", "~"} {
		if rest := strings.TrimLeft(line, mark); len(line)-len(rest) >= 3 {
			return line[:len(line)-len(rest)]
		}
	}
	return ""
}

func (t *text) head(line, level int, words string) {
	switch {
	case level == 1 && t.title != "":
		t.fault(line, "the title is there already")
	case level == 1:
		t.title = words
	case level > 2:
		t.fault(line, "headings go no deeper than ## <step id>")
	case slices.ContainsFunc(t.sections, func(s section) bool { return s.id == words }):
		t.fault(line, "section %s is there already", words)
	default:
		t.sections = append(t.sections, section{id: words, line: line})
	}
}

// say adds a line to the section that it is in.
func (t *text) say(line int, words string) {
	if n := len(t.sections); n > 0 {
		t.sections[n-1].lines = append(t.sections[n-1].lines, words)
	} else if words != "" {
		t.fault(line, "the line is in no step's section, so nobody would read it")
	}
}

func (t *text) vet() {
	if t.title == "" {
		t.fault(1, "the lesson has no title: # …")
	}
	for _, s := range t.sections {
		if s.prose() == "" {
			t.fault(s.line, "section %s says nothing", s.id)
		}
	}
}

func (t *text) fault(line int, format string, args ...any) {
	t.faults = append(t.faults, &Fault{t.file, line, 1, fmt.Sprintf(format, args...)})
}

// take takes the section of a step out.
func (t *text) take(id string) (section, bool) {
	i := slices.IndexFunc(t.sections, func(s section) bool { return s.id == id })
	if i < 0 {
		return section{}, false
	}
	s := t.sections[i]
	t.sections = slices.Delete(t.sections, i, i+1)
	return s, true
}
