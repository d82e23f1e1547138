package report

import (
	"context"
	"encoding/json"
	"errors"

	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Report is what the worlds tell of images and containers.
type Report struct {
	Rows   []Row      `json:"rows"`
	Real   []Row      `json:"real,omitempty"`  // where the real world's are others
	Agree  bool       `json:"agree"`           // both worlds told it, and told the same
	Class  sim.Class  `json:"class,omitempty"` // of the difference, if there is one
	Reason say.Phrase `json:"phrase,omitzero"` // for it
}

// MarshalJSON adds the English text of the reason.
func (r Report) MarshalJSON() ([]byte, error) {
	type plain Report
	return json.Marshal(struct {
		plain
		Reason string `json:"reason,omitempty"`
	}{plain(r), say.Text(r.Reason)})
}

// Query asks an engine for a report: one of [Why], [Audit], [Layers] and
// [Diff].
type Query func(ctx context.Context, e sim.Engine) ([]Row, error)

// Why asks for the report on a path in an image or a container.
func Why(key, name string) Query {
	return func(ctx context.Context, e sim.Engine) ([]Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		return s.Why(name), nil
	}
}

// Audit is the report on all layers of an image or a container.
func Audit(key string) Query {
	return func(ctx context.Context, e sim.Engine) ([]Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		return s.Audit(), nil
	}
}

// Layers is the table of an image's layers.
func Layers(key string) Query {
	return func(ctx context.Context, e sim.Engine) ([]Row, error) {
		s, err := stackOf(ctx, e, key)
		if err != nil {
			return nil, err
		}
		all, err := e.Images(ctx)
		return s.Table(all), err
	}
}

// Diff is the report on what two images differ in.
func Diff(a, b string) Query {
	return func(ctx context.Context, e sim.Engine) ([]Row, error) {
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
func stackOf(ctx context.Context, e sim.Engine, key string) (Stack, error) {
	all, err := e.Containers(ctx)
	if err != nil {
		return Stack{}, err
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

func imageStack(ctx context.Context, e sim.Engine, ref string) (Stack, error) {
	img, err := e.Image(ctx, ref)
	if err != nil {
		var r *sim.Refusal
		if errors.As(err, &r) {
			return Stack{}, &say.Error{Phrase: sayNoneNamed(ref)}
		}
		return Stack{}, err
	}
	trees, err := e.Layers(ctx, img.ID.String())
	return StackOf(img, trees), err
}
