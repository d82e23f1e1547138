// Package box runs processes in containers: namespaces of their own, an
// overlay mount as their root, docker's default capabilities, nothing
// inherited.
//
// [Start] clones the program itself into new namespaces, as "twinlayer-init".
// That first stage, [Init], builds the container around itself and becomes the
// user's program by execve, so the program is pid 1. [Proc.Exec] needs no
// stage: one thread of the caller enters the namespaces (setns(2)), gives up
// its power for good and forks; so none of twinlayer's own code ever runs
// where a container could reach it.
//
// The caller must be root of a user namespace, with a proc of its own pid
// namespace on /proc.
package box
