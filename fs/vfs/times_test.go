package vfs

import (
	"testing"

	"twinlayer/fs"

	"github.com/stretchr/testify/require"
)

func timesTree(t *testing.T, mtime int64, text string) *fs.Tree {
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/etc", fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: mtime}))
	require.NoError(t, b.Put("/etc/now", fs.Node{Mode: fs.S_IFREG | 0o644, Mtime: mtime, Data: fs.DataOf([]byte(text))}))
	return b.Tree()
}

func TestRetime(t *testing.T) {
	lower := timesTree(t, 1, "lower")
	u := NewUnion(nil, lower, timesTree(t, 5, "x"))
	kept := u.Snapshot()
	u.Retime(timesTree(t, 9, "y"))
	require.Equal(t, int64(9), u.Upper().Lookup("/etc/now").Mtime)
	require.Equal(t, int64(9), u.Upper().Lookup("/etc").Mtime)
	require.Equal(t, int64(5), kept.Upper().Lookup("/etc/now").Mtime, "what was kept stays")
	require.Equal(t, int64(1), lower.Lookup("/etc/now").Mtime)
}

func TestSameButNumbers(t *testing.T) {
	at := timesTree(t, 5, "Wed Nov 25 20:19:03 UTC 2026\n")
	require.True(t, SameButNumbers(at, timesTree(t, 6, "Wed Nov 25 20:19:04 UTC 2026\n")))
	require.False(t, SameButNumbers(at, timesTree(t, 5, "Thu Nov 25 20:19:03 UTC 2026\n")), "another word")
	require.False(t, SameButNumbers(at, timesTree(t, 5, "Wed Nov 25 20:19:103 UTC 2026\n")), "another length")
	require.False(t, SameButNumbers(at, fs.NewBuilder().Tree()), "another file")
}
