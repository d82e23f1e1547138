package sim

import (
	"encoding/json"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim/say"
)

// What is said to a learner is a phrase (package say), and text only where a
// person reads it. In JSON the English text stands under the key that names it
// (why, reason, text), for scripts, and the phrase beside it, under phrase, as
// key and args.

// View is what can be observed of a world after a command, whatever its
// engine.
type View struct {
	Engine     string          `json:"engine,omitempty"`
	Exit       int             `json:"exit"`
	Stdout     string          `json:"stdout"`
	Stderr     string          `json:"stderr"`
	Images     []ImageView     `json:"images"`
	Containers []ContainerView `json:"containers"`
	Changes    []fs.Change     `json:"changes"` // of the container the command acted on
	Layer      string          `json:"layer"`   // its writable layer's canonical digest; "" without a container

	Out, Err  []Piece    `json:"-"` // what Stdout and Stderr consist of
	Container string     `json:"-"` // the id of that container
	Shell     string     `json:"-"` // the shell that waits for lines now; "": none
	Unknown   say.Phrase `json:"-"` // why a model cannot know more, or a real engine not show more
	Unseen    say.Phrase `json:"-"` // why the container's changes and layer are not here; empty where they are

	Hints     []say.Phrase `json:"-"` // what a learner may want to know now
	GivenUp   bool         `json:"-"` // by control-C, before it was done
	Builder   say.Phrase   `json:"-"` // why the engine's own builder did not build; empty where it did, or has none
	Adopted   []say.Phrase `json:"-"` // what the model took over from the real world, and why
	Inventory []Image      `json:"-"`
	Tree      *fs.Tree     `json:"-"` // the writable layer
	Refused   string       `json:"-"` // the end of Stderr: why the command went no further
	Refusal   *Refusal     `json:"-"` // that, as a value; of several, the last; nil: there was none
}

// Printed is what was printed, in the order in which one reads it: what docker
// told on the way, the output, and why the command went no further.
func (v View) Printed() []string {
	return []string{strings.TrimSuffix(v.Stderr, v.Refused), v.Stdout, v.Refused}
}

// ImageView is one tag of an image.
type ImageView struct {
	Ref    string   `json:"ref"`
	ID     string   `json:"id"`
	Size   int64    `json:"size"`
	Layers []string `json:"layers"` // diffIDs, bottom first
}

// ContainerView is one container.
type ContainerView struct {
	Name   string `json:"name"`
	Image  string `json:"image"`
	Status string `json:"status"`
}

// Hint tells the learner something beside what docker prints.
func (v *View) Hint(p say.Phrase) { v.Hints = append(v.Hints, p) }

// Step is one thing that the model did on the way, with everything as it was
// right after.
type Step struct {
	fs.Event
	After Snapshot `json:"-"`
}

// MarshalJSON adds the English text of why.
func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		fs.Event
		Why string `json:"why"`
	}{s.Event, say.Text(s.Why)})
}

// Snapshot is everything as it is at one moment. It does not change.
type Snapshot interface {
	World() World
}

// Result is a command in both worlds.
type Result struct {
	Cmd         string       `json:"cmd"`
	Container   string       `json:"container"`       // the name of the one acted on
	Notice      say.Phrase   `json:"notice,omitzero"` // what other sessions changed before it
	Model       View         `json:"model"`
	Real        *View        `json:"real"` // nil: there is no real engine
	Steps       []Step       `json:"steps"`
	Verdict     Class        `json:"verdict"`
	Differences []Difference `json:"differences"`
}

// Class is what a difference between the worlds is, and so the verdict on a
// command: the gravest class of its differences.
type Class string

// The classes, from the lightest to the gravest.
const (
	Same     Class = "same"
	Expected Class = "expected" // declared, with its reason
	Limit    Class = "limit"    // the model cannot know
	Bug      Class = "bug"      // one of the worlds is wrong
)

// Difference is one thing that the worlds do not agree on.
type Difference struct {
	What   string     `json:"what"` // "stdout", "exit", "layer", …
	Model  string     `json:"model"`
	Real   string     `json:"real"`
	Class  Class      `json:"class"`
	Quiet  bool       `json:"quiet,omitempty"` // it is of ids and clocks alone: nobody need look
	Reason say.Phrase `json:"phrase"`
}

// MarshalJSON adds the English text of the reason.
func (d Difference) MarshalJSON() ([]byte, error) {
	type plain Difference
	return json.Marshal(struct {
		plain
		Reason string `json:"reason"`
	}{plain(d), say.Text(d.Reason)})
}

// Verdict is the gravest class of the differences.
func Verdict(all []Difference) Class {
	rank := map[Class]int{Same: 0, Expected: 1, Limit: 2, Bug: 3}
	worst := Same
	for _, d := range all {
		if rank[d.Class] > rank[worst] {
			worst = d.Class
		}
	}
	return worst
}

// Excuse declares every difference that no declaration covers, with the reason.
func (r *Result) Excuse(reason say.Phrase) {
	r.declare(func(Difference) bool { return true }, reason)
}

// Declare declares the differences in what, with the reason.
func (r *Result) Declare(what string, reason say.Phrase) {
	r.declare(func(d Difference) bool { return d.What == what }, reason)
}

func (r *Result) declare(which func(Difference) bool, reason say.Phrase) {
	for i, d := range r.Differences {
		if d.Class == Bug && which(d) {
			r.Differences[i].Class, r.Differences[i].Reason = Expected, reason
		}
	}
	r.Verdict = Verdict(r.Differences)
}
