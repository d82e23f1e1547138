// Package overlay reads and writes directories as overlayfs has them: the
// upper directory of a container, the lower ones of an image's layers, and the
// init layer between them (Documentation/filesystems/overlayfs.rst).
//
// A container changes its upper directory while it is read, and may do so to
// harm: it exchanges files for FIFOs and directories for links, nests
// directories without end, makes files of nothing but holes. So every name is
// looked up in the directory that holds it, by descriptor; no symlink is
// followed; only what has been seen to be a regular file is opened, without
// waiting; and what is read has a limit ([TooMuchError]).
//
// Where a user namespace cannot hold what a layer says, a file has it in
// attributes of our own.
package overlay
