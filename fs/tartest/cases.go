package tartest

import (
	_ "embed"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Case is a tar and what Docker makes of it.
type Case struct {
	Name    string
	Entries []Entry
	Text    []string // the entries as they are written
	// Result is an error's text, or the layer's size and its [List].
	Result []string
}

//go:embed testdata/tars.txt
var text string

// Cases are all cases. The file has for each its name, in tabs its entries, as
// in "f a/b mode=600 body=text", and after "=" signs what Docker makes of it.
// {x*3} stands for xxx.
func Cases() (cases []Case, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		last := len(cases) - 1
		switch entry, isEntry := strings.CutPrefix(line, "\t"); {
		case line == "" || line[0] == '#':
		case line[0] == '=':
			cases[last].Result = append(cases[last].Result, line[2:])
		case isEntry:
			e, err := parse(entry)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", line, err)
			}
			cases[last].Entries, cases[last].Text = append(cases[last].Entries, e), append(cases[last].Text, entry)
		default:
			cases = append(cases, Case{Name: line})
		}
	}
	return cases, nil
}

// Write writes cases in the form of their file, below the file's head.
func Write(file string, cases []Case) error {
	head, _, _ := strings.Cut(text, "\n\n")
	var b strings.Builder
	b.WriteString(head + "\n")
	for _, c := range cases {
		b.WriteString("\n" + c.Name + "\n")
		for _, e := range c.Text {
			b.WriteString("\t" + e + "\n")
		}
		for _, r := range c.Result {
			b.WriteString("= " + r + "\n")
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

var (
	words = regexp.MustCompile(`(?:[^\s"]|"(?:[^"\\]|\\.)*")+`)
	runs  = regexp.MustCompile(`\{(.+?)\*(\d+)\}`)
)

func unquote(word string) (string, error) {
	if strings.HasPrefix(word, `"`) {
		return strconv.Unquote(word)
	}
	return runs.ReplaceAllStringFunc(word, func(run string) string {
		m := runs.FindStringSubmatch(run)
		n, _ := strconv.Atoi(m[2])
		return strings.Repeat(m[1], n)
	}), nil
}

// shorten writes a run of one byte, or of a letter and a slash, as [Cases]
// reads it.
func shorten(s string) string {
	const short = 20
	var b strings.Builder
	for i := 0; i < len(s); {
		n, unit := 1, s[i:i+1]
		if i+2 <= len(s) && s[i+1] == '/' {
			unit = s[i : i+2]
		}
		for strings.HasPrefix(s[i+n*len(unit):], unit) {
			n++
		}
		if n < short {
			n, unit = 1, s[i:i+1]
			b.WriteString(unit)
		} else {
			fmt.Fprintf(&b, "{%s*%d}", unit, n)
		}
		i += n * len(unit)
	}
	return b.String()
}

// Said is an error as the file of cases has it.
func Said(err error) string { return shorten(strings.TrimSpace(err.Error())) }

func parse(line string) (Entry, error) {
	all := words.FindAllString(line, -1)
	if len(all) < 2 || len(all[0]) != 1 {
		return Entry{}, fmt.Errorf("an entry is a type, a name, and more")
	}
	name, err := unquote(all[1])
	e := Entry{Type: all[0][0], Name: name, Mode: 0o644, Mtime: 1000, Body: name}
	if e.Type == 'd' {
		e.Mode = 0o755
	}
	for _, word := range all[2:] {
		if err == nil {
			err = e.set(word)
		}
	}
	return e, err
}

func (e *Entry) set(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	if value, err = unquote(value); err != nil {
		return err
	}
	switch key {
	case "to":
		e.To = value
	case "body":
		e.Body = value
	case "mode":
		e.Mode, err = strconv.ParseInt(value, 8, 64)
	case "uid":
		e.UID, err = strconv.Atoi(value)
	case "gid":
		e.GID, err = strconv.Atoi(value)
	case "mtime":
		e.Mtime, err = strconv.ParseInt(value, 10, 64)
	case "dev":
		_, err = fmt.Sscanf(value, "%d:%d", &e.Dev[0], &e.Dev[1])
	default:
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		e.Xattrs[key] = value
	}
	return err
}
