package fs

// IDMap is how many ids a user namespace maps, from 0 on; 0: all
// (user_namespaces(7)).
type IDMap uint32

// Has says whether an id is mapped.
func (m IDMap) Has(id uint32) bool { return m == 0 || id < uint32(m) }
