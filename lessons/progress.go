package lessons

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Progress is how far a learner has come in the course. It is kept in a file,
// written whole or not at all; the zero value is kept nowhere.
type Progress struct {
	file string

	Format  int              `json:"format_version"`
	Last    string           `json:"last,omitempty"` // the lesson that was played last
	Lang    string           `json:"lang,omitempty"` // the language that was chosen
	Lessons map[string]Place `json:"lessons"`        // by id
}

// Place is how far a learner has come in one lesson.
type Place struct {
	Step int  `json:"step"` // of the next, from 1
	Of   int  `json:"of"`
	Over bool `json:"over"`              // it was played to its end once
	Skip int  `json:"skipped,omitempty"` // how many steps were skipped
}

const progressFormat = 1

// LoadProgress reads the file; where there is none, nothing has been played.
func LoadProgress(file string) (*Progress, error) {
	p := &Progress{file: file, Format: progressFormat, Lessons: map[string]Place{}}
	src, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || file == "" {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(src, p); err != nil {
		return &Progress{Lessons: map[string]Place{}}, fmt.Errorf("%s: %w; move it away to begin anew", file, err)
	}
	if p.Format != progressFormat {
		return &Progress{Lessons: map[string]Place{}}, fmt.Errorf("%s: format_version %d is not known; another twinlayer wrote it", file, p.Format)
	}
	if p.Lessons == nil {
		p.Lessons = map[string]Place{}
	}
	return p, nil
}

// At notes that a step of a lesson is open.
func (p *Progress) At(l Lesson, step int) error {
	place := p.Lessons[l.ID]
	place.Step, place.Of = step, len(l.Steps)
	if step == 1 {
		place.Skip = 0
	}
	return p.set(l, place)
}

// Skipped notes that a step was skipped.
func (p *Progress) Skipped(l Lesson) error {
	place := p.Lessons[l.ID]
	place.Skip++
	return p.set(l, place)
}

// Over notes that a lesson was played to its end.
func (p *Progress) Over(l Lesson) error {
	place := p.Lessons[l.ID]
	place.Step, place.Of, place.Over = 1, len(l.Steps), true
	return p.set(l, place)
}

// Speak notes the language that was chosen.
func (p *Progress) Speak(lang string) error {
	p.Lang = lang
	return p.save()
}

func (p *Progress) set(l Lesson, place Place) error {
	if p.Lessons == nil {
		p.Lessons = map[string]Place{}
	}
	p.Lessons[l.ID], p.Last = place, l.ID
	return p.save()
}

// save writes a new file beside the old one and puts it in its place.
func (p *Progress) save() error {
	if p.file == "" {
		return nil
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(p.file), "progress")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(b, '\n'))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), p.file)
}
