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
// [Tower] is a build or a commit that grows. Each instruction is a floor: a
// container is run from the image below, the instruction is executed in it, and
// what has changed is committed as the next image's topmost layer. Where an
// earlier build did the same, its floor is used again. What changes only the
// configuration adds a floor without a layer.
//
// [Tree] is what images share. A layer is one box, however many images and
// containers stand on it.
//
// [Host] is the one kernel, and containers as what they are: processes on it
// with namespaces and mounts of their own. Beside it is a virtual machine, which
// has a kernel of its own.
//
// [Boot] is a machine that comes up: firmware, bootfs, rootfs, the first
// process; and what of that is gone again.
//
// [Bytes] is what images and containers take on disk: each for itself, all
// together with every layer kept once, and what later layers waste of earlier
// ones.
//
// [Sides] is two scenes in one: of two worlds or of two images. What both have
// alike is plain, the rest is marked.
//
// A scene has at most so many columns as the widest screen; making one looks at
// the entries that a world tells, which are few, and never at all files of a
// layer.
package scene
