//go:build linux

package program

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/real/suite"
	"twinlayer/sim"
)

var (
	curveKept     = flag.Int("kept", 200, "how many containers BenchmarkCurve keeps")
	curveCommands = flag.Int("commands", 1500, "how many commands BenchmarkCurve runs in its session")
	curveProgram  = flag.String("program", "", "the program that BenchmarkCurve runs; without it the one under test")
)

// BenchmarkCurve is one long session in both worlds, in which containers are
// kept until there are many: what a command costs, and what twinlayer and its
// engine hold, on the way. The time is the processors', so that it does not
// matter what else the machine is at.
func BenchmarkCurve(b *testing.B) {
	suite.NeedLinux(b)
	if *curveProgram != "" {
		own := suite.Binary
		suite.Binary = *curveProgram
		defer func() { suite.Binary = own }()
	}
	for b.Loop() {
		s := begin(b)
		fmt.Printf("%9s %10s %10s %6s %8s %10s %9s %6s %8s %7s\n", "commands", "containers", "ms/command", "ratio", "elapsed", "MB of both", "MB of eng", "files", "threads", "mounts")
		first := 0.0
		for s.done < *curveCommands {
			begun, before := time.Now(), s.usage(b).time
			n := 100
			if window := *curveCommands / 15; s.done > 0 && window > n {
				n = min(window-s.done%window, *curveCommands-s.done)
			}
			for range n {
				s.next(b)
			}
			u := s.usage(b)
			each := (u.time - before).Seconds() * 1000 / float64(n)
			if first == 0 {
				first = each
			}
			fmt.Printf("%9d %10d %10.1f %6.2f %8.1f %10.1f %9.1f %6d %8d %7d\n", s.done, s.made, each, each/first,
				time.Since(begun).Seconds()*1000/float64(n), u.memory, u.engine, u.files, u.threads, u.mounts)
			b.ReportMetric(each/first, "ratio")
			b.ReportMetric(u.memory, "MB")
		}
		s.end(b)
	}
}

// longSession is a session that goes on and on.
type longSession struct {
	in      io.WriteCloser
	answers *bufio.Reader
	pids    []int // of twinlayer and its engine
	wait    func() error
	made    int // containers
	done    int // commands
}

func begin(b *testing.B) *longSession {
	cmd := suite.Program{Home: suite.HomeFor(b, nil)}.Command("--json", "--real", "embedded")
	in, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	cmd.Stderr = os.Stderr
	require.NoError(b, cmd.Start())
	s := &longSession{in: in, answers: bufio.NewReaderSize(out, 1<<20), wait: cmd.Wait}
	s.ask(b, "docker run -d --name box busybox sleep 1000000")
	s.pids = []int{cmd.Process.Pid, engineOf(b, cmd.Process.Pid)}
	return s
}

// engineOf is the process of the engine that a twinlayer has started.
func engineOf(b *testing.B, pid int) int {
	all, err := filepath.Glob("/proc/[0-9]*/status")
	require.NoError(b, err)
	for _, name := range all {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, fmt.Appendf(nil, "\nPPid:\t%d\n", pid)) {
			engine, err := strconv.Atoi(strings.Split(name, "/")[2])
			require.NoError(b, err)
			return engine
		}
	}
	b.Fatal("twinlayer has no engine")
	return 0
}

func (s *longSession) ask(b *testing.B, line string) {
	fmt.Fprintln(s.in, line)
	var answer []byte
	for !bytes.Contains(answer, []byte(`"event":"result"`)) {
		var err error
		answer, err = s.answers.ReadBytes('\n')
		require.NoError(b, err, line)
	}
	var r struct {
		Model       struct{ Exit int }
		Verdict     sim.Class
		Differences []sim.Difference
	}
	require.NoError(b, json.Unmarshal(answer, &r))
	require.Zero(b, r.Model.Exit, "%s: %s", line, answer)
	require.NotEqual(b, sim.Bug, r.Verdict, "%s: %v", line, r.Differences)
}

// next runs one more command: of five, one makes a container, which is kept as
// long as there are not enough of them.
func (s *longSession) next(b *testing.B) {
	const script = `busybox sh -c "echo changed >> /etc/motd; rm -f /etc/group"`
	one := (s.done * 7) % max(s.made, 1)
	s.done++
	switch (s.done - 1) % 5 {
	case 1:
		s.ask(b, "docker exec box touch /tmp/x")
	case 2:
		s.ask(b, fmt.Sprintf("docker diff c%d", one))
	case 3:
		s.ask(b, fmt.Sprintf("docker start -a c%d", one))
	case 4:
		s.ask(b, fmt.Sprintf("docker inspect -f '{{.State.Status}}' c%d", one))
	case 0:
		if s.made >= *curveKept {
			s.ask(b, "docker run --rm "+script)
			return
		}
		s.ask(b, fmt.Sprintf("docker run --name c%d %s", s.made, script))
		s.made++
	}
}

func (s *longSession) end(b *testing.B) {
	s.in.Close()
	require.NoError(b, s.wait())
}

// usage is what twinlayer and its engine have used and hold.
type usage struct {
	time                   time.Duration
	memory                 float64 // megabytes of both
	engine                 float64 // of the engine alone
	files, threads, mounts int     // of the engine
}

func (s *longSession) usage(b *testing.B) (u usage) {
	for _, pid := range s.pids {
		u.time += processors(b, pid)
		status := readProc(b, pid, "status")
		u.engine = number(b, status, "VmRSS:") / 1e3
		u.memory += u.engine
		u.threads = int(number(b, status, "Threads:"))
	}
	engine := s.pids[len(s.pids)-1]
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", engine))
	require.NoError(b, err)
	u.files, u.mounts = len(files), strings.Count(readProc(b, engine, "mounts"), "\n")
	return u
}

// processors is the time that a process, and its children that have ended, had
// of the processors (proc_pid_stat(5)).
func processors(b *testing.B, pid int) (sum time.Duration) {
	text := readProc(b, pid, "stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')'):])
	for _, ticks := range fields[12:16] {
		n, err := strconv.Atoi(ticks)
		require.NoError(b, err)
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}

func readProc(b *testing.B, pid int, name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	require.NoError(b, err)
	return string(text)
}

// number is what stands behind a key of /proc/PID/status.
func number(b *testing.B, status, key string) float64 {
	_, rest, _ := strings.Cut(status, key)
	n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	require.NoError(b, err)
	return n
}
