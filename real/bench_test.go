//go:build linux

package real_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real"
	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/session"
)

const fourSteps = "RUN echo 1 > /1\nRUN echo 2 > /2\nRUN echo 3 > /3\nRUN echo 4 > /4\n"

// embeddedDo runs a line in the real world alone.
func embeddedDo(s *session.Session, line string) (sim.View, error) {
	cmd, err := cli.Parse(line, func(string) string { return "" })
	if err != nil {
		return sim.View{}, err
	}
	var id [32]byte
	rand.Read(id[:])
	cmd.ID, cmd.Now = hex.EncodeToString(id[:]), time.Now()
	return cli.Client{Engine: s.Real, Host: real.Host{}}.Do(context.Background(), cmd)
}

func embeddedBuild(b *testing.B, s *session.Session, line string) {
	v, err := embeddedDo(s, line)
	require.NoError(b, err)
	require.Zero(b, v.Exit, v.Stderr)
}

// BenchmarkBuild is four RUN steps without and with the cache, on the bundled
// busybox and on Debian's: by the embedded engine and, where they are there, by
// Docker's classic builder and buildah; and the floor, a program that does no
// more than it takes.
func BenchmarkBuild(b *testing.B) {
	s := both(b)
	_, err := s.Run(context.Background(), "docker pull busybox", os.Getenv)
	require.NoError(b, err)
	debianBusybox(b, s)
	others := []*other{newDocker(b), newBuildah(b)}
	for _, base := range []string{"busybox", realBusybox} {
		dir := b.TempDir()
		require.NoError(b, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM "+base+"\n"+fourSteps), 0o644))
		b.Run(base+"/floor", func(b *testing.B) { benchFloor(b, s, base) })
		for _, args := range []string{"--no-cache", ""} {
			name := base + "/" + cmp.Or(strings.TrimPrefix(args, "--"), "cached")
			b.Run(name+"/embedded", func(b *testing.B) {
				for b.Loop() {
					embeddedBuild(b, s, "docker build -q "+args+" "+dir)
				}
			})
			for _, o := range others {
				b.Run(name+"/"+o.name, func(b *testing.B) { benchOther(b, s, o, buildContext{dir: dir, args: args}) })
			}
		}
	}
}

func benchOther(b *testing.B, s *session.Session, o *other, c buildContext) {
	if o.missing != "" {
		testenv.Lacking(b, "%s is missing", o.missing)
	}
	o.prepare(b, s)
	for b.Loop() {
		_, err := o.build(c, "twinbench")
		require.NoError(b, err)
	}
}

// benchFloor builds testdata/floor, and with it the same image.
func benchFloor(b *testing.B, s *session.Session, base string) {
	if os.Getuid() != 0 {
		b.Skip("the floor is root's")
	}
	dir := b.TempDir()
	program, root := filepath.Join(dir, "floor"), filepath.Join(dir, "root")
	_, err := command([]string{"CGO_ENABLED=0"}, "go", "build", "-o", program, "./testdata/floor")
	require.NoError(b, err)
	line := "docker export -o " + root + ".tar bench-floor"
	for _, line := range []string{"docker create --name bench-floor " + base, line, "docker rm bench-floor"} {
		_, err := s.Run(context.Background(), line, os.Getenv)
		require.NoError(b, err)
	}
	require.NoError(b, os.Mkdir(root, 0o755))
	_, err = command(nil, "tar", "-C", root, "-xf", root+".tar")
	require.NoError(b, err)
	args := []string{"build", root, ""}
	for line := range strings.Lines(fourSteps) {
		args = append(args, strings.TrimPrefix(line, "RUN "))
	}
	for i := 0; b.Loop(); i++ {
		args[2] = filepath.Join(dir, fmt.Sprint(i))
		_, err := command(nil, program, args...)
		require.NoError(b, err)
	}
}
