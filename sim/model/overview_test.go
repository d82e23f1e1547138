package model_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/simtest"
)

// TestOverview: what is made of the changes is what all containers give; and
// what names a container by its index is what [sim.FindContainer] says.
func TestOverview(t *testing.T) {
	s, chance := startLong(t, 1000), rand.New(rand.NewPCG(1, 2))
	m := s.session.Model
	for i := range 300 {
		name := fmt.Sprintf("x%d", chance.IntN(40))
		_, missing := m.Container(t.Context(), name)
		switch verb := chance.IntN(4); {
		case missing != nil:
			s.do(t, "docker create --name "+name+" busybox sleep 1000000")
		case verb == 0:
			s.do(t, "docker start "+name)
		case verb == 1:
			s.do(t, "docker kill box")
			s.do(t, "docker start box")
		default:
			s.do(t, "docker rm -f "+name)
		}
		if i%3 == 0 {
			continue // several changes at once
		}
		all, err := m.Containers(t.Context())
		require.NoError(t, err)
		got, err := m.Overview(t.Context())
		require.NoError(t, err)
		require.Equal(t, sim.Overview(all), got)
	}
	all, err := m.Containers(t.Context())
	require.NoError(t, err)
	keys := []string{"", "/", "nosuch", "box", "/box", strings.Repeat("f", 64), "0", "f"}
	for _, k := range all {
		keys = append(keys, k.ID, k.ID[:12], k.ID[:1], k.ID[:2], k.Name, "/"+k.Name, k.ID+"0")
	}
	for _, key := range keys {
		want, wrong := sim.FindContainer(all, key)
		got, err := m.Container(t.Context(), key)
		require.Equal(t, wrong, err, key)
		if wrong == nil {
			require.Equal(t, want, got, key)
		}
	}
}

// TestPrintedByManyStarts: what a container has printed is what all its starts
// have, one after the other, of each stream the first megabyte.
func TestPrintedByManyStarts(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	simtest.Do(t, s, `docker run --name box busybox sh -c "wc -c < /proc/version; ls /nosuch"`)
	one := simtest.Do(t, s, "docker logs box").Model
	require.NotEmpty(t, one.Stdout)
	require.Contains(t, one.Stderr, "nosuch")
	simtest.Do(t, s, "docker start -a box")
	simtest.Do(t, s, "docker start box")
	three := simtest.Do(t, s, "docker logs box").Model
	require.Equal(t, strings.Repeat(one.Stdout, 3), three.Stdout)
	require.Equal(t, strings.Repeat(one.Stderr, 3), three.Stderr)
	simtest.Do(t, s, `docker run --name loud busybox sh -c "head -c 700000 /dev/zero | tr '\\0' x; echo; echo end"`)
	simtest.Do(t, s, "docker start loud")
	long := simtest.Do(t, s, "docker logs loud").Model.Stdout
	require.Len(t, long, sim.PrintedMax)
	require.Equal(t, 1, strings.Count(long, "end"))
}
