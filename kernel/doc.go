// Package kernel is the modelled machine: how it boots (bootfs, rootfs), the
// one kernel that all containers share, processes with their namespaces and
// credentials, what signals do to them, which capabilities root has, what the
// page cache holds of their programs, and the file systems that a process sees
// mounted.
//
// Everything here is a value: a transition returns a new [Machine], and a boot
// tells of it as an [fs.Event]. There is no clock, no randomness and no I/O;
// what the real kernel is like comes in as [Facts]. Images, containers and
// engines are none of its business, and it imports only fs. That programs do
// something is not known here either: the model runs them, and says here what
// they have started, become and ended.
package kernel
