//go:build linux

package overlay

// Attributes of our own on files of a layer, where the user namespace cannot
// hold what the image says. Only regular files and directories can have them
// (xattr(7)); a symlink's owner is lost.
const (
	ownerAttr  = "user.twinlayer.owner"  // "uid:gid"
	DeviceAttr = "user.twinlayer.device" // "c major:minor", on an empty file
	OpaqueAttr = "user.overlay.opaque"   // "y": overlayfs's own
)
