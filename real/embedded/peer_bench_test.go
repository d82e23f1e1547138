//go:build linux

package embedded_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// BenchmarkRun creates, runs and removes a container.
func BenchmarkRun(b *testing.B) {
	e, base, dir := engine(b), unpacked(b), b.TempDir()
	program, noFloor := floor(b)
	podman, noPodman := podmanBusybox(b)
	run, noCrun := crun(b, base)
	hello := func(printed string) { require.Equal(b, "hello", strings.TrimSpace(printed)) }
	beside(b,
		peer{name: "twinlayer", work: func(int) { hello(runOnce(b, e, spec("echo", "hello"))) }},
		peer{name: "floor", missing: noFloor, work: func(int) {
			hello(command(b, program, "run", base, filepath.Join(dir, "c"), "/bin/echo", "hello"))
		}},
		peer{name: "crun", missing: noCrun, work: func(int) { hello(run()) }},
		peer{name: "docker", missing: dockerBusybox(b), work: func(int) {
			hello(command(b, "docker", "run", "--rm", "--network=none", "twinlayer-bench", "echo", "hello"))
		}},
		peer{name: "podman", missing: noPodman, work: func(int) {
			hello(podman(append(append([]string{"run", "--rm"}, unlimited...), "twinlayer-bench", "echo", "hello")...))
		}})
}

// runOnce is a container's whole life; it returns what it printed.
func runOnce(b *testing.B, e sim.Engine, s sim.Spec) string {
	out, err := run(b, e, s)
	require.NoError(b, err)
	require.NoError(b, e.RemoveContainer(b.Context(), s.ID, sim.RemoveOptions{}))
	return out.Stdout
}

// commitWork is what a container writes before it is committed, each time
// something else.
var commitWork = map[string]string{
	"1_file":     "echo $0 > /x",
	"1000_files": "i=0; while [ $i -lt 1000 ]; do echo $0 $i > /tmp/$i; i=$((i+1)); done",
	"500_MB":     "dd if=/dev/urandom of=/big bs=1M count=500",
}

// BenchmarkCommit commits what a container wrote.
func BenchmarkCommit(b *testing.B) {
	for name, script := range commitWork {
		b.Run(name, func(b *testing.B) { benchCommit(b, script) })
	}
}

func benchCommit(b *testing.B, script string) {
	beside(b, ourCommit(b, script), floorCommit(b, script), dockerCommit(b, script), podmanCommit(b, script))
}

func ourCommit(b *testing.B, script string) peer {
	e := engine(b)
	var s sim.Spec
	return peer{name: "twinlayer", ready: func(n int) {
		if n > 0 {
			require.NoError(b, e.RemoveContainer(b.Context(), s.ID, sim.RemoveOptions{}))
		}
		s = spec("sh", "-c", script, fmt.Sprint(n))
		_, err := run(b, e, s)
		require.NoError(b, err)
	}, work: func(int) {
		_, err := e.Commit(b.Context(), commit(b, e, s.ID, "bench"))
		require.NoError(b, err)
	}}
}

func floorCommit(b *testing.B, script string) peer {
	program, missing := floor(b)
	base, dir := unpacked(b), b.TempDir()
	store, container := filepath.Join(dir, "store"), filepath.Join(dir, "container")
	require.NoError(b, os.Mkdir(store, 0o755))
	return peer{name: "floor", missing: missing, ready: func(n int) {
		require.NoError(b, os.RemoveAll(container))
		command(b, program, "change", base, container, "/bin/sh", "-c", script, fmt.Sprint(n))
	}, work: func(int) { command(b, program, "commit", filepath.Join(container, "upper"), store) }}
}

func dockerCommit(b *testing.B, script string) peer {
	missing := dockerBusybox(b)
	return peer{name: "docker", missing: missing, ready: func(n int) {
		dockerChange(b, script, fmt.Sprint(n))
	}, work: func(int) { command(b, "docker", "commit", "twinlayer-bench", "twinlayer-bench:commit") }}
}

