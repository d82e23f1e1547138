package sim

import (
	"context"
	"io"
	iofs "io/fs"
	"path/filepath"
	"strings"

	"twinlayer/fs"
)

// inside is a host whose relative names are looked up in a directory.
type inside struct {
	host Host
	dir  string
}

var _ Host = inside{}

// HostIn is a host whose relative names are looked up in the directory dir;
// nil where host is nil.
func HostIn(host Host, dir string) Host {
	if host == nil {
		return nil
	}
	return inside{host, dir}
}

// at is a name in the directory; a "/." at its end stays.
func (i inside) at(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	at := filepath.Join(i.dir, name)
	if name == "." || strings.HasSuffix(name, "/.") {
		at += "/."
	}
	return at
}

// Open opens a file to read.
func (i inside) Open(name string) (io.ReadCloser, error) {
	return i.host.Open(i.at(name))
}

// Create writes a file.
func (i inside) Create(name string, write func(io.Writer) error) error {
	return i.host.Create(i.at(name), write)
}

// Tree is a file or directory.
func (i inside) Tree(ctx context.Context, name string) (*fs.Tree, error) {
	return i.host.Tree(ctx, i.at(name))
}

// Put writes a tree's entries.
func (i inside) Put(dir string, t *fs.Tree) error {
	return i.host.Put(i.at(dir), t)
}

// Kind tells what a name is.
func (i inside) Kind(name string) (HostKind, error) {
	return i.host.Kind(i.at(name))
}

// Dir is a directory to read.
func (i inside) Dir(name string) iofs.FS { return i.host.Dir(i.at(name)) }

// Abs is a name as an absolute path.
func (i inside) Abs(name string) string { return i.host.Abs(i.at(name)) }

// TempDir makes a temporary directory, wherever the host has them.
func (i inside) TempDir() (TempDir, error) { return i.host.TempDir() }

// Spool makes a place for the contents of files.
func (i inside) Spool() (fs.Spool, error) { return i.host.Spool() }
