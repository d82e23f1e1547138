package lessons

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Words are what a lesson says in one language.
type Words struct {
	Title string
	On    map[string]string // by engine: what differs there
	Steps map[string]StepWords
}

// StepWords are what is said in one step: one sentence a line.
type StepWords struct {
	Prose   string   // before its lines are run
	After   string   // when they have been; "" where nothing is left to say
	Predict string   // the question before it
	Hints   []string // from a push to nearly all
	Wrong   map[string]string
	Quiz    QuizWords
}

// QuizWords are a question, the answers to choose from, and why one is right.
type QuizWords struct {
	Question string
	Options  []string
	Why      string
}

// text is a lesson's Markdown in one language, taken apart at its headings.
type text struct {
	file     string
	title    string
	sections []*section
	faults   []error
}

// section is what is under one heading, up to the next.
type section struct {
	key   string // "<step id>", "on <engine>"; below a step "predict", "hint", …
	line  int    // of its heading
	lines []string
	below []*section // of a step's section
}

// prose is the section without the blank lines around it.
func (s *section) prose() string { return strings.Trim(strings.Join(s.lines, "\n"), "\n") }

// readText takes the Markdown apart. What is in a fenced block is no heading.
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
	case level == 2:
		t.section(line, words)
	case level > 3:
		t.fault(line, "headings go no deeper than ###")
	case len(t.sections) == 0:
		t.fault(line, "### %s is in no step's section", words)
	default:
		t.sections[len(t.sections)-1].add(t, line, words)
	}
}

func (t *text) section(line int, key string) {
	if slices.ContainsFunc(t.sections, func(s *section) bool { return s.key == key }) {
		t.fault(line, "section %s is there already", key)
	}
	t.sections = append(t.sections, &section{key: key, line: line})
}

// add adds a part; only hints may be several.
func (s *section) add(t *text, line int, key string) {
	if key != "hint" && slices.ContainsFunc(s.below, func(b *section) bool { return b.key == key }) {
		t.fault(line, "%s has a ### %s already", s.key, key)
	}
	s.below = append(s.below, &section{key: key, line: line})
}

// say adds a line to the section that it is in.
func (t *text) say(line int, words string) {
	n := len(t.sections)
	if n == 0 {
		if words != "" {
			t.fault(line, "the line is in no step's section, so nobody would read it")
		}
		return
	}
	s := t.sections[n-1]
	if k := len(s.below); k > 0 {
		s = s.below[k-1]
	}
	s.lines = append(s.lines, words)
}

func (t *text) vet() {
	if t.title == "" {
		t.fault(1, "the lesson has no title: # …")
	}
	for _, s := range t.sections {
		for _, s := range append([]*section{s}, s.below...) {
			if s.prose() == "" {
				t.fault(s.line, "section %s says nothing", s.key)
			}
		}
	}
}

func (t *text) fault(line int, format string, args ...any) {
	t.faults = append(t.faults, &Fault{t.file, line, 1, fmt.Sprintf(format, args...)})
}

// take takes the section of that key out, nil if there is none.
func (t *text) take(key string) *section { return takeFrom(&t.sections, key) }

func takeFrom(all *[]*section, key string) *section {
	i := slices.IndexFunc(*all, func(s *section) bool { return s.key == key })
	if i < 0 {
		return nil
	}
	s := (*all)[i]
	*all = slices.Delete(*all, i, i+1)
	return s
}

// take takes the part of that key out of a step's section; "" if there is
// none.
func (s *section) take(key string) string {
	if b := takeFrom(&s.below, key); b != nil {
		return b.prose()
	}
	return ""
}

var optionForm = regexp.MustCompile(`^\d+\. +`)

// quiz reads a question: its sentences, the answers as a numbered list, and
// what there is to say of them.
func quiz(prose string) (q QuizWords) {
	var question, why []string
	for line := range strings.SplitSeq(prose, "\n") {
		switch mark := optionForm.FindString(line); {
		case mark != "":
			q.Options = append(q.Options, line[len(mark):])
		case len(q.Options) == 0:
			question = append(question, line)
		default:
			why = append(why, line)
		}
	}
	q.Question = strings.Trim(strings.Join(question, "\n"), "\n")
	q.Why = strings.Trim(strings.Join(why, "\n"), "\n")
	return q
}
