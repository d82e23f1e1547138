// Package overlay is what engines make of overlayfs, wherever the container
// runs: the init layer between an image and a container.
//
// Nothing here knows of images, containers or engines.
package overlay
