package lessons

import (
	"cmp"
	"errors"
	"io/fs"
	"path"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
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
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, missing(file, err)
	}
	doc, err := parser.ParseBytes(src, 0)
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
