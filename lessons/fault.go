package lessons

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Fault is what is wrong in a lesson's files, and where.
type Fault struct {
	File         string
	Line, Column int // from 1; 0 where it is the file as a whole
	Text         string
}

func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// yamlFault is a fault that the YAML library found.
func yamlFault(file string, err error) error {
	var found yaml.Error
	if !errors.As(err, &found) {
		return &Fault{File: file, Text: err.Error()}
	}
	f := &Fault{File: file, Text: inTeachersWords(found)}
	if t := found.GetToken(); t != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// inTeachersWords says without the names of Go's types what is wrong.
func inTeachersWords(err yaml.Error) string {
	if t, ok := errors.AsType[*yaml.TypeError](err); ok {
		return fmt.Sprintf("a %s belongs here, not a %s", kindOf(t.DstType), kindOf(t.SrcType))
	}
	text := err.GetMessage()
	switch {
	case strings.Contains(text, "not allowed in this context"):
		return "this line does not stand where it can: check the indentation here and above; what belongs together begins in one column, with blanks and no tabs"
	case strings.HasPrefix(text, "unknown field"):
		return text + ": twinlayer lesson format has the fields that there are"
	}
	return text
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "mapping"
	}
	return t.Kind().String()
}

// position is where a node begins. A mapping begins at its first key, for
// which the library has the colon behind it.
func position(node ast.Node) (line, column int) {
	if m, ok := node.(ast.MapNode); ok {
		if keys := m.MapRange(); keys.Next() {
			node = keys.Key()
		}
	}
	p := node.GetToken().Position
	return p.Line, p.Column
}

// vetter looks for what YAML alone does not know to be wrong, and collects
// all of it.
type vetter struct {
	file   string
	doc    *ast.File
	faults []error
}

// fault notes what is wrong at a place in the document: "$.steps[0].id". What
// is not there is wrong in what should hold it.
func (v *vetter) fault(at, format string, args ...any) {
	f := &Fault{File: v.file, Text: fmt.Sprintf(format, args...)}
	if node := v.node(at); node != nil {
		f.Line, f.Column = position(node)
	}
	v.faults = append(v.faults, f)
}

func (v *vetter) node(at string) ast.Node {
	for ; at != ""; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		p, err := yaml.PathString(at)
		if err != nil {
			continue
		}
		if node, err := p.FilterFile(v.doc); err == nil && node != nil {
			return node
		}
	}
	return nil
}
