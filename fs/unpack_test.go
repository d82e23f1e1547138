package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/tartest"
)

// TestTars: what the model reads of a tar is what Docker unpacks.
func TestTars(t *testing.T) {
	cases, err := tartest.Cases()
	require.NoError(t, err)
	require.Greater(t, len(cases), 100)
	for _, c := range cases {
		require.Equal(t, c.Result, read(t, tartest.Pack(c.Entries)), c.Name)
	}
}

// read is what the model makes of a tar, as the cases have it.
func read(t *testing.T, packed []byte) []string {
	tree, err := fs.ReadTar(bytes.NewReader(packed))
	var refused *fs.TarError
	if errors.As(err, &refused) {
		return []string{"error " + tartest.Said(refused)}
	}
	require.NoError(t, err)
	list, err := tartest.List(tree, time.Now())
	require.NoError(t, err)
	return append([]string{fmt.Sprint("size ", tree.Bytes())}, list...)
}

// TestArchive: in a tar that is no layer, names that stand for deletions are
// names, and one may come twice.
func TestArchive(t *testing.T) {
	tree, err := fs.ReadArchive(bytes.NewReader(tartest.Pack([]tartest.Entry{
		{Type: 'f', Name: ".wh.x", Body: "one"}, {Type: 'f', Name: ".wh.x", Body: "two"}, {Type: 'f', Name: "d/.wh..wh..opq"},
	})), nil, fs.DefaultLimits)
	require.NoError(t, err)
	list, err := tartest.List(tree, time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{`d / 755 0:0 -`, `f /.wh.x 0 0:0 - "two"`, `d /d 755 0:0 -`, `f /d/.wh..wh..opq 0 0:0 - ""`}, list)
}
