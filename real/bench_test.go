//go:build linux

package real_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/real"
	"twinlayer/sim"
)

const fourSteps = "FROM busybox\nRUN echo 1 > /1\nRUN echo 2 > /2\nRUN echo 3 > /3\nRUN echo 4 > /4\n"

// embeddedBuild builds in the real world alone.
func embeddedBuild(b *testing.B, s *sim.Session, line string) {
	cmd, err := sim.Parse(line, func(string) string { return "" })
	require.NoError(b, err)
	var id [32]byte
	rand.Read(id[:])
	cmd.ID, cmd.Now = hex.EncodeToString(id[:]), time.Now()
	v, err := sim.World{Engine: s.Real, Host: real.Host{}}.Do(context.Background(), cmd)
	require.NoError(b, err)
	require.Zero(b, v.Exit, v.Stderr)
}

// BenchmarkBuild is four RUN steps without and with the cache, by the embedded
// engine and, where they are there, by Docker's classic builder and buildah.
func BenchmarkBuild(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(fourSteps), 0o644))
	s := both(b)
	_, err := s.Run(context.Background(), "docker pull busybox", os.Getenv)
	require.NoError(b, err)
	for _, args := range []string{"--no-cache", ""} {
		name := strings.TrimPrefix(args, "--")
		if name == "" {
			name = "cached"
		}
		b.Run("embedded/"+name, func(b *testing.B) {
			for range b.N {
				embeddedBuild(b, s, "docker build -q "+args+" "+dir)
			}
		})
		for _, o := range []*other{newDocker(b), newBuildah(b)} {
			b.Run(o.name+"/"+name, func(b *testing.B) {
				if o.missing != "" {
					lacking(b, o.missing)
				}
				o.prepare(b, s)
				b.ResetTimer()
				for range b.N {
					_, err := o.build(buildContext{dir: dir, args: args}, "twinbench")
					require.NoError(b, err)
				}
			})
		}
	}
}
