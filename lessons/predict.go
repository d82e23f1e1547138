package lessons

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	units "github.com/docker/go-units"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"twinlayer/sim"
	"twinlayer/sim/session"
)

// Prediction is what the learner may be asked before a step: what it will
// lead to. One field is set.
type Prediction struct {
	Changes string   // what docker diff will list of this container
	Layers  string   // how many layers this image will have
	Shared  []string // how many bytes of layers these two images will share
	Prints  string   // what this line of the step will print
}

// UnmarshalYAML reads a mapping of one key, what is predicted.
func (p *Prediction) UnmarshalYAML(node ast.Node) error {
	const names = "changes, layers, prints, shared"
	kind, value, err := oneKey(node, "a prediction", names)
	if err != nil {
		return err
	}
	into, ok := map[string]any{"changes": &p.Changes, "layers": &p.Layers, "shared": &p.Shared, "prints": &p.Prints}[kind]
	if !ok {
		return &yaml.UnknownFieldError{Message: "there is no such prediction, but " + names, Token: node.(*ast.MappingNode).Values[0].Key.GetToken()}
	}
	return yaml.NodeToValue(value, into, yaml.Strict())
}

func (v *vetter) prediction(at string, l Lesson, s Step) {
	fault := func(field, format string, args ...any) { v.fault(at+field, format, args...) }
	p := *s.Predict
	switch {
	case p.Changes != "":
		vetContainer(l, ".changes", p.Changes, fault)
	case p.Layers != "":
		vetRef(".layers", p.Layers, fault)
	case p.Shared != nil:
		vetPair(p.Shared, func(_, format string, args ...any) { fault(".shared", format, args...) })
	case !slices.Contains(s.Lines(), p.Prints):
		fault(".prints", "the step has no line %q", p.Prints)
	}
}

// How says in which form to answer.
func (p Prediction) How() Phrase {
	switch {
	case p.Changes != "":
		return sayAnswerChanges
	case p.Layers != "":
		return sayAnswerNumber
	case p.Shared != nil:
		return sayAnswerSize
	}
	return sayAnswerPrint
}

// Fits says whether an answer has the form that How asks for.
func (p Prediction) Fits(guess string) bool {
	guess = strings.TrimSpace(guess)
	var err error
	switch {
	case p.Changes != "":
		return IsNothing(guess) || len(guessedChanges(guess)) > 0
	case p.Layers != "":
		_, err = strconv.Atoi(guess)
	case p.Shared != nil:
		_, err = units.FromHumanSize(guess)
	}
	return err == nil
}

// Score is how good a prediction was in one world.
type Score struct {
	World     string
	Hits, Of  int
	Is        string // what it came to
	Uncertain bool   // nothing to compare with was seen
}

// Right says whether all of the prediction was right.
func (s Score) Right() bool { return !s.Uncertain && s.Hits == s.Of }

// score holds a guess against what became of the step in each world.
func (p Prediction) score(ctx context.Context, s *session.Session, guess string, ran []sim.Result) ([]Score, error) {
	model, err := p.scoreIn(ctx, s.Model, guess, printed(ran, p.Prints, func(r sim.Result) *sim.View { return &r.Model }))
	if err != nil {
		return nil, err
	}
	all := []Score{model}
	if s.Real != nil && s.Broken() == nil {
		real, err := p.scoreIn(ctx, s.Real, guess, printed(ran, p.Prints, func(r sim.Result) *sim.View { return r.Real }))
		if err == nil {
			all = append(all, real)
		}
	}
	return all, nil
}

// printed is what the last run of a line printed in a world; nil if it was
// not run there.
func printed(ran []sim.Result, line string, in func(sim.Result) *sim.View) *string {
	line, _ = mayFail(line)
	for _, r := range slices.Backward(ran) {
		if v := in(r); r.Cmd == line && v != nil {
			out := v.Stdout + v.Stderr
			return &out
		}
	}
	return nil
}

