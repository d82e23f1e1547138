package lessons

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"twinlayer/sim"
)

// Goal is a state that a step leads to, in both worlds.
type Goal struct {
	Kind string // as in lesson.yaml: "image", "change", …
	state
}

// state is what a kind of goal is: it says itself in words, and vets what a
// lesson gave it, by the field (".path", or "").
type state interface {
	fmt.Stringer
	vet(l Lesson, fault func(field, format string, args ...any))
}

// single is a state that each world can be in on its own. What is missing for
// it is said in words, the closest miss; "" where nothing is.
type single interface {
	state
	missing(ctx context.Context, world sim.Engine) (string, error)
}

// joint is a state between both worlds, seen in what the step's lines came to
// in them.
type joint interface {
	state
	missing(ran []sim.Result) string
}

// kinds are the kinds of goals, by their key in lesson.yaml.
var kinds = map[string]func() state{
	"image":     func() state { return new(imageGoal) },
	"container": func() state { return new(containerGoal) },
	"change":    func() state { return new(changeGoal) },
	"unchanged": func() state { return new(unchangedGoal) },
	"verdict":   func() state { return new(verdictGoal) },
}

// UnmarshalYAML reads a mapping of one key, the kind.
func (g *Goal) UnmarshalYAML(node ast.Node) error {
	m, ok := node.(*ast.MappingNode)
	if !ok || len(m.Values) != 1 {
		return &yaml.SyntaxError{Message: "a goal has one key, its kind: " + kindNames(), Token: node.GetToken()}
	}
	key, value := m.Values[0].Key, m.Values[0].Value
	g.Kind = key.GetToken().Value
	empty, ok := kinds[g.Kind]
	if !ok {
		return &yaml.UnknownFieldError{Message: "there is no such kind of goal, but " + kindNames(), Token: key.GetToken()}
	}
	g.state = empty()
	return yaml.NodeToValue(value, g.state, yaml.Strict())
}

func kindNames() string { return strings.Join(slices.Sorted(maps.Keys(kinds)), ", ") }

// Checked is a goal and what the worlds answered.
type Checked struct {
	Goal    Goal
	Answers []Answer // the model's and the real world's, or one of both
}

// Answer is how a goal stands.
type Answer struct {
	World string // "model", the real engine's name, or "both"
	State Standing
	Why   string // the closest miss, or why it cannot be told; "" where met
}

// Standing is how a goal stands in a world.
type Standing string

// A goal is met or missed, or it cannot be told: of both worlds where there is
// no real one, and of a real one that has stopped.
const (
	Met    Standing = "met"
	Missed Standing = "missed"
	Untold Standing = "untold"
)

// Met says whether a world has met the goal and none has missed it.
func (c Checked) Met() bool {
	return c.some(Met) && !c.some(Missed)
}

// Missed says whether a world has missed the goal.
func (c Checked) Missed() bool { return c.some(Missed) }

func (c Checked) some(s Standing) bool {
	return slices.ContainsFunc(c.Answers, func(a Answer) bool { return a.State == s })
}

// check asks the worlds of s how the goals stand, after these lines. An error
// means that the model broke.
func check(ctx context.Context, s *sim.Session, goals []Goal, lines []Line) (out []Checked, err error) {
	var ran []sim.Result
	for _, line := range lines {
		if line.Result != nil {
			ran = append(ran, *line.Result)
		}
	}
	for _, g := range goals {
		c, err := g.check(ctx, s, ran)
		if err != nil {
			return out, fmt.Errorf("check that %s: %w", g, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func (g Goal) check(ctx context.Context, s *sim.Session, ran []sim.Result) (Checked, error) {
	if j, ok := g.state.(joint); ok {
		return Checked{g, []Answer{askBoth(j, s, ran)}}, nil
	}
	model, err := ask(ctx, g.state.(single), s.Model)
	c := Checked{g, []Answer{model}}
	if err == nil && s.Real != nil {
		c.Answers = append(c.Answers, askReal(ctx, g.state.(single), s))
	}
	return c, err
}

func ask(ctx context.Context, g single, world sim.Engine) (Answer, error) {
	why, err := g.missing(ctx, world)
	return answer(world.Name(), why), err
}

func answer(world, why string) Answer {
	if why == "" {
		return Answer{world, Met, ""}
	}
	return Answer{world, Missed, why}
}

func askReal(ctx context.Context, g single, s *sim.Session) Answer {
	err := s.Broken()
	if err == nil {
		var a Answer
		if a, err = ask(ctx, g, s.Real); err == nil {
			return a
		}
	}
	return Answer{s.Real.Name(), Untold, "the real engine has stopped: " + err.Error()}
}

func askBoth(g joint, s *sim.Session, ran []sim.Result) Answer {
	const both = "both"
	switch {
	case s.Real == nil:
		return Answer{both, Untold, "there is no real engine to compare with"}
	case s.Broken() != nil:
		return Answer{both, Untold, "the real engine has stopped: " + s.Broken().Error()}
	}
	return answer(both, g.missing(ran))
}
