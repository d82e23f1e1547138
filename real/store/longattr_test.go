//go:build linux

package store

import (
	"archive/tar"
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/overlay"
)

// TestLongAttribute: an attribute that is longer than the file system takes
// does not say that the disk is full.
func TestLongAttribute(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "f", Mode: 0o644, PAXRecords: map[string]string{"SCHILY.xattr.user.long": strings.Repeat("x", 5000)}}))
	require.NoError(t, w.Close())
	dir := t.TempDir()
	_, _, err := Unpack(dir, filepath.Join(dir, "lost"), &b, io.Discard)
	if err == nil {
		t.Skip("this file system takes it")
	}
	require.ErrorContains(t, err, "takes no extended attribute as long as user.long, of 5000 bytes")
	require.True(t, IsUnusable(err))
	require.False(t, overlay.Full(err))
	s := &Store{dir: dir}
	require.Equal(t, err, s.Explain(err))
}
