// Package runtime runs processes in containers: namespaces of their own, an
// overlay mount as their root, docker's default capabilities, nothing
// inherited.
//
// [Start] makes most of a container from outside: a thread of the caller with
// namespaces, mounts and a root directory of its own, which ends then. What
// only a process in the new pid namespace can do, to mount /proc and to give up
// its power, a first process does, which package stage1 is; it becomes the
// user's program by execve, so the program is pid 1. [Proc.Exec] starts another
// such process outside, which enters the namespaces, gives up its power and only
// then forks into the pid namespace: what the container sees of it has memory
// of its own, no descriptor but its streams and the one that execve closes, and
// no more power than the container. Nothing of the engine's own is ever where a
// container could reach it.
//
// What an image or a container names is looked up in these places, each
// confined in its way:
//
//   - The working directory: by the first process, when the descriptor of the
//     old root is closed; the kernel is asked then whether it is below the root
//     ([stage1.Inside]).
//   - The program, and the interpreter of a script: on a thread whose root
//     directory is the container's, and by execve in the container.
//   - passwd, group and /dev/null: on such a thread, opened without waiting and
//     only as what they should be.
//   - Mount points, and directories made for them: on such a thread, before the
//     container has a /proc, whose links could lead elsewhere.
//   - What docker cp reads and writes: on such a thread, with neither /proc nor
//     the container's other mounts in it ([View.Within], [Proc.Within]).
//   - What evidence shows of a container: openat2(2) with RESOLVE_IN_ROOT and
//     RESOLVE_NO_MAGICLINKS.
//   - The entries of layers and archives: the same, below the layer's directory
//     (package store); what stands for overlayfs's own marks is left out.
//   - What walks an upper directory, a volume or a build context opens it
//     directory by directory and follows no link (packages store and fs).
//   - Digests, names of volumes and of containers: held against their grammar
//     before they become names of files.
//
// The caller must be root of a user namespace, with a proc of its own pid
// namespace on /proc.
package runtime
