package vfs

import (
	"strings"
	"testing"
	"twinlayer/fs"
)

// divergence is a sequence of operations that once parted model and kernel,
// and must not again.
type divergence struct {
	name   string
	layers [][]observedEntry
	ops    [][]any
	root   bool // needs ids that a user namespace of one does not map
}

func (d divergence) compare(t *testing.T, dir string, userns bool) {
	if d.root && userns {
		return
	}
	t.Log(d.name)
	var layers []*fs.Tree
	for _, l := range d.layers {
		layers = append(layers, buildObserved(t, l))
	}
	compareWorlds(t, dir, layers, d.ops, userns)
}

func perm(mode uint32) *uint32 { return &mode }

// The layers that most cases need: a file, a directory with a file, nothing.
var (
	oneFile = [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}, {P: "t/a", T: "f", Data: "lower", Mode: perm(0o644)}}}
	oneDir  = [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}, {P: "t/d", T: "d", Mode: perm(0o755)}, {P: "t/d/f", T: "f", Data: "lower"}}}
	suid    = [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}, {P: "t/a", T: "f", Data: "lower", Mode: perm(0o6755)}}}
	bare    = [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}}}
	linked  = [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}, {P: "t/a", T: "f", Data: "lower"}, {P: "t/b", T: "h", To: "t/a"}}}
)

