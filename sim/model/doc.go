// Package model is the modelled world: an engine whose images, containers and
// machine are one immutable value.
//
// A [State] is everything at one moment. A transition is an operation from one
// State to the next; each thing that it does is a [sim.Step] that keeps the
// whole State after it, so that a [Timeline] goes back and forward by looking
// at another one. Ids, names, times and randomness come in with the command.
// What the model cannot know, it takes over from a real engine by an
// [Adoption].
//
// What is not a value: the contents of layers that a real engine keeps, read
// when they are needed, and what Programs says of an executable.
package model
