// Package report tells of an image or a container by what its layers hold:
// why a path is as it is, what each layer costs, what lies hidden. It is pure:
// the same trees give the same rows, whichever world they come from.
package report
