package vfs

import (
	"bytes"
	"io"
	"twinlayer/fs"
)

// Retime gives all that the writable layer holds the times that t has at the
// same paths.
func (u *Union) Retime(t *fs.Tree) {
	for p := range u.upper.Freeze().All() {
		n := t.Lookup(p.Path)
		if n == nil || n.Mtime == p.Mtime && n.Ctime == p.Ctime {
			continue
		}
		e := u.upper.Edit(p.Ino)
		e.Mtime, e.Ctime = n.Mtime, n.Ctime
	}
}

// SameButNumbers says whether two layers differ in nothing but digits in the
// contents of regular files, as they do where a program has written the time.
func SameButNumbers(a, b *fs.Tree) bool {
	for _, c := range fs.Diff(a, b) {
		if c.Kind != fs.Modify || !sameButNumbers(a.Lookup(c.Path), b.Lookup(c.Path)) {
			return false
		}
	}
	return true
}

// numbersMax is the longest content that is compared so.
const numbersMax = 1 << 20

func sameButNumbers(x, y *fs.Node) bool {
	if x.Mode != y.Mode || x.UID != y.UID || x.GID != y.GID || x.Target != y.Target || x.Opaque != y.Opaque || x.Rdev != y.Rdev || x.Size() != y.Size() {
		return false
	}
	if !x.IsRegular() || x.Data.Equal(y.Data) {
		return true
	}
	return x.Size() <= numbersMax && bytes.Equal(withoutDigits(x.Data), withoutDigits(y.Data))
}

func withoutDigits(d *fs.Data) []byte {
	b := make([]byte, d.Size())
	if _, err := d.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil
	}
	for i, c := range b {
		if c >= '0' && c <= '9' {
			b[i] = '0'
		}
	}
	return b
}
