package sim

import (
	"fmt"

	"twinlayer/fs"
)

// Adopt gives a container of the model, whose program it could not run, the
// layer and the end that the same container had in the real engine. Its
// changes become steps, marked as adopted.
func (m *Model) Adopt(key string, layer *fs.Tree, out Output) error {
	return m.do(func(t *transition) error {
		c, err := t.state.container(key)
		if err != nil {
			return err
		}
		t.adoptLayer(c, layer)
		c, _ = t.state.container(key)
		c.Exit = out.Exit
		t.state = t.state.with(c)
		return nil
	})
}

// Note records a step of something larger, as of a build, that changes
// nothing itself.
func (m *Model) Note(op, path, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, Step{fs.Event{Op: op, Path: path, Why: why}, m.state})
}

// adopter is an engine that takes over what it cannot predict.
type adopter interface {
	Adopt(container string, layer *fs.Tree, out Output) error
}

// adopt takes over from the real world what the model cannot predict of a
// RUN.
func (b *builder) adopt(k Container, own Output) (Output, error) {
	unknown := &Unknown{own.Unknown}
	model, ok := b.engine.(adopter)
	if !ok {
		return Output{}, unknown
	}
	real, ok := b.Ask.Ask(b, b.serial)
	if !ok {
		return Output{}, unknown
	}
	if real.Err != nil {
		return Output{}, real.Err
	}
	layer, err := real.Layer(b)
	if err != nil {
		return Output{}, fmt.Errorf("adopting the layer of step %d: %w", b.number, err)
	}
	b.view.Adopted = append(b.view.Adopted, fmt.Sprintf("step %d: %s", b.number, own.Unknown))
	return real.Out, model.Adopt(k.ID, layer, real.Out)
}
