package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"path"

	"twinlayer/fs"
)

// Host is what docker commands reach of the machine they are typed on: the
// files that docker load reads, docker save writes, docker cp copies and a
// build takes in. Names are as they were typed, relative ones to where
// twinlayer was started. Errors are *io/fs.PathError.
type Host interface {
	// Open opens a file to read.
	Open(name string) (io.ReadCloser, error)
	// Create writes a file, which is there whole once write has returned
	// without an error, or not at all.
	Create(name string, write func(io.Writer) error) error
	// Tree is the file or directory name, as the one entry of a tree's root.
	// "." and a trailing "/." have that entry's own name too. It ends with ctx.
	Tree(ctx context.Context, name string) (*fs.Tree, error)
	// Put writes the entries of a tree's root below the directory dir.
	Put(dir string, t *fs.Tree) error
	// Dir is the directory name and what is below it, to read.
	Dir(name string) iofs.FS
	// Abs is name as an absolute path.
	Abs(name string) string
	// Kind tells what name is, symlinks followed.
	Kind(name string) (HostKind, error)
	// TempDir makes an empty directory, which goes with the program at the
	// latest.
	TempDir() (TempDir, error)
	// Spool makes a place outside the memory for the contents of files, which
	// goes when nothing uses it any more; nil: they stay in memory.
	Spool() (fs.Spool, error)
}

// TempDir is a directory of the host for a while, with files that people read.
type TempDir interface {
	Path() string                      // absolute
	Files() (map[string]string, error) // the regular files in it, by names below it
	Write(name, content string) error  // writes a file, and makes the directories above it
	Clear() error                      // removes all that is in it
	Remove() error                     // and itself
}

// HostKind is what stands at a name of the host.
type HostKind string

// The kinds.
const (
	HostNothing HostKind = ""
	HostFile    HostKind = "file"
	HostDir     HostKind = "directory"
)

// NoHost is no machine at all, for a session that was given none.
type NoHost struct{}

var errNoHost = Refuse("the files of this machine cannot be reached from here")

func (NoHost) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(nil)), errNoHost
}

func (NoHost) Create(string, func(io.Writer) error) error { return errNoHost }

func (NoHost) Tree(context.Context, string) (*fs.Tree, error) { return nil, errNoHost }

func (NoHost) Put(string, *fs.Tree) error { return errNoHost }

// noFiles is a directory that cannot be reached.
type noFiles struct{}

func (noFiles) Open(name string) (iofs.File, error) {
	return nil, &iofs.PathError{Op: "open", Path: name, Err: errNoHost}
}

func (NoHost) Dir(string) iofs.FS { return noFiles{} }

func (NoHost) Abs(name string) string { return path.Join("/", name) }

func (NoHost) Kind(string) (HostKind, error) { return HostNothing, errNoHost }

func (NoHost) TempDir() (TempDir, error) { return nil, errNoHost }

func (NoHost) Spool() (fs.Spool, error) { return nil, nil }

// HostError is what docker says where a file of the host cannot be used.
func HostError(err error) error {
	var p *iofs.PathError
	if errors.As(err, &p) {
		return Refuse("%s %s: %v", p.Op, p.Path, p.Err)
	}
	return err
}
