// Package model is the modelled world: an engine whose images, containers and
// machine are one immutable value.
//
// A [State] is everything at one moment. A transition is an operation from one
// State to the next; each thing that it does is a [sim.Step] that keeps the
// whole State after it, so that a [sim.Timeline] goes back and forward by looking
// at another one. Ids, names, times and randomness come in with the command.
// What the model cannot know, it takes over from a real engine by an
// [Adoption].
//
// A State is plain data: nothing in it can be called, waits, or leads to an
// engine. What a layer holds that came by an Adoption is in the Model's
// contents, by the layer's diffID, and read when it is first needed; a State
// has its id and size. While an operation runs programs, those who look see
// the State as it is so far, and docker kill and stop reach what runs.
//
// What cannot be pure, and where it comes in: what Programs says of an
// executable; what contents and the Registry read; Spool, where the files of an
// archive go that docker import reads; Sleep, by which a program in the
// foreground sleeps, and after which one that does not end is given up
// ([sim.Grace], patience; the shell's own patience with what a line leaves in
// the background is package userland's). An image's root file system is put together
// once, of values, when its first container needs it.
package model