// dockerChange runs a script in docker's one container.
func dockerChange(b testing.TB, script, arg string) {
	exec.Command("docker", "rm", "-f", "twinlayer-bench").Run()
	command(b, "docker", "run", "--name", "twinlayer-bench", "--network=none", "twinlayer-bench", "sh", "-c", script, arg)
	b.Cleanup(func() { exec.Command("docker", "rm", "-f", "twinlayer-bench").Run() })
}

func podmanCommit(b *testing.B, script string) peer {
	podman, missing := podmanBusybox(b)
	return peer{name: "podman", missing: missing, ready: func(n int) {
		podman.change(script, fmt.Sprint(n))
	}, work: func(int) { podman("commit", "-q", "twinlayer-bench", "twinlayer-bench:commit") }}
}

// change runs a script in podman's one container.
func (p podman) change(script, arg string) {
	p("rm", "--all", "--force")
	p(append(append([]string{"run", "--name", "twinlayer-bench"}, unlimited...), "twinlayer-bench", "sh", "-c", script, arg)...)
}

// BenchmarkDiff compares a container with 1000 new files with its image.
func BenchmarkDiff(b *testing.B) {
	script, container := commitWork["1000_files"], filepath.Join(b.TempDir(), "container")
	e, s := engine(b), spec("sh", "-c", script, "x")
	_, err := run(b, e, s)
	require.NoError(b, err)
	base := unpacked(b)
	program, noFloor := floor(b)
	if noFloor == "" {
		command(b, program, "change", base, container, "/bin/sh", "-c", script, "x")
	}
	noDocker := dockerBusybox(b)
	if noDocker == "" {
		dockerChange(b, script, "x")
	}
	podman, noPodman := podmanBusybox(b)
	if noPodman == "" {
		podman.change(script, "x")
	}
	beside(b,
		peer{name: "twinlayer", work: func(int) {
			changes, err := e.Changes(b.Context(), s.ID)
			require.NoError(b, err)
			require.Len(b, changes, 1001)
		}},
		peer{name: "floor", missing: noFloor, work: func(int) {
			require.Len(b, strings.Split(command(b, program, "diff", base, filepath.Join(container, "upper")), "\n"), 1001)
		}},
		peer{name: "docker", missing: noDocker, work: func(int) { command(b, "docker", "diff", "twinlayer-bench") }},
		peer{name: "podman", missing: noPodman, work: func(int) { podman("diff", "twinlayer-bench") }})
}

// BenchmarkPullDebian pulls and unpacks a Debian from a registry on the
// loopback. Each goes into a new directory: unpacking where something was just
// removed is slower on ext4.
func BenchmarkPullDebian(b *testing.B) {
	push(b, "debian:bench", v1.Config{}, debian(b))
	program, noFloor := floor(b)
	dir, ref := scratch(b), host+"/debian:bench"
	require.NoError(b, os.Mkdir(dir, 0o755))
	var e *embedded.Engine
	noDocker := dockerBusybox(b)
	b.Cleanup(func() { exec.Command("docker", "rmi", ref).Run() }) // the next run has it pulled again
	podman, noPodman := podmanBusybox(b)
	beside(b,
		peer{name: "twinlayer", ready: func(int) {
			e = start(b, embedded.Config{DataDir: scratch(b)})
		}, work: func(int) {
			_, err := e.Pull(b.Context(), ref)
			require.NoError(b, err)
		}},
		peer{name: "floor", missing: noFloor, work: func(n int) {
			command(b, program, "pull", host, "debian", "bench", filepath.Join(dir, fmt.Sprint(n)))
		}},
		peer{name: "docker", missing: noDocker, ready: func(int) {
			exec.Command("docker", "rmi", ref).Run()
		}, work: func(int) { command(b, "docker", "pull", ref) }},
		peer{name: "podman", missing: noPodman, ready: func(int) {
			podman("rmi", "--all", "--force")
		}, work: func(int) { podman("pull", "-q", "--tls-verify=false", ref) }})
}
