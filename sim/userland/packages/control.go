package packages

import (
	"strings"
)

// stanza is a paragraph of a control file (deb-control(5)): fields in order.
// A value of many lines has each further one indented, as in the file.
type stanza []field

type field struct{ key, value string }

func (s stanza) get(key string) string {
	for _, f := range s {
		if f.key == key {
			return f.value
		}
	}
	return ""
}

// with is s with a field set, at the end if it is new.
func (s stanza) with(key, value string) stanza {
	out := append(stanza{}, s...)
	for i, f := range out {
		if f.key == key {
			out[i].value = value
			return out
		}
	}
	return append(out, field{key, value})
}

// list is a field's comma-separated names, without versions and with the first
// of alternatives.
func (s stanza) list(key string) []string {
	var out []string
	for _, part := range strings.Split(s.get(key), ",") {
		name, _, _ := strings.Cut(part, "|")
		if words := strings.Fields(name); len(words) > 0 {
			out = append(out, words[0])
		}
	}
	return out
}

// parse reads paragraphs. What is no field is skipped, so that a damaged file
// cannot hurt.
func parse(text string) []stanza {
	var all []stanza
	var now stanza
	for line := range strings.Lines(text + "\n\n") {
		line = strings.TrimSuffix(line, "\n")
		key, value, ok := strings.Cut(line, ":")
		switch {
		case strings.TrimSpace(line) == "":
			if now != nil {
				all, now = append(all, now), nil
			}
		case line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if now != nil {
				now[len(now)-1].value += "\n" + line
			}
		case ok:
			now = append(now, field{key, strings.TrimSpace(value)})
		}
	}
	return all
}

// format is the file of paragraphs.
func format(all []stanza) string {
	var b strings.Builder
	for _, s := range all {
		for _, f := range s {
			b.WriteString(f.key + ":")
			if f.value != "" && f.value[0] != '\n' {
				b.WriteByte(' ')
			}
			b.WriteString(f.value + "\n")
		}
		b.WriteByte('\n')
	}
	return b.String()
}
