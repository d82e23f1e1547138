package session

import (
	"context"
	"errors"
	"reflect"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/compare"
	"twinlayer/sim/report"
)

// Told is a story as both worlds have it.
type Told struct {
	Rows   []report.Row `json:"rows"`
	Real   []report.Row `json:"real,omitempty"`   // where the real world's is another one
	Agree  bool         `json:"agree"`            // both worlds told it, and told the same
	Class  sim.Class    `json:"class,omitempty"`  // of the difference, if there is one
	Reason string       `json:"reason,omitempty"` // for it
}

// Story is one of the words why, audit, layers and diff.
type Story func(ctx context.Context, e sim.Engine) ([]report.Row, error)

// Tell tells a story in both worlds.
func (s *Session) Tell(ctx context.Context, story Story) (Told, error) {
	rows, err := story(ctx, s.Model)
	if err != nil || s.Real == nil || s.broken != nil {
		return Told{Rows: rows}, err
	}
	real, err := story(ctx, s.Real)
	if err != nil {
		return Told{}, err
	}
	if s.sameRows(rows, real) {
		return Told{Rows: rows, Agree: true}, nil
	}
	told := Told{Rows: rows, Real: real}
	told.Class, told.Reason = compare.Comparison{Pairs: &s.pairs}.Texts(s.Real.Name(), rowsText(rows), rowsText(real))
	return told, nil
}

// rowsText is a story as text, which what is declared of outputs is about.
func rowsText(rows []report.Row) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Join(append([]string{row.Text}, row.Notes...), "\n") + "\n")
	}
	return b.String()
}

// sameRows compares with ids that differ between the worlds made equal.
func (s *Session) sameRows(model, real []report.Row) bool {
	mapped := make([]report.Row, len(model))
	for i, row := range model {
		mapped[i] = report.Row{Tone: row.Tone, Text: s.pairs.Real(row.Text), Notes: nil}
		for _, note := range row.Notes {
			mapped[i].Notes = append(mapped[i].Notes, s.pairs.Real(note))
		}
	}
	return reflect.DeepEqual(mapped, real)
}

// WhyStory is the story of a path in an image or a container.
func WhyStory(key, name string) Story {
	return func(ctx context.Context, e sim.Engine) ([]report.Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		return s.Why(name), nil
	}
}

// AuditStory is the story of all layers of an image or a container.
func AuditStory(key string) Story {
	return func(ctx context.Context, e sim.Engine) ([]report.Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		return s.Audit(), nil
	}
}

// LayersStory is the table of an image's layers.
func LayersStory(key string) Story {
	return func(ctx context.Context, e sim.Engine) ([]report.Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		all, err := e.Images(ctx)
		return s.Table(all), err
	}
}

// DiffStory is the story of what two images differ in.
func DiffStory(a, b string) Story {
	return func(ctx context.Context, e sim.Engine) ([]report.Row, error) {
		s, err := stackOf(ctx, e, a)
		if err != nil {
			return nil, err
		}
		o, err := stackOf(ctx, e, b)
		if err != nil {
			return nil, err
		}
		return s.Differences(o), nil
	}
}

// stackOf is the stack of the container or the image that key names.
func stackOf(ctx context.Context, e sim.Engine, key string) (report.Stack, error) {
	all, err := e.Containers(ctx)
	if err != nil {
		return report.Stack{}, err
	}
	k, notContainer := sim.FindContainer(all, key)
	if notContainer != nil {
		return imageStack(ctx, e, key)
	}
	s, err := imageStack(ctx, e, k.ImageID.String())
	if err != nil {
		return s, err
	}
	layer, err := e.Layer(ctx, k.ID)
	return s.WithContainer(k.Name, layer), err
}

func imageStack(ctx context.Context, e sim.Engine, ref string) (report.Stack, error) {
	img, err := e.Image(ctx, ref)
	if err != nil {
		var r *sim.Refusal
		if errors.As(err, &r) {
			return report.Stack{}, sim.Refuse("no image and no container is named %s; docker images and docker ps -a list them", ref)
		}
		return report.Stack{}, err
	}
	trees, err := e.Layers(ctx, img.ID.String())
	return report.StackOf(img, trees), err
}
