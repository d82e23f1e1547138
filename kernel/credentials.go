package kernel

import (
	"twinlayer/fs"
	"twinlayer/fs/vfs"
)

// Credentials are whom a process acts as (credentials(7)).
type Credentials struct {
	UID, GID uint32
	Groups   []uint32 // the supplementary ones
	Umask    uint32
	Dropped  vfs.Capabilities // that root lacks; nobody else has any
}

// In are the credentials that a process can have in a user namespace which maps
// ids; ok is false where it does not map them. One that maps a single id allows
// nobody to set groups (user_namespaces(7)).
func (c Credentials) In(ids fs.IDMap) (in Credentials, ok bool) {
	if ids == 1 {
		c.Groups = nil
	}
	return c, ids.Has(c.UID) && ids.Has(c.GID)
}

// On has the system calls of a process be made with these credentials.
func (c Credentials) On(s *vfs.Sys) {
	s.UID, s.GID, s.Groups, s.Umask, s.Dropped = c.UID, c.GID, c.Groups, c.Umask, c.Dropped
}
