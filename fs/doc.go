// Package fs holds what an image is made of: layers.
//
// A [Tree] is a file tree over inodes that does not change; a layer is a Tree
// whose entries may also be whiteouts and whose directories may be opaque.
// [Tree.Fork] is the one that can be edited, in constant time and sharing what
// does not change, and [Tree.Freeze] hands it out again. Layers leave and enter
// as OCI layer tars (https://github.com/opencontainers/image-spec/blob/main/layer.md)
// and are compared by their canonical digest. What puts them on top of one
// another, and what processes do to them, is package vfs.
//
// Nothing here knows of images, containers or engines, and nothing here
// imports another room of the house.
package fs
