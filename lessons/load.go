package lessons

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"twinlayer/sim"
)

// version is the one format of lesson.yaml there is.
const version = 1

func yamlFile(dir string) string { return path.Join(dir, "lesson.yaml") }

// Load loads the lesson in the directory dir of fsys, in the given language;
// "" is English. The error has all that is wrong, each a *[Fault].
func Load(fsys fs.FS, dir, lang string) (Lesson, error) {
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
	v.text(&l, fsys, path.Join(dir, cmp.Or(lang, "en")+".md"))
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

var (
	idForm        = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	containerForm = regexp.MustCompile(`^lesson(-[a-z0-9]+)+$`)
)

func (v *vetter) lesson(l Lesson, dir string) {
	if l.ID != dir {
		v.fault("$.id", "id must be %s, the directory's name", dir)
	}
	v.id("$.id", l.ID)
	if l.Order < 1 {
		v.fault("$.order", "order must be a number from 1")
	}
	v.own(l)
	if len(l.Steps) == 0 {
		v.fault("$.steps", "a lesson has steps")
	}
	for i, s := range l.Steps {
		v.step(l, i, s)
	}
}

func (v *vetter) id(at, id string) {
	if !idForm.MatchString(id) {
		v.fault(at, "an id is of small letters, digits and dashes, not %q", id)
	}
}

// own vets what the lesson declares as its own.
func (v *vetter) own(l Lesson) {
	for i, name := range l.Containers {
		if !containerForm.MatchString(name) {
			v.fault(fmt.Sprintf("$.containers[%d]", i), "a lesson's container is called lesson-…, so that it is no one else's; not %q", name)
		}
	}
	for i, ref := range l.Images {
		if familiar, err := sim.Familiar(ref); err != nil || familiar != ref {
			v.fault(fmt.Sprintf("$.images[%d]", i), "an image is written as docker images has it, name:tag; not %q", ref)
		}
	}
}

func (v *vetter) step(l Lesson, i int, s Step) {
	at := fmt.Sprintf("$.steps[%d]", i)
	v.id(at+".id", s.ID)
	if first := slices.IndexFunc(l.Steps, func(o Step) bool { return o.ID == s.ID }); first < i {
		v.fault(at+".id", "step %d is called %s too", first+1, s.ID)
	}
	if len(s.Run) == 0 {
		v.fault(at+".run", "a step runs something")
	}
	for k, line := range s.Run {
		v.line(fmt.Sprintf("%s.run[%d]", at, k), l, k, line)
	}
	if len(s.Goals) == 0 {
		v.fault(at+".goals", "a step has a goal")
	}
	for k, g := range s.Goals {
		v.goal(fmt.Sprintf("%s.goals[%d]", at, k), l, g)
	}
}

// line vets one line of a step, as far as it can be told without running it.
func (v *vetter) line(at string, l Lesson, k int, line string) {
	switch {
	case strings.TrimSpace(line) == "":
		v.fault(at, "the line is empty")
	case isDocker(line):
		v.docker(at, l, line)
	case k == 0:
		v.fault(at, "a step begins outside of any container, so its first line is docker's")
	case isWord(line) && line != wordDetach:
		v.fault(at, "%s is no word of a lesson; %s is", line, wordDetach)
	}
}

func (v *vetter) docker(at string, l Lesson, line string) {
	cmd, err := sim.Parse(line, noEnv)
	switch {
	case err != nil:
		text, _, _ := strings.Cut(err.Error(), "\n")
		v.fault(at, "%s", text)
	case cmd.Verb == "help":
		v.fault(at, "the line only asks for help")
	case cmd.Verb == "run" && !cmd.Remove && !slices.Contains(l.Containers, cmd.Options.Name):
		v.fault(at, "docker run needs --name with one of the lesson's containers, or --rm")
	}
}

func (v *vetter) goal(at string, l Lesson, g Goal) {
	if g.state == nil {
		v.fault(at, "the goal is empty")
		return
	}
	g.vet(l, func(field, format string, args ...any) { v.fault(at+"."+g.Kind+field, format, args...) })
}

// text reads the lesson's words and gives each step its own.
func (v *vetter) text(l *Lesson, fsys fs.FS, file string) {
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		v.faults = append(v.faults, missing(file, err))
		return
	}
	t := readText(file, string(src))
	l.Title = t.title
	for i, s := range l.Steps {
		section, ok := t.take(s.ID)
		if !ok && s.ID != "" {
			v.fault(fmt.Sprintf("$.steps[%d].id", i), "%s has no section for it: ## %s", path.Base(file), s.ID)
		}
		l.Steps[i].Prose = section.prose()
	}
	for _, s := range t.sections {
		t.fault(s.line, "no step is called %s", s.id)
	}
	v.faults = append(v.faults, t.faults...)
}
