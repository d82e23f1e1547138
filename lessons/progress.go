package lessons

import (
	"encoding/json"
	"fmt"
)

// Store keeps a text between sessions, and writes it whole or not at all.
type Store interface {
	Name() string          // where it is, for people
	Load() ([]byte, error) // nothing where nothing is kept yet
	Save([]byte) error
}

// Progress is how far a learner has come in the course. The zero value is kept
// nowhere.
type Progress struct {
	store Store

	Format  int              `json:"format_version"`
	Last    string           `json:"last,omitempty"` // the lesson that was played last
	Lang    string           `json:"lang,omitempty"` // the language that was chosen
	Lessons map[string]Place `json:"lessons"`        // by id
}

// Place is how far a learner has come in one lesson.
type Place struct {
	Step int  `json:"step"` // of the next, from 1
	Of   int  `json:"of"`
	Over bool `json:"over"`              // it was played to its end once, without a skip
	Skip int  `json:"skipped,omitempty"` // how many steps were skipped
}

const progressFormat = 1

// LoadProgress reads what is kept; where that is nothing, nothing has been
// played. Without a store it is kept nowhere.
func LoadProgress(store Store) (*Progress, error) {
	p := &Progress{store: store, Format: progressFormat, Lessons: map[string]Place{}}
	if store == nil {
		return p, nil
	}
	src, err := store.Load()
	if err != nil || len(src) == 0 {
		return p, err
	}
	if err := json.Unmarshal(src, p); err != nil {
		return &Progress{Lessons: map[string]Place{}}, fmt.Errorf("%s: %w; move it away to begin anew", store.Name(), err)
	}
	if p.Format != progressFormat {
		return &Progress{Lessons: map[string]Place{}}, fmt.Errorf("%s: format_version %d is not known; another twinlayer wrote it", store.Name(), p.Format)
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

// Over notes that the end of a lesson was reached. It was played to its end
// where no step was skipped, now or once before.
func (p *Progress) Over(l Lesson) error {
	place := p.Lessons[l.ID]
	place.Step, place.Of, place.Over = 1, len(l.Steps), place.Over || place.Skip == 0
	return p.set(l, place)
}

// HalfDone is the id of the lesson that was played last, if it was left in the
// middle.
func (p *Progress) HalfDone() (id string, half bool) {
	place := p.Lessons[p.Last]
	return p.Last, place.Step > 1 && place.Step <= place.Of
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

func (p *Progress) save() error {
	if p.store == nil {
		return nil
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return p.store.Save(append(b, '\n'))
}
