// Package dockerfile reads Dockerfiles and says what their instructions mean:
// stages, variables and their scopes, what an instruction makes of an image's
// configuration and what the history tells of it, which files of a context
// COPY and ADD take and where they go, and .dockerignore. The syntax is
// BuildKit's, by its own parser; what an instruction does and what is said of
// it is the classic builder's (Docker 20.10), which the two worlds are held
// against.
//
// All here is pure: text, values and trees come in and go out. What may not
// live here: engines, containers, the host's files and the clock (sim builds).
package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
)

// File is a parsed Dockerfile. Its instructions are expanded in place as they
// are performed, so a File is good for one build.
type File struct {
	Stages []instructions.Stage

	name   string
	lines  []string
	args   []instructions.ArgCommand // before the first FROM
	escape rune
}

// Parse reads a Dockerfile; name is what errors call it. What is wrong with it
// is an *[Error].
func Parse(name string, text []byte) (file *File, err error) {
	f := &File{name: name, lines: strings.Split(string(text), "\n")}
	defer recovered(&err)
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, &Error{Text: fmt.Sprintf("the Dockerfile (%s) cannot be empty", name)}
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, f.Fault(fmt.Errorf("failed to parse %s: %w", name, err), nil)
	}
	f.escape = parsed.EscapeToken
	if f.Stages, f.args, err = instructions.Parse(parsed.AST, silent()); err != nil {
		return nil, f.Fault(err, nil)
	}
	if len(f.Stages) == 0 {
		return nil, &Error{Text: "no build stage in current context"}
	}
	return f, nil
}

// Trigger is the instruction that an image's ONBUILD has left for builds upon
// it.
func Trigger(expression string) (cmd instructions.Command, err error) {
	defer recovered(&err)
	parsed, err := parser.Parse(strings.NewReader(expression))
	if err != nil {
		return nil, err
	}
	if len(parsed.AST.Children) != 1 {
		return nil, fmt.Errorf("onbuild trigger should be a single expression")
	}
	read, err := instructions.ParseInstructionWithLinter(parsed.AST.Children[0], silent())
	if err != nil {
		return nil, errors.New(steady(err))
	}
	cmd, ok := read.(instructions.Command)
	if !ok {
		return nil, fmt.Errorf("%T is not a command type", read)
	}
	return cmd, nil
}

// silent checks nothing, as the classic builder, but must be there: a comment
// "# check=…" above an instruction is for it.
func silent() *linter.Linter { return linter.New(&linter.Config{}) }

// recovered makes an error of a panic: the parser's own checks are not
// complete.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = &Error{Text: fmt.Sprintf("dockerfile parse error: %v", r)}
	}
}

// steady is the text of an error of the parser. Of several instructions that an
// unknown one resembles as much the parser suggests any; here it is the first
// by name.
func steady(err error) string {
	text := err.Error()
	var unknown *instructions.UnknownInstructionError
	i := strings.LastIndex(text, "(did you mean ")
	if i < 0 || !errors.As(err, &unknown) {
		return text
	}
	match, _ := suggest.Search(unknown.Instruction, slices.Sorted(maps.Keys(command.Commands)), false)
	return text[:i] + "(did you mean " + match + "?)"
}

// Steps is how many steps a build of these stages has, as docker counts them.
func (f *File) Steps() int {
	n := len(f.args)
	for _, s := range f.Stages {
		n += 1 + len(s.Commands)
	}
	return n
}

// Args are the instructions before the first FROM, as they are written.
func (f *File) Args() (out []string) {
	for _, a := range f.args {
		out = append(out, a.String())
	}
	return out
}

// Target leaves out what comes after the stage of that name or number.
func (f *File) Target(name string) error {
	i, ok := f.stage(name, len(f.Stages))
	if !ok {
		return &Error{Text: fmt.Sprintf("failed to reach build target %s in Dockerfile", name)}
	}
	f.Stages = f.Stages[:i+1]
	return nil
}

// Stage is the stage that COPY --from or FROM means by name, of those before
// the stage with number before.
func (f *File) Stage(name string, before int) (int, bool) { return f.stage(name, before) }

func (f *File) stage(name string, before int) (int, bool) {
	if i, ok := instructions.HasStage(f.Stages[:before], name); ok && name != "" {
		return i, true
	}
	i, err := strconv.Atoi(name)
	return i, err == nil && i >= 0 && i < before
}

// Label adds a label to the last stage, as docker build --label does.
func (f *File) Label(key, value string) {
	f.Stages[len(f.Stages)-1].AddCommand(instructions.NewLabelCommand(key, value, true))
}

func (f *File) lex() *shell.Lex { return shell.NewLex(f.escape) }

// says is an error in docker's words.
func says(format string, args ...any) error { return &Error{Text: fmt.Sprintf(format, args...)} }

// Error is what is wrong with a Dockerfile or one of its instructions, where.
type Error struct {
	Text   string // in docker's words
	Source string // the file, the line, and the lines around it; "" where none is to blame
	Err    error  // the cause
}

func (e *Error) Error() string {
	if e.Source == "" {
		return e.Text
	}
	return e.Text + "\n" + e.Source
}

func (e *Error) Unwrap() error { return e.Err }

// Fault is err with the place that it is about: at, or what err itself names.
func (f *File) Fault(err error, at []parser.Range) *Error {
	var known *Error
	if errors.As(err, &known) && known.Source != "" {
		return known
	}
	var located *parser.LocationError
	if at == nil && errors.As(err, &located) && len(located.Locations) > 0 {
		at = located.Locations[0]
	}
	var unknown *instructions.UnknownInstructionError
	if at == nil && errors.As(err, &unknown) {
		at = []parser.Range{{Start: parser.Position{Line: unknown.Line}, End: parser.Position{Line: unknown.Line}}}
	}
	return &Error{Text: steady(err), Source: f.excerpt(at), Err: err}
}

// excerpt shows the lines of an instruction and one on each side.
func (f *File) excerpt(at []parser.Range) string {
	if len(at) == 0 {
		return ""
	}
	from, to := at[0].Start.Line, at[len(at)-1].End.Line
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d", f.name, from)
	for n := max(1, from-1); n <= min(len(f.lines), to+1); n++ {
		mark := "   "
		if n >= from && n <= to {
			mark = ">>>"
		}
		line := strings.TrimRight(f.lines[n-1], "\r")
		if line == "" && mark == "   " {
			continue
		}
		fmt.Fprintf(&b, "\n%4d | %s %s", n, mark, line)
	}
	return b.String()
}

// Code is an instruction as it is written, on one line.
func Code(c instructions.Command) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return strings.ToUpper(c.Name())
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
