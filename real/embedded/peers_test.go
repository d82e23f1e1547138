//go:build linux

package embedded_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// peer is one that does the work of a benchmark.
type peer struct {
	name    string
	missing string      // what it lacks, to take part
	ready   func(n int) // what the n-th time takes and is not measured, if anything
	work    func(n int)
}

// beside has peers, the first of which is twinlayer, do their work in turn, so
// that whatever else the machine does weighs on all alike. It reports the
// median of each in milliseconds, and how many times as long twinlayer took.
// Run it with -benchtime 11x.
func beside(b *testing.B, peers ...peer) {
	peers = slices.DeleteFunc(peers, func(p peer) bool {
		if p.missing != "" {
			b.Logf("without %s: %s is missing", p.name, p.missing)
		}
		return p.missing != ""
	})
	took := map[string][]float64{}
	for n := 0; b.Loop(); n++ {
		for i := range peers {
			p := peers[(n+i)%len(peers)]
			took[p.name] = append(took[p.name], p.once(n))
		}
	}
	ours := median(took[peers[0].name])
	for _, p := range peers {
		b.ReportMetric(median(took[p.name]), p.name+"-ms")
		if p.name != peers[0].name {
			b.ReportMetric(ours/median(took[p.name]), "of-"+p.name)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// once is how long the work took. What others wrote before does not count.
func (p peer) once(n int) float64 {
	if p.ready != nil {
		p.ready(n)
	}
	unix.Sync()
	begin := time.Now()
	p.work(n)
	return float64(time.Since(begin).Microseconds()) / 1000
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// command is a peer's program; what it prints is returned.
func command(b testing.TB, name string, args ...string) string {
	b.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(b, err, "%s %v: %s", name, args, out)
	return strings.TrimSpace(string(out))
}

// floor is the program testdata/floor.
func floor(b testing.TB) (program, missing string) {
	if os.Getuid() != 0 {
		return "", "root's power"
	}
	program = filepath.Join(b.TempDir(), "floor")
	command(b, "go", "build", "-o", program, "../testdata/floor")
	return program, ""
}

// unpacked is busybox's root file system as a directory.
func unpacked(b testing.TB) string {
	dir := b.TempDir()
	tar := exec.Command("tar", "-C", dir, "-xf", "-")
	tar.Stdin = bytes.NewReader(busyboxLayer(b))
	require.NoError(b, tar.Run())
	for _, name := range []string{"proc", "dev"} {
		require.NoError(b, os.Mkdir(filepath.Join(dir, name), 0o755)) // for a mount, and for what root may make
	}
	unix.Mknod(filepath.Join(dir, "dev/urandom"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 9)))
	return dir
}

// dockerBusybox gives docker the tests' busybox.
func dockerBusybox(b testing.TB) (missing string) {
	if exec.Command("docker", "version").Run() != nil {
		return "a Docker Engine (DOCKER_HOST)"
	}
	command(b, "docker", "import", "-c", "ENV PATH=/bin", root(b), "twinlayer-bench")
	b.Cleanup(func() { exec.Command("docker", "rmi", "-f", "twinlayer-bench", "twinlayer-bench:commit").Run() })
	return ""
}

// podman runs podman in a store of its own.
type podman func(args ...string) string

// podmanBusybox gives podman the tests' busybox.
func podmanBusybox(b testing.TB) (p podman, missing string) {
	if _, err := exec.LookPath("podman"); err != nil || os.Getuid() != 0 {
		return nil, "podman, as root"
	}
	p = containers(b, "podman")
	p("import", "-c", "ENV PATH=/bin", root(b), "twinlayer-bench")
	return p, ""
}

// unlimited makes podman work on any machine.
var unlimited = []string{"--network", "none", "--cgroups", "disabled", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"}

// crun is a program that runs busybox's echo by crun, with its own defaults.
// Crun does not run where there are both versions of cgroups.
func crun(b testing.TB, root string) (run func() string, missing string) {
	if _, err := exec.LookPath("crun"); err != nil || os.Getuid() != 0 {
		return nil, "crun, as root"
	}
	dir := b.TempDir()
	config := filepath.Join(dir, "config.json")
	spec := exec.Command("crun", "spec")
	spec.Dir = dir
	require.NoError(b, spec.Run())
	text, err := os.ReadFile(config)
	require.NoError(b, err)
	var oci map[string]any
	require.NoError(b, json.Unmarshal(text, &oci))
	process := oci["process"].(map[string]any)
	process["args"], process["terminal"] = []string{"/bin/echo", "hello"}, false
	oci["root"].(map[string]any)["path"] = root
	text, err = json.Marshal(oci)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(config, text, 0o644))
	script := "mount -t cgroup2 none /sys/fs/cgroup; exec crun --cgroup-manager=disabled run --bundle " + dir + " twinlayer-bench"
	return func() string { return command(b, "unshare", "-m", "sh", "-c", script) }, ""
}
