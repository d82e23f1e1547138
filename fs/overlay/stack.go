//go:build linux

package overlay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"twinlayer/fs"
)

// Dir is a directory of a stack of layers as overlayfs merges it: the real
// directories that contribute, top first. The zero value is a directory that
// is not there.
type Dir []string

// Stat is what matters of an inode.
type Stat struct {
	unix.Stat_t
	in    *folder // that has it; nil: name is a path
	name  string
	attrs fs.Xattrs // once they are read; see readAttrs
	read  bool
}

// lstat reads an inode; nil where there is none. Its owner and device are what
// the disk says until [Stat.translate] is called.
func lstat(name string) (*Stat, error) {
	s := &Stat{name: name}
	err := ignoreMissing(reach(name, func(name string) error { return unix.Lstat(name, &s.Stat_t) }))
	if err != nil || s.Mode == 0 {
		return nil, err
	}
	return s, nil
}

// attr is an extended attribute. They are read when the first is asked for.
func (s *Stat) attr(name string) (string, bool) {
	if !s.read {
		s.attrs, s.read = s.readAttrs(), true
	}
	return s.attrs.Get(name)
}

func (s *Stat) readAttrs() (x fs.Xattrs) {
	if s.in != nil {
		x, _ = s.in.attrs(s.name)
		return x
	}
	reach(s.name, func(name string) error { x = readAttrs(name); return nil })
	return x
}

func ignoreMissing(err error) error { return Ignore(err, unix.ENOENT, unix.ENOTDIR) }

// translate reads the attributes and puts in the owner and the device that
// [Unpack] only noted there.
func (s *Stat) translate() error {
	if note, ok := s.attr(ownerAttr); ok {
		if _, err := fmt.Sscanf(note, "%d:%d", &s.Uid, &s.Gid); err != nil {
			return fmt.Errorf("%s: attribute %s is %q: remove the file", s.name, ownerAttr, note)
		}
	}
	if note, ok := s.attr(DeviceAttr); ok && s.Size == 0 && s.Type() == unix.S_IFREG {
		var major, minor uint32
		kind, numbers, _ := strings.Cut(note, " ")
		if _, err := fmt.Sscanf(numbers, "%d:%d", &major, &minor); err != nil {
			return fmt.Errorf("%s: attribute %s is %q: remove the file", s.name, DeviceAttr, note)
		}
		types := map[string]uint32{"c": unix.S_IFCHR, "b": unix.S_IFBLK}
		s.Mode, s.Rdev = s.Mode&^unix.S_IFMT|types[kind], unix.Mkdev(major, minor)
	}
	return nil
}

// Type is the S_IF bits.
func (s *Stat) Type() uint32 { return s.Mode & unix.S_IFMT }

// IsDir says whether it is a directory.
func (s *Stat) IsDir() bool { return s.Type() == unix.S_IFDIR }

// IsWhiteout says whether it is overlayfs's whiteout.
func (s *Stat) IsWhiteout() bool { return s.Type() == unix.S_IFCHR && s.Rdev == 0 }

// isOpaque says whether a directory hides all that lies below it, marked as
// the embedded engine's overlayfs does or as root's.
func (s *Stat) isOpaque() bool {
	value, ok := s.attr(OpaqueAttr)
	if !ok {
		value, ok = s.attr(rootsOpaqueAttr)
	}
	return ok && value == "y"
}

const rootsOpaqueAttr = "trusted.overlay.opaque"

// readAttrs are a file's extended attributes, but for those of overlayfs that
// say nothing about what the file is.
func readAttrs(name string) (x fs.Xattrs) {
	for _, attr := range listAttrs(name) {
		if ofOverlay(attr) && attr != OpaqueAttr && attr != rootsOpaqueAttr && !strings.HasPrefix(attr, escaped) {
			continue
		}
		if value, ok := getAttr(name, attr); ok {
			x = append(x, fs.Xattr{Name: attr, Value: value})
		}
	}
	slices.SortFunc(x, func(a, b fs.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return x
}

func getAttr(name, attr string) (string, bool) {
	var buf [256]byte
	n, err := unix.Lgetxattr(name, attr, buf[:])
	if err == unix.ERANGE {
		return getLongAttr(name, attr)
	}
	return string(buf[:max(n, 0)]), err == nil
}

func getLongAttr(name, attr string) (string, bool) {
	buf := make([]byte, 64<<10)
	n, err := unix.Lgetxattr(name, attr, buf)
	return string(buf[:max(n, 0)]), err == nil
}

// listAttrs are the names of all attributes.
func listAttrs(name string) []string {
	var small [1024]byte
	buf := small[:]
	n, err := unix.Llistxattr(name, buf)
	if err == unix.ERANGE {
		buf = make([]byte, 64<<10)
		n, err = unix.Llistxattr(name, buf)
	}
	if err != nil || n == 0 {
		return nil
	}
	var names []string
	for attr := range bytes.SplitSeq(bytes.TrimSuffix(buf[:n], []byte{0}), []byte{0}) {
		names = append(names, string(attr))
	}
	return names
}

// Child looks a name up: its inode, and if that is a directory, what it is
// merged of. A whiteout or a file ends the search; so does an opaque
// directory, after it was added (kernel document, "Upper and Lower").
func (d Dir) Child(name string) (found *Stat, sub Dir, err error) {
	for _, dir := range d {
		s, err := lstat(filepath.Join(dir, name))
		switch {
		case err != nil:
			return nil, nil, err
		case s == nil:
			continue
		case s.IsWhiteout():
			return found, sub, nil
		case !s.IsDir() && found == nil:
			return s, nil, nil
		case !s.IsDir():
			return found, sub, nil
		case found == nil:
			found = s
		}
		sub = append(sub, s.name)
		if s.isOpaque() {
			return found, sub, nil
		}
	}
	return found, sub, nil
}

// HasDir says whether the directory name is below d, no symlink on the way.
func (d Dir) HasDir(name string) bool {
	for part := range strings.SplitSeq(strings.Trim(name, "/"), "/") {
		s, sub, err := d.Child(part)
		if err != nil || s == nil || !s.IsDir() {
			return false
		}
		d = sub
	}
	return true
}

// Names are all names in the directory, whiteouts taken into account.
func (d Dir) Names() (map[string]bool, error) {
	shown := map[string]bool{} // false: a whiteout hides it
	for _, dir := range d {
		var entries []os.DirEntry
		err := reach(dir, func(dir string) (err error) { entries, err = os.ReadDir(dir); return err })
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if _, known := shown[e.Name()]; !known {
				shown[e.Name()] = !isWhiteoutEntry(dir, e)
			}
		}
	}
	return shown, nil
}

func isWhiteoutEntry(dir string, e os.DirEntry) bool {
	if e.Type()&os.ModeCharDevice == 0 {
		return false
	}
	s, err := lstat(filepath.Join(dir, e.Name()))
	return err == nil && s != nil && s.IsWhiteout()
}
