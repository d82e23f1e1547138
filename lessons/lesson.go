package lessons

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"twinlayer/sim"
	"twinlayer/sim/say"
)

//go:embed */lesson.yaml */*.md
var course embed.FS

// Lesson is one lesson, in every language that it has.
type Lesson struct {
	Format     int                `yaml:"format_version"`
	ID         string             `yaml:"id"`
	Order      int                `yaml:"order"` // its number in the course
	Containers []string           `yaml:"containers"`
	Images     []string           `yaml:"images"` // what the lesson brings, as docker images has them
	Files      map[string]string  `yaml:"files"`  // of its directory on the host, at the start
	Differs    map[string]Differs `yaml:"differs"`
	Steps      []Step             `yaml:"steps"`
	Words      map[string]Words   `yaml:"-"` // by language
}

// Differs is what is different on an engine: these lines may have a verdict as
// grave as this, for the reason that the lesson's words give.
type Differs struct {
	Lines   []string  `yaml:"lines"`
	Verdict sim.Class `yaml:"verdict"`
}

// Step is one idea: said, then shown, or left to the learner.
type Step struct {
	ID       string      `yaml:"id"`
	Predict  *Prediction `yaml:"predict"`
	Run      []string    `yaml:"run"`      // the lines that show it
	Solution []string    `yaml:"solution"` // in place of run: what the learner is to find
	Goals    []Goal      `yaml:"goals"`    // the state that they lead to
	Wrong    []Wrong     `yaml:"wrong"`
	Quiz     *Quiz       `yaml:"quiz"`
}

// Exercise says whether the step is the learner's own.
func (s Step) Exercise() bool { return len(s.Solution) > 0 }

// Lines are what leads to the step's goals.
func (s Step) Lines() []string {
	if s.Exercise() {
		return s.Solution
	}
	return s.Run
}

// Wrong is an attempt that a learner might plausibly make, and by what it is
// recognised: a state, or one of the common mistakes.
type Wrong struct {
	ID      string   `yaml:"id"`
	Run     []string `yaml:"run"`
	When    []Goal   `yaml:"when"`
	Mistake string   `yaml:"mistake"`
}

// Quiz is a question with answers to choose from.
type Quiz struct {
	Right int `yaml:"right"` // from 1
}

// In is the lesson's words in a language, else in English, else in any.
func (l Lesson) In(lang string) Words {
	for _, lang := range []string{lang, say.English} {
		if w, ok := l.Words[lang]; ok {
			return w
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(l.Words)) {
		return l.Words[lang]
	}
	return Words{}
}

// All is the course, in its order. It is read once; nobody changes it.
func All() ([]Lesson, error) { return all() }

var all = sync.OnceValues(func() ([]Lesson, error) { return LoadAll(course) })

// LoadAll loads every lesson in fsys, one per directory, and demands each
// language of the course. The error has all faults of all lessons.
func LoadAll(fsys fs.FS) ([]Lesson, error) {
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
		l, err := Load(fsys, dir.Name(), Languages...)
		all, faults = append(all, l), append(faults, err)
	}
	slices.SortStableFunc(all, func(a, b Lesson) int { return cmp.Compare(a.Order, b.Order) })
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return all, sameOrder(fsys, all)
}

// Open loads the lesson in a directory of a machine.
func Open(host sim.Host, dir string) (Lesson, error) {
	whole := host.Abs(dir)
	return Load(host.Dir(filepath.Dir(whole)), filepath.Base(whole))
}

// Find is the lesson that is called so: by its number or its id in the course
// or, where neither is meant, by its directory on a machine; nil is none.
func Find(host sim.Host, name string) (l Lesson, found bool, err error) {
	all, err := All()
	for _, l := range all {
		if name == l.ID || name == strconv.Itoa(l.Order) {
			return l, true, nil
		}
	}
	if host == nil {
		host = sim.NoHost{}
	}
	if kind, failed := host.Kind(name); failed != nil || kind != sim.HostDir {
		return l, false, err
	}
	l, err = Open(host, name)
	return l, true, err
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
