//go:build linux

package real_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

var (
	builds = flag.Int("builds", 0, "how many random Dockerfiles TestRandomBuilds builds; 0: 6, or 12 with -full")
	seed   = flag.Uint64("seed", 1, "the seed of the first of them; each next one has the next")
)

// phrases are instructions, a list of which makes a Dockerfile; most of them
// are right somewhere. %p is a path, %w a word.
var phrases = []string{
	"RUN echo %w > %p", "RUN rm -rf %p", "RUN mkdir -p %p && touch %p", "RUN ln -s %p %p", "RUN mv %p %p", "RUN chmod 700 %p",
	"RUN cat %p", `RUN ["echo", "%w"]`, "RUN exit 3", "RUN <<EOF\necho %w >> %p\nEOF", "RUN --mount=type=cache,target=/cache touch /cache/%w %p",
	"COPY %w %p", "COPY . %p", "COPY --chown=1:2 --chmod=640 a.txt d/ %p/", "COPY --from=first %p %p", "COPY <<EOF %p\n%w\nEOF", "ADD a.txt* %p/", "ADD tar.tar %p",
	"ENV A=%w B=$A", "ARG A=%w", "ARG C", "LABEL l=%w", "WORKDIR %p", "USER 1:1", "USER root", "USER %w", "ENTRYPOINT [\"%w\"]", "CMD %w", "EXPOSE 80/udp 1-3", "EXPOSE %w",
	"VOLUME %p", "STOPSIGNAL 9", "HEALTHCHECK --interval=1s CMD %w", "ONBUILD RUN echo %w > %p", "SHELL [\"/bin/sh\", \"-ec\"]", "FROM busybox", "FROM scratch AS %w", "FROM nosuch",
	"# escape=`", "MAINTAINER %w", "%w", "RUN echo $A ${B:-%w} \\\n  > %p", "\x00", "COPY",
}

var (
	// No device: Docker makes those of /dev for each container, the embedded
	// engine can only bind the host's, which are not to be changed.
	paths = []string{"/f", "/d", "/d/f", "d/", "/", ".", "..", "/etc/passwd", "/bin", "/a b", "/tmp/x/y", "/dev/shm/x", "/proc/x", "/é", "$A", "/etc/hosts"}
	words = []string{"a.txt", "d", "x", "1", "", "b*", "a", "busybox", "../..", "$A", "tar.tar", strings.Repeat("n", 300)}
)

// dockerfile is a Dockerfile that depends on the seed alone.
func dockerfile(seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 0))
	lines := []string{"FROM busybox AS first"}
	for range 1 + r.IntN(7) {
		line := phrases[r.IntN(len(phrases))]
		for strings.Contains(line, "%p") {
			line = strings.Replace(line, "%p", paths[r.IntN(len(paths))], 1)
		}
		for strings.Contains(line, "%w") {
			line = strings.Replace(line, "%w", words[r.IntN(len(words))], 1)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n") + "\n"
}

// TestRandomBuilds builds Dockerfiles that nobody wrote in both worlds: none
// breaks an engine, takes longer than it may, or shows a bug.
func TestRandomBuilds(t *testing.T) {
	s := both(t)
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	for _, name := range []string{"a.txt", "d/b.txt", "tar.tar"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
	}
	agreed(t, s, "docker pull busybox")
	for i := range testenv.Count(*builds, 6, 12) {
		text := dockerfile(*seed + uint64(i))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
		if t.Failed() {
			return // the worlds have parted
		}
		t.Run(fmt.Sprint(*seed+uint64(i)), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			if i%5 == 4 { // so that the cache is asked, and lists stay short
				agreed(t, s, "docker container prune -f")
				agreed(t, s, "docker image prune -f")
			}
			r, err := s.Run(ctx, "docker build "+dir, func(string) string { return "" })
			require.NoError(t, err)
			require.NoError(t, s.Broken(), text)
			require.NoError(t, ctx.Err(), text)
			for _, d := range r.Differences {
				require.NotEqual(t, sim.Bug, d.Class, "%s\n%s: %s\nmodel: %s\nreal: %s", text, d.What, say.Text(d.Reason), d.Model, d.Real)
			}
		})
	}
}
