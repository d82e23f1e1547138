//go:build linux

package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func named(name string, tags ...string) Image {
	return Image{ID: digest.FromString(name), Tags: tags}
}

// names are the images of an index, and their tags.
func names(x Index) (all []string) {
	for _, img := range x.Images {
		for _, name := range []string{"a", "b", "c"} {
			if img.ID == digest.FromString(name) {
				all = append(all, fmt.Sprint(name, img.Tags))
			}
		}
	}
	slices.Sort(all)
	return all
}

func change(t testing.TB, s *Store, f func(*Index)) {
	require.NoError(t, s.Update(func(x *Index) error {
		f(x)
		return nil
	}))
}

func refresh(t testing.TB, s *Store) bool {
	changed, err := s.Refresh()
	require.NoError(t, err)
	return changed
}

// What others do to the images a session sees when it looks; what it does
// itself, at once.
func TestRefresh(t *testing.T) {
	dir := t.TempDir()
	mine, other := open(t, dir), open(t, dir)
	require.False(t, refresh(t, mine))
	change(t, mine, func(x *Index) { x.Put(named("a", "one")) })
	require.False(t, refresh(t, mine), "its own doing is no news")
	require.Empty(t, names(other.Index()))
	require.True(t, refresh(t, other))
	require.False(t, refresh(t, other))
	require.Equal(t, []string{"a[one]"}, names(other.Index()))

	change(t, mine, func(x *Index) { x.Put(named("b")); x.Tag(digest.FromString("b"), "one") })
	change(t, other, func(x *Index) { x.Tag(digest.FromString("a"), "two") })
	require.Equal(t, []string{"a[]", "b[one]"}, names(mine.Index()))
	require.Equal(t, []string{"a[one two]"}, names(other.Index()))
	require.True(t, refresh(t, mine))
	require.True(t, refresh(t, other))
	require.Equal(t, []string{"a[two]", "b[one]"}, names(mine.Index()))
	require.Equal(t, mine.Index(), other.Index())

	change(t, mine, func(x *Index) { x.Remove(digest.FromString("a")) })
	change(t, other, func(x *Index) { x.Tag(digest.FromString("a"), "three") })
	require.True(t, refresh(t, mine), "who gives it a name keeps it")
	require.Equal(t, []string{"a[three]", "b[one]"}, names(mine.Index()))

	mine.Apart()
	change(t, mine, func(x *Index) { x.Remove(digest.FromString("b")) })
	refresh(t, other)
	require.Equal(t, []string{"a[three]", "b[one]"}, names(other.Index()))
	change(t, other, func(x *Index) { x.Put(named("c", "four")) })
	require.False(t, refresh(t, mine))
	require.Equal(t, []string{"a[three]"}, names(mine.Index()))
	require.NoError(t, mine.Together())
	require.Equal(t, []string{"a[three]", "b[one]", "c[four]"}, names(mine.Index()))
}

// Whatever sessions do, and however late they look, in the end all see the
// same, with a name for one image alone.
func TestRefreshRandomly(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 0))
		dir := t.TempDir()
		all := []*Store{open(t, dir), open(t, dir), open(t, dir)}
		for range 40 {
			s, name := all[r.IntN(len(all))], []string{"a", "b", "c"}[r.IntN(3)]
			switch r.IntN(4) {
			case 0:
				refresh(t, s)
			case 1:
				change(t, s, func(x *Index) { x.Remove(digest.FromString(name)) })
			default:
				change(t, s, func(x *Index) { x.Put(named(name)); x.Tag(digest.FromString(name), fmt.Sprint(r.IntN(3))) })
			}
		}
		for _, s := range all {
			refresh(t, s)
			require.Equal(t, names(all[0].Index()), names(s.Index()), seed)
		}
		seen := map[string]bool{}
		for _, img := range all[0].Index().Images {
			for _, tag := range img.Tags {
				require.False(t, seen[tag], seed)
				seen[tag] = true
			}
		}
	}
}

// Sessions see each other's volumes when they look, and hear of what is
// written to them, and of the containers that have them, of sessions that live.
func TestSharedVolumes(t *testing.T) {
	dir := t.TempDir()
	mine, other := open(t, dir), open(t, dir)
	v := Volume{Name: "data"}
	require.NoError(t, other.CreateVolume(v))
	require.Empty(t, mine.Volumes())
	require.True(t, refresh(t, mine))
	require.Len(t, mine.Volumes(), 1)
	require.False(t, mine.WrittenByOthers("data"))
	mine.Wrote(v)
	require.False(t, mine.WrittenByOthers("data"))
	other.Wrote(v)
	require.True(t, mine.WrittenByOthers("data"))
	require.False(t, mine.WrittenByOthers("data"))

	require.Empty(t, mine.Uses())
	use := Use{Container: "c", Volumes: []string{"data"}, Running: true}
	require.NoError(t, other.Use(use))
	require.Equal(t, []Use{use}, mine.Uses())
	require.Empty(t, other.Uses())
	other.lock.Close() // as when it is killed
	require.Empty(t, mine.Uses())

	last := open(t, dir)
	removed, err := last.RemoveVolume(v)
	require.NoError(t, err)
	require.True(t, removed)
	held, err := mine.HoldVolume(v)
	require.NoError(t, err, "it is made again")
	require.DirExists(t, mine.VolumeDir(v))
	removed, err = last.RemoveVolume(v)
	require.NoError(t, err)
	require.False(t, removed)
	held.Close()
	removed, err = last.RemoveVolume(v)
	require.NoError(t, err)
	require.True(t, removed)
	removed, err = mine.RemoveVolume(v)
	require.NoError(t, err)
	require.True(t, removed)
	require.Empty(t, mine.Volumes())
	_, err = os.Stat(filepath.Join(dir, "volumes", "data"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
