package build

import (
	"cmp"
	"fmt"

	"twinlayer/fs"
	"twinlayer/sim"
)

// adopter is an engine that takes over what it cannot predict.
type adopter interface {
	Adopt(container string, layer *fs.Tree, out sim.Output) error
	AdoptRefused(container string, why error) error
}

// adopt takes over from the real world what the model cannot predict of a
// RUN.
func (b *builder) adopt(k sim.Container, own sim.Output) (sim.Output, error) {
	unknown := &sim.Unknown{Why: own.Unknown}
	model, ok := b.engine.(adopter)
	if !ok {
		return sim.Output{}, unknown
	}
	real, ok := b.Ask.Ask(b, b.serial)
	if !ok {
		return sim.Output{}, unknown
	}
	if real.Err != nil {
		return sim.Output{}, cmp.Or(model.AdoptRefused(k.ID, real.Err), real.Err)
	}
	layer, err := real.Layer(b)
	if err != nil {
		return sim.Output{}, fmt.Errorf("adopting the layer of step %d: %w", b.number, err)
	}
	b.view.Adopted = append(b.view.Adopted, sayAdoptedStep(b.number, own.Unknown))
	return real.Out, model.Adopt(k.ID, layer, real.Out)
}
