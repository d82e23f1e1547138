package model_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/session"
	"twinlayer/sim/simtest"
)

var (
	curveKept     = flag.Int("kept", 1000, "how many containers BenchmarkCurve keeps")
	curveCommands = flag.Int("commands", 20000, "how many commands BenchmarkCurve runs")
)

// BenchmarkCurve is one long session of the model, in which containers are
// kept until there are many: what a command costs, and the memory, on the way.
func BenchmarkCurve(b *testing.B) {
	for b.Loop() {
		s := startLong(b, *curveKept)
		first := 0.0
		fmt.Printf("%9s %10s %10s %6s %10s\n", "commands", "containers", "ms/command", "ratio", "heap in MB")
		for s.done < *curveCommands {
			n := 100
			if window := *curveCommands / 20; s.done > 0 && window > n {
				n = window - s.done%window
			}
			begun := processorTime(b)
			s.run(b, n)
			each := (processorTime(b) - begun).Seconds() * 1000 / float64(n)
			if first == 0 {
				first = each
			}
			fmt.Printf("%9d %10d %10.2f %6.2f %10.1f\n", s.done, s.made, each, each/first, heap())
			b.ReportMetric(each/first, "ratio")
			b.ReportMetric(heap(), "MB")
		}
		runtime.KeepAlive(s)
	}
}

// TestFlatCost: with many containers kept, and after many commands, a command
// takes no more memory than at first, and little stays of it.
func TestFlatCost(t *testing.T) {
	s := startLong(t, 300)
	s.run(t, 100)
	few := allocated(func() { s.run(t, 100) })
	s.run(t, 1300)
	require.Equal(t, 300, s.made)
	many := allocated(func() { s.run(t, 100) })
	require.Less(t, many/few, 1.5)
	require.Less(t, heap(), 100.0)
	for range sim.StepsKept - 1 {
		_, ok := s.timeline.Back()
		require.True(t, ok)
	}
	runtime.KeepAlive(s)
}

// TestFlatCostOfImages: many images cost a command that has nothing to do with
// them little.
func TestFlatCostOfImages(t *testing.T) {
	s := startLong(t, 10)
	s.run(t, 100)
	few := allocated(func() { s.run(t, 100) })
	for i := range 100 {
		s.do(t, fmt.Sprintf("docker commit box i%d:1", i))
	}
	many := allocated(func() { s.run(t, 100) })
	require.Less(t, many/few, 2.0)
	all, err := s.session.Model.Images(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.session.Model.State().Images(), all)
}

// allocated is how many bytes of memory do asks for.
func allocated(do func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc - before.TotalAlloc)
}

// heap is what is in use, in megabytes.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// long is a session that goes on and on, with the steps as a prompt keeps
// them.
type long struct {
	session  *session.Session
	timeline sim.Timeline
	kept     int
	made     int // containers
	done     int // commands
}

func startLong(t testing.TB, kept int) *long {
	l := &long{session: simtest.Session(t, model.Config{}), kept: kept}
	chance := rand.NewChaCha8([32]byte{})
	l.session.Rand = func(b []byte) { chance.Read(b) }
	l.do(t, "docker run -d --name box busybox sleep 1000000")
	return l
}

func (l *long) do(t testing.TB, line string) {
	r, err := l.session.Run(context.Background(), line, func(string) string { return "" })
	require.NoError(t, err)
	require.Zero(t, r.Model.Exit, "%s: %s", line, r.Model.Stderr)
	l.timeline.Add(r.Cmd, r.Steps, false)
}

// run runs the next n commands: of five, one makes a container, which is kept
// as long as there are not enough of them.
func (l *long) run(t testing.TB, n int) {
	for range n {
		l.do(t, l.next())
		l.done++
	}
}

func (l *long) next() string {
	one := (l.done * 7) % max(l.made, 1)
	switch l.done % 5 {
	case 1:
		return "docker exec box touch /tmp/x"
	case 2:
		return fmt.Sprintf("docker diff c%d", one)
	case 3:
		return fmt.Sprintf("docker start c%d", one)
	case 4:
		return fmt.Sprintf("docker inspect -f '{{.State.Status}}' c%d", one)
	}
	const script = `busybox sh -c "echo changed >> /etc/motd; rm -f /etc/group"`
	if l.made >= l.kept {
		return "docker run --rm " + script
	}
	l.made++
	return fmt.Sprintf("docker run --name c%d %s", l.made-1, script)
}