var divergences = []divergence{
	{name: "a write drops setuid where root is not the host's", layers: suid, ops: [][]any{{"write", "t/a", "w", "x"}, {"stat", "t/a"}}},
	{name: "a truncate drops setuid where root is not the host's", layers: suid, ops: [][]any{{"truncate", "t/a", 3.0}, {"stat", "t/a"}}},
	{name: "a chown drops setuid of whatever is no directory", layers: [][]observedEntry{{{P: "t", T: "d"}, {P: "t/p", T: "p", Mode: perm(0o4644)}}},
		ops: [][]any{{"chown", "t/p", -1.0, -1.0}, {"stat", "t/p"}}},
	{name: "an empty write changes nothing", layers: suid, ops: [][]any{{"write", "t/a", "w", ""}, {"stat", "t/a"}}},
	{name: "a rename onto the same inode comes before all other checks", layers: bare,
		ops: [][]any{{"write", "t/a", "w|creat", "x"}, {"link", "t/a", "t/b"}, {"rename", "t/a", "t/b", "whiteout"}, {"rename", "t/a", "t/b"}, {"stat", "t/a"}}},
	{name: "a lower directory cannot be renamed, be its target empty or not", layers: oneDir,
		ops: [][]any{{"mkdir", "t/full", "755"}, {"mkdir", "t/full/x", "755"}, {"rename", "t/d", "t/full"}}},
	{name: "a rename over a directory above is refused as not empty", layers: oneDir,
		ops: [][]any{{"mkdir", "t/n", "755"}, {"mkdir", "t/n/m", "755"}, {"rename", "t/n/m", "t/n"}, {"rename", "t/n/m", "t/n", "exchange"}}},
	{name: "a slash at the end of a rename wants a directory", layers: oneFile, ops: [][]any{{"rename", "t/a", "t/b/"}, {"rename", "t/a/", "t/b"}}},
	{name: "a rename walks to both names before it looks at one", layers: oneFile,
		ops: [][]any{{"rename", "t/" + strings.Repeat("n", 256), "t/a/b"}, {"rename", "t/" + strings.Repeat("n", 256), "t/b"}}},
	{name: "a node over another is refused as existing before anything", layers: oneFile, ops: [][]any{{"mknod", "t/a", "c", 0.0, 0.0}, {"mknod", "t/n", "p", 1.0, 3.0}, {"stat", "t/n"}}},
	{name: "a block device without a driver does not open", layers: bare, ops: [][]any{{"mknod", "t/b", "b", 1.0, 3.0}, {"write", "t/b", "w", "x"}}},
	{name: "an opaque lower directory lists its stray whiteouts", layers: [][]observedEntry{{{P: "t", T: "d"}, {P: "t/d", T: "d", Opq: true}, {P: "t/d/w", T: "w"}}},
		ops: [][]any{{"readdir", "t/d"}, {"stat", "t/d/w"}, {"rmdir", "t/d"}}},
	{name: "a lower hard link keeps its count when another layer hides a name", layers: append(linked[:1:1], []observedEntry{{P: "t", T: "d"}, {P: "t/b", T: "w"}}),
		ops: [][]any{{"stat", "t/a"}, {"chmod", "t/a", "600"}, {"stat", "t/a"}}},
	{name: "a file is created through dangling symlinks", layers: bare,
		ops: [][]any{{"symlink", "b", "t/a"}, {"symlink", "new", "t/b"}, {"write", "t/a", "w|creat", "x"}, {"readdir", "t"}}},
	{name: "no file is created where a slash ends the name", layers: oneFile, ops: [][]any{{"write", "t/a/", "w|creat", "x"}, {"write", "t/n/", "w|creat", "x"}, {"symlink", "n/", "t/s"}, {"write", "t/s", "w|creat", "x"}}},
	{name: "an attribute of no name space copies the file up and fails", layers: oneFile, ops: [][]any{{"removexattr", "t/a", "nospace"}, {"setxattr", "t/a", "nospace", "x"}}},
	{name: "trusted attributes are the host's root's", layers: oneFile,
		ops: [][]any{{"setxattr", "t/a", "trusted.k", "x"}, {"getxattr", "t/a", "trusted.k"}, {"removexattr", "t/a", "trusted.k"}, {"listxattr", "t/a"}}},
	{name: "a file opened below stays open through copy-up and unlink", layers: oneFile,
		ops: [][]any{{"fopen", "t/a", "r", "f"}, {"write", "t/a", "w", "xx"}, {"unlink", "t/a"}, {"read", "f"}, {"fchmod", "f", "600"}, {"fstat", "f"}}},
	{name: "a hard link opened below goes with its copy", layers: linked,
		ops: [][]any{{"fopen", "t/a", "r", "f"}, {"write", "t/a", "w", "xx"}, {"fchmod", "f", "600"}, {"fstat", "f"}, {"stat", "t/b"}}},
	{name: "a deleted directory stays open", layers: oneDir,
		ops: [][]any{{"fopen", "t/d", "r|dir", "f"}, {"rmtree", "t/d"}, {"fstat", "f"}, {"freaddir", "f"}, {"mkdir", "t/e", "755"}, {"fopen", "t/e", "r", "g"}, {"rmdir", "t/e"}, {"fstat", "g"}, {"freaddir", "g"}}},
	{name: "a deleted directory of both layers stays open", layers: oneDir,
		ops: [][]any{{"setxattr", "t/d", "user.k", "2"}, {"fopen", "t/d", "r", "g"}, {"rmtree", "t/d"}, {"freaddir", "g"}, {"fstat", "g"}, {"fchmod", "g", "700"}, {"close", "g"}, {"readdir", "t"}}},
	{name: "what is opened below and deleted cannot be changed", layers: oneDir, ops: [][]any{{"fopen", "t/d/f", "r", "f"}, {"rmtree", "t/d"}, {"fchmod", "f", "600"}, {"read", "f"}}},
	{name: "a hard link to a copy is another inode in a user namespace", layers: oneFile,
		ops: [][]any{{"stat", "t/a"}, {"link", "t/a", "t/c"}, {"stat", "t/a"}, {"stat", "t/c"}, {"rename", "t/a", "t/c"}, {"unlink", "t/a"}, {"stat", "t/c"}}},
	{name: "a directory is marked opaque before its rename fails", layers: oneDir,
		ops: [][]any{{"mkdir", "t/n", "755"}, {"mkdir", "t/full", "755"}, {"mkdir", "t/full/x", "755"}, {"rename", "t/n", "t/full"}}},
	{name: "anybody may chown to nobody in particular", layers: oneFile, root: true, ops: [][]any{{"euid", 1.0}, {"chown", "t/a", -1.0, -1.0}, {"chown", "t/a", 1.0, -1.0}}},
	{name: "nobody but the owner chowns a setuid file, even to nobody", layers: suid, root: true, ops: [][]any{{"euid", 1.0}, {"chown", "t/a", -1.0, -1.0}}},
	{name: "another group's setgid does not stay", layers: [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o777)}, {P: "t/a", T: "f", U: 1, G: 7, Mode: perm(0o2644)}}}, root: true,
		ops: [][]any{{"euid", 1.0}, {"write", "t/a", "w", "x"}, {"stat", "t/a"}, {"chmod", "t/a", "2755"}, {"stat", "t/a"}}},
	{name: "cutting a file off needs to be allowed to write", layers: [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o755)}, {P: "t/a", T: "f", Data: "lower", Mode: perm(0o444)}}}, root: true,
		ops: [][]any{{"euid", 1.0}, {"fopen", "t/a", "r|trunc", "f"}, {"fopen", "t/a", "r", "f"}}},
	{name: "a directory that moves must be writable itself", layers: [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o777)}}}, root: true,
		ops: [][]any{{"euid", 1.0}, {"mkdir", "t/a", "755"}, {"mkdir", "t/b", "755"}, {"chmod", "t/a", "555"}, {"rename", "t/a", "t/b/a"}, {"rename", "t/a", "t/c"}}},
	{name: "names in a sticky directory are kept from others", layers: [][]observedEntry{{{P: "t", T: "d", Mode: perm(0o1777)}, {P: "t/a", T: "f", U: 3, Mode: perm(0o666)}, {P: "t/l", T: "l", To: "a"}}}, root: true,
		ops: [][]any{{"write", "t/a", "w|creat", "x"}, {"euid", 1.0}, {"symlink", "a", "t/s"}, {"link", "t/a", "t/h"}, {"unlink", "t/a"}, {"rename", "t/a", "t/b"}, {"euid", 65534.0}, {"cat", "t/s"}, {"write", "t/a", "w|creat", "x"}}},
}
