package lessons

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"twinlayer/sim"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
)

// Goal is a state that a step leads to, in each world.
type Goal struct {
	Kind string // as in lesson.yaml: "image", "change", …
	state
}

// state is what a kind of goal is: it says itself in words, vets what a lesson
// gave it, by the field (".path", or ""), and says what is missing for it in a
// world, the closest miss; the empty phrase where nothing is.
type state interface {
	says() Phrase
	vet(l Lesson, fault func(field, format string, args ...any))
	missing(ctx context.Context, world sim.Engine) (Phrase, error)
}

// Says is the goal in words.
func (g Goal) Says() Phrase { return g.says() }

// kinds are the kinds of goals, by their key in lesson.yaml.
var kinds = map[string]func() state{
	"image":     func() state { return new(imageGoal) },
	"gone":      func() state { return new(goneGoal) },
	"container": func() state { return new(containerGoal) },
	"change":    func() state { return new(changeGoal) },
	"unchanged": func() state { return new(unchangedGoal) },
	"file":      func() state { return new(fileGoal) },
	"story":     func() state { return new(storyGoal) },
	"shared":    func() state { return new(sharedGoal) },
	"alike":     func() state { return new(alikeGoal) },
	"size":      func() state { return new(sizeGoal) },
	"config":    func() state { return new(configGoal) },
	"history":   func() state { return new(historyGoal) },
	"volume":    func() state { return new(volumeGoal) },
}

// UnmarshalYAML reads a mapping of one key, the kind.
func (g *Goal) UnmarshalYAML(node ast.Node) error {
	kind, value, err := oneKey(node, "a goal", kindNames())
	if err != nil {
		return err
	}
	empty, ok := kinds[kind]
	if !ok {
		return &yaml.UnknownFieldError{Message: "there is no such kind of goal, but " + kindNames(), Token: node.(*ast.MappingNode).Values[0].Key.GetToken()}
	}
	g.Kind, g.state = kind, empty()
	return yaml.NodeToValue(value, g.state, yaml.Strict())
}

// oneKey takes a mapping of one key apart.
func oneKey(node ast.Node, what, names string) (string, ast.Node, error) {
	m, ok := node.(*ast.MappingNode)
	if !ok || len(m.Values) != 1 {
		return "", nil, &yaml.SyntaxError{Message: what + " has one key, its kind: " + names, Token: node.GetToken()}
	}
	return m.Values[0].Key.GetToken().Value, m.Values[0].Value, nil
}

func kindNames() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// Checked is a goal and what the worlds answered.
type Checked struct {
	Goal    Goal
	Answers []Answer // the model's, and the real world's where there is one
}

// Answer is how a goal stands in a world.
type Answer struct {
	World string // "model", or the real engine's name
	State Standing
	Why   Phrase // the closest miss, or why it cannot be told
}

// Standing is how a goal stands in a world.
type Standing string

// A goal is met or missed, or it cannot be told: of a real engine that has
// stopped.
const (
	Met    Standing = "met"
	Missed Standing = "missed"
	Untold Standing = "untold"
)

// Met says whether a world has met the goal and none has missed it.
func (c Checked) Met() bool { return c.some(Met) && !c.some(Missed) }

func (c Checked) some(s Standing) bool {
	return slices.ContainsFunc(c.Answers, func(a Answer) bool { return a.State == s })
}

func (c Checked) missed() bool { return c.some(Missed) }

func allMet(all []Checked) bool {
	return !slices.ContainsFunc(all, func(c Checked) bool { return !c.Met() })
}

// check asks the worlds of s how the goals stand. An error means that the
// model broke.
func check(ctx context.Context, s *session.Session, goals []Goal) (out []Checked, err error) {
	for _, g := range goals {
		model, err := ask(ctx, g, s.Model)
		if err != nil {
			return out, fmt.Errorf("check that %s: %w", say.Text(g.Says()), err)
		}
		c := Checked{g, []Answer{model}}
		if s.Real != nil {
			c.Answers = append(c.Answers, askReal(ctx, g, s))
		}
		out = append(out, c)
	}
	return out, nil
}

func ask(ctx context.Context, g Goal, world sim.Engine) (Answer, error) {
	why, err := g.missing(ctx, world)
	if r, ok := errors.AsType[*sim.Refusal](err); ok {
		return Answer{world.Name(), Missed, say.Verbatim(r.Text)}, nil
	}
	if why.Empty() {
		return Answer{world.Name(), Met, why}, err
	}
	return Answer{world.Name(), Missed, why}, err
}

func askReal(ctx context.Context, g Goal, s *session.Session) Answer {
	err := s.Broken()
	if err == nil {
		var a Answer
		if a, err = ask(ctx, g, s.Real); err == nil {
			return a
		}
	}
	return Answer{s.Real.Name(), Untold, stopped(err)}
}

func stopped(err error) Phrase { return sayEngineStopped(err.Error()) }
