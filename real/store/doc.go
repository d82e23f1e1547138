// Package store keeps what the embedded engine knows on disk:
//
//	DIR/lock                    held while a session changes what all share
//	DIR/index.json              the images, with their names
//	DIR/blobs/sha256/HEX        configurations, and layers as they came
//	DIR/layers/HEX/tree         a layer, unpacked once, by its diffID
//	DIR/layers/HEX/frame        the tar-split: with the tree, its tar (see [Tar])
//	DIR/layers/HEX/lost         files of the tar that are not in the tree
//	DIR/layers/HEX/meta         its sizes, and how it travels
//	DIR/layers/HEX/cached       it stays, though no image has it
//	DIR/reserve                 room for what makes room, on a full disk
//	DIR/partial/HEX             the beginning of a blob that is still to come
//	DIR/sessions/NAME/lock      held as long as the session lives
//	DIR/sessions/NAME/new       what is not yet complete
//	DIR/sessions/NAME/holds     the layers and blobs that it needs for now
//	DIR/sessions/NAME/index.json  the images as it sees them
//	DIR/sessions/NAME/uses      what its containers have of images and volumes
//	DIR/sessions/NAME/...       its containers
//	DIR/volumes/NAME/data       a volume
//	DIR/volumes/NAME/turn       by session: changes when that writes to it
//
// Blobs and layers are written in the session's own directory, synced, and
// renamed to their names, so that whatever has its final name is complete; in
// the same moment, under the lock, the index learns of the image that needs
// them. So what the index does not know and no session holds is garbage, and
// [Store.Collect] may remove it whatever others are at. A session whose lock
// nobody holds is dead and is removed by the next one, and with it what is
// left of a crash.
//
// Several engines may share one directory. Each sees the images and volumes as
// they were when it last looked ([Store.Refresh]) and what it has made of them
// since, so nothing changes under a command; what any of them sees stays on
// disk until it looks again. What it does goes into the index of all at once,
// as a change of what is there then: an image that others have given a name
// meanwhile is not removed.
//
// An upper directory of another engine on the same machine is read here too
// ([ReadUpper]), so that there is one reader of overlayfs.
//
// What may not live here: registries, and what images are for.
package store
