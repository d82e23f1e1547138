//go:build linux

package embedded_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// BenchmarkRunHello creates, runs and removes a container, beside crun doing
// the same with an unpacked bundle.
func BenchmarkRunHello(b *testing.B) {
	e := engine(b)
	b.Run("twinlayer", func(b *testing.B) {
		for b.Loop() {
			s := spec("echo", "hello")
			out, err := run(b, e, s)
			if err != nil || out.Stdout != "hello\n" {
				b.Fatal(out, err)
			}
			if err := e.RemoveContainer(b.Context(), s.ID, sim.Removing{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("crun", func(b *testing.B) {
		bundle := crunBundle(b)
		onlyCgroup2(b)
		for b.Loop() {
			cmd := exec.Command("crun", "--cgroup-manager=disabled", "run", "--bundle", bundle, "twinlayer-bench")
			if out, err := cmd.Output(); err != nil || string(out) != "hello\n" {
				b.Fatal(string(out), err)
			}
		}
	})
}

// onlyCgroup2 shows the calling goroutine, and what it starts, a machine with
// cgroup v2 alone; crun does not run where there are both.
func onlyCgroup2(b *testing.B) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine
	err := errors.Join(
		unix.Unshare(unix.CLONE_NEWNS),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("none", "/sys/fs/cgroup", "cgroup2", 0, ""))
	if err != nil {
		lacking(b, "root's power, which crun is compared with")
	}
}

// crunBundle is busybox as an OCI bundle with crun's own default settings.
func crunBundle(b *testing.B) string {
	if _, err := exec.LookPath("crun"); err != nil {
		lacking(b, "crun")
	}
	dir := b.TempDir()
	bin := filepath.Join(dir, "rootfs", "bin")
	require.NoError(b, os.MkdirAll(bin, 0o755))
	busybox, err := exec.LookPath("busybox")
	require.NoError(b, err)
	require.NoError(b, exec.Command("cp", busybox, filepath.Join(bin, "echo")).Run())
	spec := exec.Command("crun", "spec")
	spec.Dir = dir
	require.NoError(b, spec.Run())
	config := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(config)
	require.NoError(b, err)
	var oci map[string]any
	require.NoError(b, json.Unmarshal(text, &oci))
	process := oci["process"].(map[string]any)
	process["args"], process["terminal"] = []string{"/bin/echo", "hello"}, false
	text, err = json.Marshal(oci)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(config, text, 0o644))
	return dir
}

// BenchmarkStartEngine starts and closes an engine on an existing store.
func BenchmarkStartEngine(b *testing.B) {
	dir := scratch(b)
	for b.Loop() {
		e, err := embedded.Start(embedded.Config{DataDir: dir})
		require.NoError(b, err)
		require.NoError(b, e.Close())
	}
}

// BenchmarkLine hands a waiting shell one builtin command.
func BenchmarkLine(b *testing.B) {
	e := engine(b)
	s := interactive(b, e)
	for b.Loop() {
		if out := line(b, e, s.ID, "true"); out.Shell == "" {
			b.Fatal(out)
		}
	}
}

// BenchmarkExec runs one more program in a container.
func BenchmarkExec(b *testing.B) {
	e := engine(b)
	s := interactive(b, e)
	for b.Loop() {
		if _, err := e.Exec(b.Context(), s.ID, process("true")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPull pulls busybox (2 MB) into an empty store.
func BenchmarkPull(b *testing.B) {
	busybox(b)
	for b.Loop() {
		b.StopTimer()
		dir := scratch(b)
		e, err := embedded.Start(embedded.Config{DataDir: dir, Registry: host})
		require.NoError(b, err)
		b.StartTimer()
		_, err = e.Pull(b.Context(), "busybox")
		b.StopTimer()
		require.NoError(b, err)
		e.Close()
		os.RemoveAll(dir)
		b.StartTimer()
	}
}

// BenchmarkChanges compares a container with 1000 new files.
func BenchmarkChanges(b *testing.B) {
	e := engine(b)
	s := spec("sh", "-c", "i=0; while [ $i -lt 1000 ]; do : > /tmp/$i; i=$((i+1)); done")
	_, err := run(b, e, s)
	require.NoError(b, err)
	for b.Loop() {
		changes, err := e.Changes(b.Context(), s.ID)
		if err != nil || len(changes) != 1001 {
			b.Fatal(len(changes), err)
		}
	}
}
