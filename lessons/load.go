package lessons

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// version is the one format of lesson.yaml there is.
const version = 1

func yamlFile(dir string) string { return path.Join(dir, "lesson.yaml") }

// Load loads the lesson in the directory dir of fsys, in all the languages it
// has; those wanted must be among them. The error has all that is wrong, each
// a *[Fault].
func Load(fsys fs.FS, dir string, wanted ...string) (Lesson, error) {
	doc, err := parse(fsys, yamlFile(dir))
	if err != nil {
		return Lesson{ID: dir}, err
	}
	v := &vetter{file: yamlFile(dir), doc: doc}
	l, err := v.decode()
	if err != nil {
		return Lesson{ID: dir}, err
	}
	v.lesson(l, path.Base(dir))
	v.languages(&l, fsys, dir, wanted)
	return l, errors.Join(v.faults...)
}

// parse reads YAML that is one mapping.
func parse(fsys fs.FS, file string) (*ast.File, error) {
	src, err := read(fsys, file)
	if err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(src)
	if t := tooDeep(tokens); t != nil {
		return nil, &Fault{file, t.Position.Line, t.Position.Column, "lists and mappings stand in each other too deep here for a lesson"}
	}
	doc, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, yamlFault(file, err)
	}
	switch {
	case len(doc.Docs) == 0 || doc.Docs[0].Body == nil:
		return nil, &Fault{file, 1, 1, "there is no lesson in it"}
	case len(doc.Docs) > 1:
		line, column := position(cmp.Or[ast.Node](doc.Docs[1].Body, doc.Docs[0].Body))
		return nil, &Fault{file, line, column, "a second document begins, but a lesson is one"}
	}
	return doc, nil
}

// What a lesson needs is far below these; the YAML library takes time that grows
// with the square of both.
const (
	fileMost = 64 << 10 // bytes
	deepest  = 32
)

// read reads a lesson's file.
func read(fsys fs.FS, file string) (string, error) {
	info, err := fs.Stat(fsys, file)
	if err != nil {
		return "", missing(file, err)
	}
	if !info.Mode().IsRegular() {
		return "", &Fault{File: file, Text: "is not a regular file"}
	}
	f, err := fsys.Open(file)
	if err != nil {
		return "", missing(file, err)
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, fileMost+1))
	switch {
	case err != nil:
		return "", missing(file, err)
	case len(src) > fileMost:
		return "", &Fault{File: file, Text: fmt.Sprintf("a lesson's file has at most %d bytes", fileMost)}
	}
	return string(src), nil
}

// tooDeep is the first token that opens more than the deepest list or mapping,
// in brackets or by dashes and keys in one line; nil where none does.
func tooDeep(tokens token.Tokens) *token.Token {
	open, line, begun := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, begun = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			open++
		case token.SequenceEndType, token.MappingEndType:
			open--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			begun++
		}
		if max(open, begun) > deepest {
			return t
		}
	}
	return nil
}

func missing(file string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return &Fault{File: file, Text: err.Error()}
}

// decode reads the lesson strictly, but its version first: a format that is
// not known has fields that are not known.
func (v *vetter) decode() (l Lesson, err error) {
	body := v.doc.Docs[0].Body
	var format struct {
		Version int `yaml:"format_version"`
	}
	if err := yaml.NodeToValue(body, &format); err != nil {
		return l, yamlFault(v.file, err)
	}
	if format.Version != version {
		v.fault("$.format_version", "format_version must be %d", version)
		return l, errors.Join(v.faults...)
	}
	if err := yaml.NodeToValue(body, &l, yaml.Strict()); err != nil {
		return l, yamlFault(v.file, err)
	}
	return l, nil
}
