package lessons

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"twinlayer/sim/say"
)

// languages reads the lesson's words in every language.
func (v *vetter) languages(l *Lesson, fsys fs.FS, dir string, wanted []string) {
	files, err := fs.Glob(fsys, path.Join(dir, "*.md"))
	if err != nil {
		v.faults = append(v.faults, missing(dir, err))
	}
	if len(files) == 0 && len(wanted) == 0 {
		v.faults = append(v.faults, &Fault{File: dir, Text: "the lesson has no words; " + say.English + ".md is where they go"})
	}
	for _, lang := range wanted {
		if file := path.Join(dir, lang+".md"); !slices.Contains(files, file) {
			v.faults = append(v.faults, &Fault{File: file, Text: "file does not exist"})
		}
	}
	l.Words = map[string]Words{}
	for _, file := range files {
		l.Words[strings.TrimSuffix(path.Base(file), ".md")] = v.words(*l, fsys, file)
	}
	v.sameParts(*l)
}

// sameParts finds what one language says and another leaves out.
func (v *vetter) sameParts(l Lesson) {
	langs := slices.Sorted(maps.Keys(l.Words))
	for _, lang := range langs {
		for i, s := range l.Steps {
			ours, first := l.Words[lang].Steps[s.ID], l.Words[langs[0]].Steps[s.ID]
			at := fmt.Sprintf("$.steps[%d].id", i)
			if (ours.After == "") != (first.After == "") {
				v.fault(at, "one of %s.md and %s.md has an ### after, and one has none", langs[0], lang)
			}
			if len(ours.Hints) != len(first.Hints) {
				v.fault(at, "%s.md has %d hints, and %s.md has %d", langs[0], len(first.Hints), lang, len(ours.Hints))
			}
			if len(ours.Quiz.Options) != len(first.Quiz.Options) {
				v.fault(at, "%s.md has %d answers to the quiz, and %s.md has %d", langs[0], len(first.Quiz.Options), lang, len(ours.Quiz.Options))
			}
		}
	}
}

// words reads one file of words and holds it against the lesson.
func (v *vetter) words(l Lesson, fsys fs.FS, file string) Words {
	src, err := read(fsys, file)
	if err != nil {
		v.faults = append(v.faults, err)
		return Words{}
	}
	t := &pairing{v, readText(file, src)}
	w := Words{Title: t.title, On: map[string]string{}, Steps: map[string]StepWords{}}
	for _, engine := range slices.Sorted(maps.Keys(l.Differs)) {
		if s := t.need("$.differs."+engine, "## on "+engine, t.take("on "+engine)); s != nil {
			w.On[engine] = s.prose()
		}
	}
	for i, s := range l.Steps {
		at := fmt.Sprintf("$.steps[%d]", i)
		if section := t.need(at+".id", "## "+s.ID, t.take(s.ID)); section != nil {
			w.Steps[s.ID] = t.step(at, s, section)
		}
	}
	for _, s := range t.sections {
		t.fault(s.line, "no step is called %s", s.key)
	}
	v.faults = append(v.faults, t.faults...)
	return w
}

// pairing holds words against what they are for, in both directions.
type pairing struct {
	v *vetter
	*text
}

// need finds fault where a section is missing.
func (t *pairing) need(at, what string, s *section) *section {
	if s == nil {
		t.v.fault(at, "%s has no section for it: %s", path.Base(t.file), what)
	}
	return s
}

func (t *pairing) step(at string, s Step, section *section) StepWords {
	w := StepWords{Prose: section.prose(), Wrong: map[string]string{}}
	w.After = section.take("after")
	if s.Predict != nil {
		w.Predict = t.part(at+".predict", section, "predict")
	}
	for hint := section.take("hint"); hint != ""; hint = section.take("hint") {
		w.Hints = append(w.Hints, hint)
	}
	if s.Exercise() && len(w.Hints) == 0 {
		t.v.fault(at+".solution", "%s has no section for it: ### hint", path.Base(t.file))
	}
	for k, wrong := range s.Wrong {
		if wrong.Mistake == "" {
			w.Wrong[wrong.ID] = t.part(fmt.Sprintf("%s.wrong[%d]", at, k), section, "wrong "+wrong.ID)
		}
	}
	if s.Quiz != nil {
		w.Quiz = t.quiz(at+".quiz", *s.Quiz, section)
	}
	for _, left := range section.below {
		t.fault(left.line, "step %s has nothing that ### %s is for", section.key, left.key)
	}
	return w
}

func (t *pairing) part(at string, s *section, key string) string {
	prose := s.take(key)
	if prose == "" {
		t.v.fault(at, "%s has no section for it: ### %s", path.Base(t.file), key)
	}
	return prose
}

func (t *pairing) quiz(at string, q Quiz, s *section) QuizWords {
	prose := t.part(at, s, "quiz")
	w := quiz(prose)
	switch {
	case prose == "":
	case q.Right < 1 || q.Right > len(w.Options):
		t.v.fault(at+".right", "right is the number of an answer in %s, which has %d; not %d", path.Base(t.file), len(w.Options), q.Right)
	case w.Question == "" || w.Why == "":
		t.v.fault(at, "the ### quiz of %s is a question, a numbered list of answers, and why", cmp.Or(path.Base(t.file), "?"))
	}
	return w
}
