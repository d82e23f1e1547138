// Package store keeps what the embedded engine knows on disk:
//
//	DIR/lock                    held while a session begins
//	DIR/blobs/sha256/HEX        what registries serve, under its digest
//	DIR/layers/HEX/tree         a layer, unpacked once, by its diffID
//	DIR/layers/HEX/size         the bytes of its regular files
//	DIR/sessions/NAME/lock      held as long as the session lives
//	DIR/sessions/NAME/new       what is not yet complete
//	DIR/sessions/NAME/...       its containers
//
// Blobs and layers are written in the session's own directory, synced, and
// renamed to their names, so that whatever has its final name is complete. A
// session whose lock nobody holds is dead and is removed by the next one; so
// the rests of a crash go. Several engines may share one directory.
package store
