// Package session runs each command in the model and in a real engine side by
// side, and gives both views with what they differ in.
//
// It gives the command what is random or depends on the clock, maps the ids
// of images between the worlds, lets the model take over what it cannot know,
// and survives the loss of the real engine.
package session
