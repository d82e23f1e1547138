//go:build linux

package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/overlay"
	"twinlayer/fs/testenv"
)

// BenchmarkMany reads an upper directory with many files in one directory, and
// says what is in use when all is read: time and memory grow with their number.
func BenchmarkMany(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 100_000 && testing.Short() {
				b.Skip("too many to make")
			}
			dir := b.TempDir()
			for i := range n {
				require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprint("file-", i)), nil, 0o644))
			}
			empty := testenv.Heap()
			for b.Loop() {
				now, err := overlay.Look(b.Context(), dir)
				require.NoError(b, err)
				changes, err := overlay.Changes(b.Context(), dir, overlay.Dir{})
				require.NoError(b, err)
				require.Len(b, changes, n)
				tree, err := overlay.Tree(now.Entries, nil, nil)
				require.NoError(b, err)
				b.ReportMetric(float64(testenv.Heap()-empty)/float64(n), "bytes/file")
				runtime.KeepAlive(now)
				runtime.KeepAlive(tree)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/file")
		})
	}
}
