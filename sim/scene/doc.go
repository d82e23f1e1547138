// Package scene makes pictures of worlds, as data: what is to be seen, in which
// row and column, and what it means. A screen's brush decides how that looks.
//
// A scene is made of what package play sends, and of nothing else: the same
// moment gives the same scene, whether it is the model's or a real engine's.
// The ids of rows, columns and cells come from what they show, a layer's digest
// and a path, so that they stay the same from step to step: to step is to go
// from one scene to the next, and a cell that both have has not moved.
//
// # What the pictures show
//
// The base is always at the bottom, and what stands on it above it.
//
// [Union] is what overlayfs does. Rows are layers, columns are paths. On top is
// what the container sees: of each path the first that is met looking down from
// above. Below is the container's own layer, the only writable one, and below
// that the layers of the image. A file that is written to is first copied up:
// an arrow goes from the layer that has it to the copy, and the original stays
// where it was, hidden. What is deleted stays there too: a whiteout above it
// hides it. An opaque directory hides all that the layers below have in it.
//
// A scene has at most so many columns as the widest screen; making one looks at
// the entries that a world tells, which are few, and never at all files of a
// layer.
package scene
