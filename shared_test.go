//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

var (
	sharedLines = flag.Int("sharedlines", 60, "how many random lines each of the sessions that share a data directory runs")
	sharedSeed  = flag.Uint64("sharedseed", 1, "the seed of them")
)

// conversation is a session that is given one line at a time.
type conversation struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errs    strings.Builder
	notices int
}

// converse starts a session with --json.
func (p program) converse(t testing.TB, args ...string) *conversation {
	t.Helper()
	c := &conversation{cmd: p.command(append([]string{"--json"}, args...)...)}
	c.cmd.Stderr = &c.errs
	var err error
	c.in, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewReader(out)
	require.NoError(t, c.cmd.Start())
	t.Cleanup(func() { c.cmd.Process.Kill(); c.cmd.Wait() })
	return c
}

func (c *conversation) say(t testing.TB, line string) {
	t.Helper()
	_, err := io.WriteString(c.in, line+"\n")
	require.NoError(t, err, &c.errs)
}

// answer is what came of the line that was said last; no verdict is bug.
func (c *conversation) answer(t testing.TB) (r sim.Result) {
	t.Helper()
	hangs := time.AfterFunc(4*time.Minute, func() { c.cmd.Process.Kill() })
	defer hangs.Stop()
	text, err := c.out.ReadString('\n')
	require.NoError(t, err, &c.errs)
	require.NoError(t, json.Unmarshal([]byte(text), &r), text)
	require.NotNil(t, r.Real, text)
	for _, d := range r.Differences {
		require.NotEqual(t, sim.Bug, d.Class, "%s: %s\nmodel: %s\nreal:  %s\nnotice: %s", r.Cmd, d.What, d.Model, d.Real, r.Notice)
	}
	if r.Notice != "" {
		c.notices++
	}
	return r
}

func (c *conversation) do(t testing.TB, line string) sim.Result {
	t.Helper()
	c.say(t, line)
	return c.answer(t)
}

func (c *conversation) end(t testing.TB) {
	t.Helper()
	c.in.Close()
	require.NoError(t, c.cmd.Wait(), &c.errs)
}

// TestRandomSessionsShare runs sessions of random commands on one data
// directory, now one of them alone and now several at the same time: no
// verdict is bug, and each hears of the others.
func TestRandomSessionsShare(t *testing.T) {
	needLinux(t)
	for _, n := range []int{2, 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := program{home: t.TempDir()}
			r := rand.New(rand.NewPCG(*sharedSeed, uint64(n)))
			all := make([]*conversation, n)
			left := make([][]string, n)
			for i := range all {
				all[i] = p.converse(t, "--real", "embedded")
				left[i] = strings.Split(strings.TrimSuffix(sharedSession(*sharedSeed*100+uint64(i), *sharedLines), "\n"), "\n")
			}
			for turn := 0; turn < n**sharedLines*2; turn++ {
				var asked []*conversation
				for i := range all {
					if len(left[i]) > 0 && (i == turn%n && r.IntN(4) > 0 || r.IntN(2*n) == 0) {
						all[i].say(t, left[i][0])
						left[i], asked = left[i][1:], append(asked, all[i])
					}
				}
				for _, c := range asked {
					c.answer(t)
				}
			}
			for _, c := range all {
				require.NotZero(t, c.notices)
				c.end(t)
			}
			p.requireNothingLeft(t)
		})
	}
}

// sharedSession is a session of random lines that are often about what
// sessions share.
func sharedSession(seed uint64, n int) string {
	g := &gen{Rand: rand.New(rand.NewPCG(seed, 1))}
	g.say("docker pull busybox\ndocker pull debian")
	g.say(fmt.Sprintf(`docker run --name one busybox sh -c "echo %d > /etc/x"`, seed))
	g.say("docker commit one my")
	for i := range n {
		switch {
		case i%20 == 19:
			g.shell(i)
		case g.IntN(3) == 0:
			g.say("docker " + g.docker())
		default:
			g.say("docker " + g.of(g.one("commit one my", "commit %C my:2", "commit %C", "tag my my:%N", "tag my:%N my", "tag %I x/y:1", "rmi my", "rmi -f my", "rmi my:%N", "rmi -f my:%N", "rmi x/y:1",
				"run --name %C my:%N S", "run -d --name %C my sleep 1000", "rm -f %C", "rm -f %C", "run --rm -v v1:/data my S", "run --rm -v v1:/data busybox ls /data", "run --rm -v v1:/data busybox sh -c 'echo %N >> /data/f%N'",
				"run --rm -v v2:/data:ro busybox ls -R /data", "run -d --name %C -v v2:/data busybox sleep 1000", "exec %C sh -c 'ls /data; echo %N > /data/g'", "cp /etc/hostname %C:/data/h%N", "volume create v%N", "volume rm v%N", "volume rm v1",
				"volume prune -af", "volume ls", "images -a", "image prune -f", "image prune -af", "system prune -f", "save my -o mine.tar", "load -i mine.tar", "export one -o e.tar", "import e.tar im:%N", "history my", "build .")))
		}
	}
	return g.line.String()
}