func (p Prediction) scoreIn(ctx context.Context, world sim.Engine, guess string, out *string) (Score, error) {
	var sc Score
	var err error
	switch {
	case p.Changes != "":
		sc, err = p.scoreChanges(ctx, world, guess)
	case p.Layers != "":
		sc, err = p.scoreLayers(ctx, world, guess)
	case p.Shared != nil:
		sc, err = p.scoreShared(ctx, world, guess)
	case out == nil:
		sc.Uncertain = true
	default:
		sc = Score{Of: 1, Hits: btoi(sameText(guess, *out)), Is: strings.TrimSpace(*out)}
	}
	sc.World = world.Name()
	return sc, err
}

// scoreChanges counts the changes that were named, of all that were named or
// are there.
func (p Prediction) scoreChanges(ctx context.Context, world sim.Engine, guess string) (sc Score, err error) {
	k, why, err := find(ctx, world, p.Changes)
	if !why.Empty() || err != nil {
		return Score{Uncertain: true}, err
	}
	list, err := world.Changes(ctx, k.ID)
	var is []string
	for _, c := range list {
		is = append(is, c.Kind.Letter()+" "+c.Path)
	}
	guessed := guessedChanges(guess)
	if len(guessed) == 0 && !IsNothing(guess) {
		return Score{Of: max(len(is), 1), Is: strings.Join(is, ", ")}, err
	}
	for _, c := range guessed {
		sc.Hits += btoi(slices.Contains(is, c))
	}
	sc.Of = len(is) + len(guessed) - sc.Hits
	sc.Is = strings.Join(is, ", ")
	if sc.Of == 0 { // nothing was said, and nothing is
		sc.Hits, sc.Of = 1, 1
	}
	return sc, err
}

// nothings are the answers that say that nothing changes.
var nothings = []string{"", "nothing", "none", "no", "0", "没有", "无", "什么也没有", "什么都没有"}

func IsNothing(guess string) bool {
	return slices.Contains(nothings, strings.ToLower(strings.Trim(guess, " .。")))
}

// IsLetter says whether a word is one of docker diff's letters.
func IsLetter(word string) bool {
	return len(word) == 1 && strings.Contains("ACD", strings.ToUpper(word))
}

// guessedChanges reads "C /etc, C /etc/motd", with commas or without.
func guessedChanges(guess string) (out []string) {
	words := strings.FieldsFunc(guess, func(r rune) bool { return strings.ContainsRune(" ,;，、\t", r) })
	for i, w := range words {
		if strings.HasPrefix(w, "/") && i > 0 && IsLetter(words[i-1]) {
			out = append(out, strings.ToUpper(words[i-1])+" "+w)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (p Prediction) scoreLayers(ctx context.Context, world sim.Engine, guess string) (Score, error) {
	img, why, err := image(ctx, world, p.Layers)
	if !why.Empty() || err != nil {
		return Score{Uncertain: true}, err
	}
	n, bad := strconv.Atoi(strings.TrimSpace(guess))
	return Score{Of: 1, Hits: btoi(bad == nil && n == len(img.Layers)), Is: fmt.Sprint(len(img.Layers))}, nil
}

// scoreShared takes a tenth more or less for right.
func (p Prediction) scoreShared(ctx context.Context, world sim.Engine, guess string) (Score, error) {
	a, b, why, err := two(ctx, world, p.Shared[0], p.Shared[1])
	if !why.Empty() || err != nil {
		return Score{Uncertain: true}, err
	}
	var shared int64
	for i := range common(a, b) {
		shared += a.Sizes[i]
	}
	n, bad := units.FromHumanSize(strings.TrimSpace(guess))
	near := math.Abs(float64(n-shared)) <= float64(shared)/10
	return Score{Of: 1, Hits: btoi(bad == nil && near), Is: human(shared)}, nil
}

// sameText says whether two texts have the same words.
func sameText(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
