//go:build linux

package program

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/fs/testenv"
	"twinlayer/real"
	"twinlayer/real/suite"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/userland"
)

// inside is a container of the bundled busybox on the embedded engine, with
// Debian's static busybox beside it as /debian, under the names of its applets.
type inside struct {
	engine    sim.Engine
	container string
}

func newInside(t testing.TB) inside {
	t.Helper()
	suite.NeedLinux(t)
	images := bundle.New(platform.Host(), bundle.File(suite.Binary), userland.Applets())
	e, err := real.Open(real.Config{Choice: "embedded", DataDir: suite.HomeFor(t, nil), Registry: images})
	require.NoError(t, err)
	t.Cleanup(func() { e.Close() })
	_, err = e.Pull(t.Context(), "busybox")
	require.NoError(t, err)
	in := inside{e, ""}
	in.container = in.detached(t, sim.Spec{Args: []string{"sleep", "1000000"}})
	return in
}

// detached starts a container of busybox, with Debian's busybox in it.
func (in inside) detached(t testing.TB, s sim.Spec) (id string) {
	id = fmt.Sprintf("%064x", rand.Uint64())
	s.ID, s.Name, s.Created, s.Image = id, "inside-"+id[48:], time.Now(), "busybox"
	_, err := in.engine.Create(t.Context(), s)
	require.NoError(t, err)
	in.addDebian(t, id)
	_, err = in.engine.Start(t.Context(), id, true)
	require.NoError(t, err)
	return id
}

// addDebian puts Debian's busybox in.
func (in inside) addDebian(t testing.TB, id string) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Lacking(t, "busybox (busybox-static) is missing")
	}
	program, err := os.ReadFile(path)
	require.NoError(t, err)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/debian", fs.Node{Mode: fs.S_IFDIR | 0o755}))
	require.NoError(t, b.Put("/debian/busybox", fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf(program)}))
	for _, applet := range []string{"sh", "sleep", "true", "yes", "cat"} {
		require.NoError(t, b.Put("/debian/"+applet, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "busybox"}))
	}
	require.NoError(t, in.engine.CopyIn(t.Context(), id, "/", b.Tree()))
}

// exec runs a command that ends well.
func (in inside) exec(t testing.TB, args ...string) sim.Output {
	t.Helper()
	out, err := in.engine.Exec(t.Context(), in.container, sim.Process{Args: args})
	require.NoError(t, err)
	require.Zero(t, out.Exit, "%v: %s%s", args, out.Stdout, out.Stderr)
	return out
}

// signalScript sends each signal to a sleeping tool, $bin/sleep: to a child of
// a shell, and to one that inherits it as ignored. It prints the tool's exit
// status, for it is killed in the end, its state before that (proc(5)) and the
// signals that it has handlers for (33, the C library's, is Go's too).
const signalScript = `
pause() { /debian/sleep 0.02; }
begun() {
	until read name </proc/$1/comm && [ $name = sleep ]; do pause; done
}
look() {
	state=ended caught= pending=
	while read key value rest; do
		case $key in
		State:) state=$value ;;
		SigPnd: | ShdPnd:) pending=$pending${value//0/} ;;
		SigCgt:) caught=${value/00000001/00000000} ;;
		esac
	done </proc/$1/status
	case $state in
	ended | [ZX]) state=ended caught= pending= ;;
	T) pending= ;; # the Go runtime's own SIGURG may stay with a thread that is stopped
	[!S]) pending=running ;;
	esac
}
end() {
	until look $1; [ -z "$pending" ]; do pause; done
	kill -KILL $1
	wait $1
	echo "$2 $s $? $state $caught"
}
each() {
	$bin/sleep 1000000 &
	child=$!
	trap '' $s
	$bin/sleep 1000000 &
	ignoring=$!
	trap - $s
	begun $child
	begun $ignoring
	kill -$s $child $ignoring
	end $child child
	end $ignoring ignoring
}
for s in $signals; do
	each 2>/dev/null &
done
wait`

