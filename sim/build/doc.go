// Package build performs docker build over any [sim.Engine]: a container from
// the last image, one instruction in it, a commit, to the end of the
// Dockerfile. It has the build cache, COPY and ADD, and prints what docker's
// classic builder prints. An engine with a builder of its own
// ([sim.Builder]) performs the steps itself.
//
// What a Dockerfile means is sim/dockerfile's matter.
package build
