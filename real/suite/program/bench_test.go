//go:build linux

package program

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim/bundle"
)

// BenchmarkHello is docker run hello-world in both worlds, at a prompt that is
// there and as a whole process, beside crun run of the same program.
func BenchmarkHello(b *testing.B) {
	suite.NeedLinux(b)
	b.Run("prompt", benchPrompt)
	b.Run("process", func(b *testing.B) {
		p := suite.Program{Home: suite.HomeFor(b, nil)}
		p.Results(b, "docker pull hello-world\n")
		for b.Loop() {
			p.Run(b, "docker run --rm hello-world\n", "--json")
		}
	})
	b.Run("crun", benchCrun)
}

func benchPrompt(b *testing.B) {
	p := suite.Program{Home: suite.HomeFor(b, nil)}
	cmd := p.Command("--json")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	answers := bufio.NewReader(out)
	ask := func(line string) {
		fmt.Fprintln(in, line)
		for done := false; !done; {
			text, err := answers.ReadString('\n')
			require.NoError(b, err)
			done = strings.Contains(text, `"event":"result"`)
		}
	}
	ask("docker pull hello-world")
	for b.Loop() {
		ask("docker run --rm hello-world")
	}
	in.Close()
	require.NoError(b, cmd.Wait())
}

// benchCrun runs the bundled hello program in a bundle of its own.
func benchCrun(b *testing.B) {
	if _, err := exec.LookPath("crun"); err != nil {
		testenv.Lacking(b, "crun is not installed: there is nothing to compare with")
	}
	if os.Getuid() != 0 {
		b.Skip("crun's bundle here is root's")
	}
	dir := b.TempDir()
	require.NoError(b, os.MkdirAll(filepath.Join(dir, "rootfs"), 0o755))
	require.NoError(b, os.WriteFile(filepath.Join(dir, "rootfs", "hello"), bundle.Hello(runtime.GOARCH), 0o755))
	writeSpec(b, dir)
	withoutHybrid(b)
	for i := 0; b.Loop(); i++ {
		out, err := exec.Command("crun", "run", "--bundle", dir, fmt.Sprintf("twinlayer-bench-%d-%d", os.Getpid(), i)).CombinedOutput()
		require.NoError(b, err, string(out))
	}
}

// withoutHybrid hides cgroup v2 from this thread and its children where v1 is
// there too, because crun refuses such a machine. The thread ends with the
// benchmark.
func withoutHybrid(b *testing.B) {
	const unified = "/sys/fs/cgroup/unified"
	if _, err := os.Stat(unified); err != nil {
		return
	}
	runtime.LockOSThread()
	require.NoError(b, unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS))
	require.NoError(b, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	require.NoError(b, unix.Unmount(unified, 0))
}

// writeSpec is crun's own default, but for the program and the terminal.
func writeSpec(b *testing.B, dir string) {
	spec := exec.Command("crun", "spec")
	spec.Dir = dir
	require.NoError(b, spec.Run())
	name := filepath.Join(dir, "config.json")
	text, err := os.ReadFile(name)
	require.NoError(b, err)
	var config map[string]any
	require.NoError(b, json.Unmarshal(text, &config))
	process := config["process"].(map[string]any)
	process["args"], process["terminal"] = []string{"/hello"}, false
	text, err = json.Marshal(config)
	require.NoError(b, err)
	require.NoError(b, os.WriteFile(name, text, 0o644))
}

// BenchmarkPull is docker run of true in both worlds from nothing, with the
// pull of each bundled image that has it: a distribution beside busybox.
func BenchmarkPull(b *testing.B) {
	suite.NeedLinux(b)
	for _, image := range []string{"busybox", "debian", "centos"} {
		b.Run(image, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p := suite.Program{Home: suite.HomeFor(b, nil)}
				b.StartTimer()
				all := p.Results(b, "docker run --rm "+image+" true\n")
				require.Len(b, all, 1)
			}
		})
	}
}

// BenchmarkPrompt is the time from the start of the program to its prompt.
func BenchmarkPrompt(b *testing.B) {
	suite.NeedLinux(b)
	p := suite.Program{Home: suite.HomeFor(b, nil)}
	for b.Loop() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		cmd := p.Command()
		cmd.SysProcAttr = nil
		cmd.Env = append(cmd.Env, "TERM=xterm")
		terminal, err := pty.Start(cmd)
		require.NoError(b, err)
		waitFor(b, ctx, terminal, "twinlayer> ")
		cancel()
		terminal.Close()
		cmd.Wait()
	}
}

// waitFor reads until text appeared.
func waitFor(t testing.TB, ctx context.Context, f *os.File, text string) string {
	t.Helper()
	if deadline, ok := ctx.Deadline(); ok {
		f.SetReadDeadline(deadline)
	}
	var seen []byte
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		seen = append(seen, buf[:n]...)
		if bytes.Contains(seen, []byte(text)) {
			return string(seen)
		}
		require.NoError(t, err, "waiting for %q, saw %q", text, seen)
	}
}