// Each signal does to a bundled tool what it does to Debian's.
func TestSignals(t *testing.T) {
	in := newInside(t)
	var signals []string
	for s := 1; s <= 64; s++ {
		if s != 32 && s != 33 { // the C library's, where the program has one
			signals = append(signals, fmt.Sprint(s))
		}
	}
	outcome := func(bin string) []string {
		out := in.exec(t, "/debian/sh", "-c", fmt.Sprintf("bin=%s signals=%q\n%s", bin, strings.Join(signals, " "), signalScript))
		lines := strings.Split(strings.TrimSpace(out.Stdout), "\n")
		slices.Sort(lines)
		require.Len(t, lines, 2*len(signals))
		return lines
	}
	require.Equal(t, outcome("/debian"), outcome("/bin"))
}

// The first process of a container gets no signal that it does not ask for,
// but KILL and STOP from outside.
func TestSignalsFirstProcess(t *testing.T) {
	in := newInside(t)
	for _, bin := range []string{"/debian", "/bin"} {
		for _, tool := range [][]string{{"sleep", "1000000"}, {"cat", "/fifo"}, {"sh", "-c", "/debian/sleep 1000000; exit 1"}} {
			t.Run(bin+"/"+tool[0], func(t *testing.T) {
				t.Parallel()
				args := append([]string{bin + "/" + tool[0]}, tool[1:]...)
				if tool[0] == "cat" {
					args = []string{bin + "/sh", "-c", "/debian/busybox mkfifo /fifo; exec " + bin + "/cat /fifo"}
				}
				in := inside{in.engine, in.detached(t, sim.Spec{Args: args, StopSignal: "QUIT"})}
				in.exec(t, "/debian/sh", "-c", "until read name </proc/1/comm && [ $name = "+tool[0]+" ]; do /debian/sleep 0.02; done; for s in $(/debian/busybox seq 31) 34 35 64; do kill -$s 1 || exit; done")
				for s := 1; s <= 64; s++ {
					if s != 9 && s != 19 && s != 32 && s != 33 {
						require.NoError(t, in.engine.Kill(t.Context(), in.container, fmt.Sprint(s)))
					}
				}
				require.NoError(t, in.engine.Stop(t.Context(), in.container, time.Second))
				exit, err := in.engine.Wait(t.Context(), in.container)
				require.NoError(t, err)
				require.Equal(t, 137, exit)
			})
		}
	}
}

// A write to a pipe that nobody reads ends a tool by SIGPIPE, as it does
// Debian's, and not a shell for one of its own pipes.
func TestBrokenPipe(t *testing.T) {
	in := newInside(t)
	for name, script := range map[string]string{
		"tool":       "($bin/yes; echo $? >&2) | $bin/true",
		"shell":      "($bin/sh -c 'while :; do echo y; done'; echo $? >&2) | $bin/true",
		"own pipes":  "$bin/sh -c 'while :; do echo y; done | $bin/true; echo $?; echo y | $bin/true; $bin/sleep 0.1; echo on'",
		"from shell": "$bin/sh -c '($bin/yes; echo $? >&2) | $bin/true'",
	} {
		t.Run(name, func(t *testing.T) {
			outcome := func(bin string) sim.Output {
				return in.exec(t, "/debian/sh", "-c", "export bin="+bin+"; "+script)
			}
			require.Equal(t, outcome("/debian"), outcome("/bin"))
		})
	}
}

// BenchmarkInside is a command inside a container, ours beside Debian's static
// busybox: through the engine, and from a shell's loop there.
func BenchmarkInside(b *testing.B) {
	in := newInside(b)
	const turns = 20
	for _, kind := range []struct {
		name  string
		turns float64
		args  func(bin string) []string
	}{
		{"exec", 1, func(bin string) []string { return []string{bin + "true"} }},
		{"loop", turns, func(bin string) []string {
			return []string{bin + "sh", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do %strue; i=$((i+1)); done", turns, bin)}
		}},
	} {
		b.Run(kind.name, func(b *testing.B) {
			took := map[string][]float64{}
			for b.Loop() {
				for _, bin := range []string{"/bin/", "/debian/"} {
					begin := time.Now()
					in.exec(b, kind.args(bin)...)
					took[bin] = append(took[bin], float64(time.Since(begin).Microseconds())/1000/kind.turns)
				}
			}
			ours, theirs := median(took["/bin/"]), median(took["/debian/"])
			b.ReportMetric(ours, "twinlayer-ms")
			b.ReportMetric(theirs, "debian-ms")
			b.ReportMetric(ours/theirs, "of-debian")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
