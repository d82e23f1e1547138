package fs

import (
	iofs "io/fs"
	"time"
)

// Info is a name with its [Stat], as an os.FileInfo.
type Info struct {
	name string
	stat Stat
}

// NewInfo tells of a file called name.
func NewInfo(name string, stat Stat) Info { return Info{name, stat} }

// Name is the base name.
func (i Info) Name() string { return i.name }

// Size is the length in bytes.
func (i Info) Size() int64 { return i.stat.Size }

// Mode is the type and the permissions.
func (i Info) Mode() iofs.FileMode { return FileMode(i.stat.Mode) }

// ModTime is the time of the last change of content.
func (i Info) ModTime() time.Time { return i.stat.Mtime }

// IsDir says whether it is a directory.
func (i Info) IsDir() bool { return i.stat.Mode&S_IFMT == S_IFDIR }

// Sys is a *Stat.
func (i Info) Sys() any { return &i.stat }
