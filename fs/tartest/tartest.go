// Package tartest has layer tars that are hard to unpack, for the tests of
// whoever unpacks some: cases, each with what Docker makes of it, and random
// ones.
package tartest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"twinlayer/fs"
)

// Entry is an entry of a tar.
type Entry struct {
	// Type is that of a listing: d a directory, f a file, l a symlink, h a hard
	// link, c and b devices, p a fifo, g a global header.
	Type     byte
	Name, To string
	Mode     int64
	UID, GID int
	Mtime    int64 // seconds since 1970
	Dev      [2]int64
	Xattrs   map[string]string
	Body     string // of a file
}

var types = map[byte]byte{
	'd': tar.TypeDir, 'f': tar.TypeReg, 'l': tar.TypeSymlink, 'h': tar.TypeLink, 'c': tar.TypeChar, 'b': tar.TypeBlock, 'p': tar.TypeFifo,
	'g': tar.TypeXGlobalHeader, 'S': tar.TypeGNUSparse, '7': tar.TypeCont,
}

// Pack makes a tar. It panics where archive/tar knows no way to write an
// entry.
func Pack(entries []Entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(e.header()); err != nil {
			panic(err)
		}
		if e.Type == 'f' {
			w.Write([]byte(e.Body))
		}
	}
	w.Close()
	return b.Bytes()
}

func (e *Entry) header() *tar.Header {
	if e.Type == 'g' {
		return &tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: e.Name, PAXRecords: map[string]string{"comment": "x"}}
	}
	h := &tar.Header{
		Typeflag: types[e.Type], Name: e.Name, Linkname: e.To, Mode: e.Mode, Uid: e.UID, Gid: e.GID,
		ModTime: time.Unix(e.Mtime, 0), Devmajor: e.Dev[0], Devminor: e.Dev[1],
	}
	if e.Type == 'f' {
		h.Size = int64(len(e.Body))
	}
	for name, value := range e.Xattrs {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+name] = value
	}
	return h
}

// List shows a layer, an inode a line. Times that no entry gave are left out:
// those that are 0, and those from now on.
func List(t *fs.Tree, now time.Time) ([]string, error) {
	first := map[fs.Ino]string{}
	root, err := line("/", t.Root(), now)
	out := []string{root}
	for p := range t.All() {
		if name, ok := first[p.Ino]; ok && !p.IsWhiteout() {
			out = append(out, "h "+quote(p.Path)+" "+quote(name))
			continue
		}
		if !p.IsDir() {
			first[p.Ino] = p.Path
		}
		text, lineErr := line(p.Path, p.Node, now)
		if err == nil {
			err = lineErr
		}
		out = append(out, text)
	}
	return out, err
}

var letters = map[uint32]string{
	fs.S_IFDIR: "d", fs.S_IFREG: "f", fs.S_IFLNK: "l", fs.S_IFIFO: "p", fs.S_IFCHR: "c", fs.S_IFBLK: "b",
}

func line(name string, n *fs.Node, now time.Time) (string, error) {
	if n.IsWhiteout() {
		return "w " + quote(name), nil
	}
	mtime := "-"
	if n.Mtime != 0 && n.Mtime < now.UnixNano() {
		mtime = strconv.FormatFloat(float64(n.Mtime)/1e9, 'f', -1, 64)
	}
	out := []string{letters[n.Type()], quote(name), strconv.FormatUint(uint64(n.Mode&0o7777), 8), fmt.Sprintf("%d:%d", n.UID, n.GID), mtime}
	switch {
	case n.IsRegular():
		body, err := n.Data.Bytes()
		if err != nil {
			return "", err
		}
		out = append(out, strconv.Quote(string(body)))
	case n.Type() == fs.S_IFLNK:
		out = append(out, quote(n.Target))
	case n.Type() == fs.S_IFCHR || n.Type() == fs.S_IFBLK:
		out = append(out, fmt.Sprintf("%d:%d", fs.Major(n.Rdev), fs.Minor(n.Rdev)))
	}
	if n.Opaque && n.IsDir() {
		out = append(out, "opaque")
	}
	for _, x := range n.Xattrs {
		out = append(out, x.Name+"="+strconv.Quote(x.Value))
	}
	return strings.Join(out, " "), nil
}

// quote is a name as the file of cases has it: runs of one letter are short,
// and what is no plain word is in quotes.
func quote(name string) string {
	if name == "" || strings.ContainsAny(name, " \"\\") || !isPlain(name) {
		return strconv.Quote(name)
	}
	return shorten(name)
}

func isPlain(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c <= ' ' || c > '~' })
}
