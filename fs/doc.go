// Package fs holds what an image is made of: layers, and the union of a stack
// of them.
//
// A [Tree] is an immutable file tree over inodes; a layer is a Tree whose
// entries may also be whiteouts and whose directories may be opaque. A [Union]
// puts one writable layer on a stack of read-only ones and does to it what
// Linux's overlayfs does: copy-up, whiteout, opaque directory
// (https://docs.kernel.org/filesystems/overlayfs.html). A [Sys] is the system
// call surface a process has over such file systems; [FS] is the same as
// afero programs see it. Layers leave and enter as OCI layer tars
// (https://github.com/opencontainers/image-spec/blob/main/layer.md) and are
// compared by their canonical digest.
//
// Nothing here knows of images, containers or engines, and nothing here
// imports another room of the house.
package fs
