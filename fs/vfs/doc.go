// Package vfs is what a process does with file systems: the union of a stack of
// layers, what is mounted, and the system calls.
//
// A [Union] puts one writable layer on a stack of read-only ones and does to it
// what Linux's overlayfs does: copy-up, whiteout, opaque directory
// (https://docs.kernel.org/filesystems/overlayfs.html). [Mounts] are file
// systems over one another, and a [Sys] is the system call surface that a
// process has over them; [fs.FS] is the same as afero programs see it. Each change
// is told as an [fs.Event], with the layers that it is about.
package vfs
