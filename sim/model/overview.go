package model

import (
	"cmp"
	"slices"

	"github.com/opencontainers/go-digest"

	"twinlayer/fs/persist"
	"twinlayer/sim"
)

// overview is that of a state, newest first. The next one is made of what has
// changed since.
type overview struct {
	of      persist.Map[int64, *container]
	numbers []int64 // of the containers
	views   []sim.ContainerView
}

// next is the overview of all. o stays as it is.
func (o overview) next(all persist.Map[int64, *container]) overview {
	next := overview{all, o.numbers, o.views}
	own := false
	for n, c := range persist.Changed(o.of, all) {
		i, found := slices.BinarySearchFunc(next.numbers, n, func(a, b int64) int { return cmp.Compare(b, a) })
		if found && c.There && next.views[i] == c.Value.View() {
			continue
		}
		if !own {
			next.numbers, next.views, own = withRoom(o.numbers), withRoom(o.views), true
		}
		next.put(i, found, n, c)
	}
	return next
}

// imageList is the images of a state, as they were asked for last.
type imageList struct {
	of  persist.Map[digest.Digest, *image]
	all []sim.Image
}

// images are [State.Images], which nobody may change.
func (l *imageList) images(s State) []sim.Image {
	if l.of != s.images {
		*l = imageList{s.images, slices.Clip(s.Images())}
	}
	return l.all
}

// withRoom is a copy of s that can become a little longer.
func withRoom[T any](s []T) []T { return append(make([]T, 0, len(s)+8), s...) }

// put makes c what is at i, where the container n is found or would be.
func (o *overview) put(i int, found bool, n int64, c persist.Value[*container]) {
	switch {
	case !c.There:
		o.numbers, o.views = slices.Delete(o.numbers, i, i+1), slices.Delete(o.views, i, i+1)
	case found:
		o.views[i] = c.Value.View()
	default:
		o.numbers, o.views = slices.Insert(o.numbers, i, n), slices.Insert(o.views, i, c.Value.View())
	}
}
