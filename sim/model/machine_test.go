package model_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/simtest"
)

// TestAnotherMachine: which machine is shown comes in with the images and the
// facts, whatever this program was built for.
func TestAnotherMachine(t *testing.T) {
	for arch, machine := range map[string]string{"amd64": "x86_64", "arm64": "aarch64"} {
		t.Run(arch, func(t *testing.T) {
			images := simtest.ImagesFor(arch)
			s := simtest.Session(t, model.Config{Facts: kernel.Teaching(machine), Registry: images, Programs: images.Programs})
			prints := func(want, line string) {
				t.Helper()
				r := simtest.Do(t, s, line)
				require.Empty(t, say.Text(r.Model.Unknown))
				require.Equal(t, want, r.Model.Stdout, r.Model.Stderr)
			}
			require.Contains(t, simtest.Do(t, s, "docker run --rm hello-world").Model.Stdout, "Hello from twinlayer!")
			prints(machine+"\n", "docker run --name box --platform linux/"+arch+" busybox uname -m")
			s.Host = sim.NewMemHost(s.Clock)
			require.NoError(t, s.Host.Create("Dockerfile", func(w io.Writer) error {
				_, err := io.WriteString(w, "FROM scratch\nARG TARGETARCH\nLABEL for=$TARGETARCH\n")
				return err
			}))
			for _, line := range []string{"docker export -o box.tar box", "docker import box.tar flat", "docker build -t empty ."} {
				r := simtest.Do(t, s, line)
				require.Zero(t, r.Model.Exit, r.Model.Stderr)
			}
			prints(arch+"\n", "docker image inspect -f {{.Config.Labels.for}} empty")
			other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[arch]
			r := simtest.Do(t, s, "docker run --platform linux/"+other+" busybox true")
			require.Equal(t, 125, r.Model.Exit)
			require.Contains(t, r.Model.Stderr, "this machine runs linux/"+arch+" only")
			for _, ref := range []string{"busybox", "hello-world", "flat", "empty"} {
				prints(arch+"\n", "docker image inspect -f {{.Architecture}} "+ref)
			}
		})
	}
}
