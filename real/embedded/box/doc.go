// Package box runs processes in containers: namespaces of their own, an
// overlay mount as their root, docker's default capabilities, nothing
// inherited.
//
// [Start] makes most of a container from outside: a thread of the caller with
// namespaces, mounts and a root directory of its own, which ends then. What
// only a process in the new pid namespace can do, to mount /proc and to give up
// its power, a first process does, which package early is; it becomes the
// user's program by execve, so the program is pid 1. [Proc.Exec] needs no such
// process: one thread of the caller enters the namespaces (setns(2)), gives up
// its power for good and forks. None of twinlayer's own code ever runs where a
// container could reach it.
//
// The caller must be root of a user namespace, with a proc of its own pid
// namespace on /proc.
package box
