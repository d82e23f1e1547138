package scene

import (
	"twinlayer/sim/play"
	"twinlayer/sim/say"
)

// OfMoment is the picture that shows what a step is about: how the machine comes
// up, or the layers of the container in the focus.
func OfMoment(m play.Moment) Scene {
	if m.StepAt != nil && m.Cmd == "power on" {
		return Boot(m)
	}
	return Union(m, "")
}

// Of is the picture that was asked for.
func Of(p play.Picture) Scene {
	m := p.Moments[0]
	of := append([]string{}, p.Of...)
	for len(of) < 2 {
		of = append(of, "")
	}
	switch p.Kind {
	case play.PictureTower:
		return Tower(m, p.Steps, of[0])
	case play.PictureTree:
		return Tree(m)
	case play.PictureHost:
		return Host(m)
	case play.PictureBoot:
		return Boot(m)
	case play.PictureBytes:
		return Bytes(m)
	case play.PictureSides:
		return sidesOf(p, of[0], of[1])
	}
	return Union(m, of[0], p.Paths...)
}

// sidesOf is a picture of two images, or of one container in two worlds.
func sidesOf(p play.Picture, a, b string) Scene {
	m := p.Moments[0]
	if b != "" {
		one, _ := stackOf(m.World, a)
		other, _ := stackOf(m.World, b)
		return Sides(Union(m, a, p.Paths...), Union(m, b, p.Paths...), say.Verbatim(one), say.Verbatim(other))
	}
	real := p.Moments[len(p.Moments)-1]
	return Sides(Union(m, a, p.Paths...), Union(real, a, p.Paths...), say.Verbatim(m.Side), say.Verbatim(real.Side))
}
