package lessons

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"twinlayer/sim/session"
)

// attempt is what is looked at for mistakes: how the goals stand, and the line
// that led there.
type attempt struct {
	context.Context
	session *session.Session
	line    Line
	checked []Checked
}

// mistake is a common one: how it is recognised, and what is said to it.
type mistake struct {
	name string
	sees func(attempt) Phrase // empty: it is not this one
}

// mistakes are the common ones, in the order in which they are looked for.
var mistakes = []mistake{
	{"docker-inside", dockerInside},
	{"image-for-container", imageForContainer},
	{"other-container", otherContainer},
	{"shrink", expectedToShrink},
}

func mistakeNames() (out []string) {
	for _, s := range mistakes {
		out = append(out, s.name)
	}
	return out
}

func isMistake(name string) bool { return slices.Contains(mistakeNames(), name) }

// dockerInside: docker is typed into a container's shell.
func dockerInside(a attempt) Phrase {
	if a.line.At.Shell == "" || !isDocker(strings.TrimSpace(a.line.Text)) {
		return Phrase{}
	}
	return sayInsideContainer(a.line.At.Name)
}

var noSuchContainer = regexp.MustCompile(`No such container: (\S+)`)

// imageForContainer: an image is named where a container is needed.
func imageForContainer(a attempt) Phrase {
	if a.line.Result == nil {
		return Phrase{}
	}
	found := noSuchContainer.FindStringSubmatch(a.line.Result.Model.Stderr)
	if found == nil {
		return Phrase{}
	}
	if _, err := a.session.Model.Image(a, found[1]); err != nil {
		return Phrase{}
	}
	return sayImageUnchanging(found[1])
}

// otherContainer: the change that is missing in one container was made in
// another.
func otherContainer(a attempt) Phrase {
	for _, c := range a.checked {
		g, ok := c.Goal.state.(*changeGoal)
		if !ok || c.Met() {
			continue
		}
		if other, err := g.elsewhere(a, a.session.Model); err == nil && other != "" && a.line.Result != nil && a.line.Result.Container == other {
			return sayOtherContainer(other, g.Container, g.Container)
		}
	}
	return Phrase{}
}

// expectedToShrink: an image is to be small, and a layer of it only hides what
// is still in a layer below.
func expectedToShrink(a attempt) Phrase {
	for _, c := range a.checked {
		g, ok := c.Goal.state.(*sizeGoal)
		if !ok || c.Met() || g.Smaller == "" {
			continue
		}
		if p := a.hiddenIn(g.Image); p != "" {
			return sayNotShrunk(g.Image, p)
		}
	}
	return Phrase{}
}

// hiddenIn is a path that an upper layer of the image hides; "" if none does.
func (a attempt) hiddenIn(ref string) string {
	layers, why, err := layersIn(a, a.session.Model, ref)
	if !why.Empty() || err != nil {
		return ""
	}
	var found []string
	for _, l := range layers {
		for p, size := range l {
			if size == hides {
				found = append(found, p)
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

// Coaching is a mistake that was recognised. Either the program itself says
// something to it, or the lesson's words do.
type Coaching struct {
	Mistake string // a common mistake's name
	Says    Phrase
	Wrong   string // or the id of a step's wrong attempt
}

// coach recognises what went wrong on the way to a step's goals; nil where
// nothing is recognised. The lesson's own come first.
func (a attempt) coach(s Step) (*Coaching, error) {
	for _, w := range s.Wrong {
		if w.Mistake != "" {
			continue
		}
		seen, err := check(a, a.session, w.When)
		if err != nil {
			return nil, err
		}
		if allMet(seen) {
			return &Coaching{Wrong: w.ID}, nil
		}
	}
	for _, m := range mistakes {
		if says := m.sees(a); !says.Empty() {
			return &Coaching{Mistake: m.name, Says: says}, nil
		}
	}
	return nil, nil
}
