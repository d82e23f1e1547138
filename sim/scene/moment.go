package scene

import (
	"twinlayer/sim/play"
)

// OfMoment is the picture that shows what a step is about.
func OfMoment(m play.Moment) Scene { return Union(m, "") }

// Of is the picture that was asked for.
func Of(p play.Picture) Scene {
	m := p.Moments[0]
	of := ""
	if len(p.Of) > 0 {
		of = p.Of[0]
	}
	return Union(m, of, p.Paths...)
}
