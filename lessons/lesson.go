package lessons

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"slices"
)

//go:embed */lesson.yaml */*.md
var course embed.FS

// Lesson is one lesson in one language.
type Lesson struct {
	Format     int      `yaml:"format_version"`
	ID         string   `yaml:"id"`
	Order      int      `yaml:"order"` // its number in the course
	Title      string   `yaml:"-"`
	Containers []string `yaml:"containers"` // the lesson's own, by name
	Images     []string `yaml:"images"`     // what the lesson brings, as docker images has them
	Steps      []Step   `yaml:"steps"`
}

// Step is one idea: said, then shown.
type Step struct {
	ID    string   `yaml:"id"`
	Prose string   `yaml:"-"`     // one sentence a line
	Run   []string `yaml:"run"`   // the lines that show it
	Goals []Goal   `yaml:"goals"` // the state that they lead to
}

// All is the course, in its order, in the given language; "" is English.
func All(lang string) ([]Lesson, error) { return LoadAll(course, lang) }

// LoadAll loads every lesson in fsys, one per directory. The error has all
// faults of all lessons.
func LoadAll(fsys fs.FS, lang string) ([]Lesson, error) {
	dirs, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var all []Lesson
	var faults []error
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		l, err := Load(fsys, dir.Name(), lang)
		all, faults = append(all, l), append(faults, err)
	}
	slices.SortStableFunc(all, func(a, b Lesson) int { return cmp.Compare(a.Order, b.Order) })
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return all, sameOrder(fsys, all)
}

// sameOrder finds the lessons that have the number of another.
func sameOrder(fsys fs.FS, sorted []Lesson) error {
	var faults []error
	for i := 1; i < len(sorted); i++ {
		l, before := sorted[i], sorted[i-1]
		if l.Order != before.Order {
			continue
		}
		doc, err := parse(fsys, yamlFile(l.ID))
		if err != nil {
			return err
		}
		v := &vetter{file: yamlFile(l.ID), doc: doc}
		v.fault("$.order", "lesson %s has this number too", before.ID)
		faults = append(faults, v.faults...)
	}
	return errors.Join(faults...)
}
