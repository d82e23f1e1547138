// Package kernel is the modelled machine: how it boots (bootfs, rootfs), the
// one kernel that all containers share, processes with their namespaces, and
// the file systems that a process sees mounted.
//
// Everything here is a value: a transition returns a new [Machine] and tells
// of it as an [fs.Event]. There is no clock, no randomness and no I/O; what
// the real kernel is like comes in as [Facts]. Images, containers and engines
// are none of its business, and it imports only fs.
package kernel
