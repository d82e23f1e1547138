//go:build linux

package embedded_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dockerSays runs the docker command against the daemon of DOCKER_HOST.
func dockerSays(b testing.TB, stdin []byte, args ...string) string {
	b.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "docker %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// dockerBusybox gives docker the tests' busybox.
func dockerBusybox(b testing.TB) {
	b.Helper()
	if os.Getenv("DOCKER_HOST") == "" {
		lacking(b, "a docker daemon (DOCKER_HOST)")
	}
	dockerSays(b, busyboxLayer(b), "import", "-c", "ENV PATH=/bin", "-", "twinlayer-bench")
}

var commitWork = map[string]string{
	"1 file":     "echo x > /x",
	"1000 files": "i=0; while [ $i -lt 1000 ]; do echo $i > /tmp/$i; i=$((i+1)); done",
	"500 MB":     "dd if=/dev/urandom of=/big bs=1M count=500",
}

// BenchmarkCommit commits what a container wrote, beside docker.
func BenchmarkCommit(b *testing.B) {
	for name, script := range commitWork {
		b.Run(name+"/twinlayer", func(b *testing.B) {
			e := engine(b)
			s := spec("sh", "-c", script)
			_, err := run(b, e, s)
			require.NoError(b, err)
			c := commit(b, e, s.ID, "bench")
			for b.Loop() {
				if _, err := e.Commit(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/docker", func(b *testing.B) {
			dockerBusybox(b)
			id := dockerSays(b, nil, "create", "--network=none", "twinlayer-bench", "sh", "-c", script)
			dockerSays(b, nil, "start", "-a", id)
			defer dockerSays(b, nil, "rm", id)
			for b.Loop() {
				dockerSays(b, nil, "commit", id, "twinlayer-bench:commit")
			}
		})
	}
}

// BenchmarkDockerRunHello and BenchmarkDockerChanges are docker's side of
// BenchmarkRunHello and BenchmarkChanges.
func BenchmarkDockerRunHello(b *testing.B) {
	dockerBusybox(b)
	for b.Loop() {
		dockerSays(b, nil, "run", "--rm", "--network=none", "twinlayer-bench", "echo", "hello")
	}
}

func BenchmarkDockerChanges(b *testing.B) {
	dockerBusybox(b)
	id := dockerSays(b, nil, "create", "--network=none", "twinlayer-bench", "sh", "-c", commitWork["1000 files"])
	dockerSays(b, nil, "start", "-a", id)
	defer dockerSays(b, nil, "rm", id)
	for b.Loop() {
		dockerSays(b, nil, "diff", id)
	}
}

// BenchmarkLayer reads a layer with a large file, as after every line.
func BenchmarkLayer(b *testing.B) {
	e := engine(b)
	s := spec("sh", "-c", "dd if=/dev/zero of=/big bs=1M count=100")
	_, err := run(b, e, s)
	require.NoError(b, err)
	for b.Loop() {
		layer, err := e.Layer(b.Context(), s.ID)
		require.NoError(b, err)
		_, err = layer.Digest()
		require.NoError(b, err)
	}
}
