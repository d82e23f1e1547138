//go:build linux

package conform

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

var (
	sharedLines = flag.Int("sharedlines", 0, "how many random lines each of the sessions that share a data directory runs; 0: 30, or 60 with -full")
	sharedSeed  = flag.Uint64("sharedseed", 1, "the seed of them")
	sharedOn    = flag.String("sharedengine", "embedded", "the real engine that they run on")
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
func converse(p suite.Program, t testing.TB, args ...string) *conversation {
	t.Helper()
	c := &conversation{cmd: p.Command(append([]string{"--json"}, args...)...)}
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
	for ok := false; !ok; {
		text, err := c.out.ReadBytes('\n')
		require.NoError(t, err, &c.errs)
		e, err := suite.EventIn(text)
		require.NoError(t, err)
		r, ok, err = e.Result()
		require.NoError(t, err, string(text))
	}
	require.NotNil(t, r.Real, r.Cmd)
	for _, d := range r.Differences {
		require.NotEqual(t, sim.Bug, d.Class, "%s: %s\nmodel: %s\nreal:  %s\nnotice: %s", r.Cmd, d.What, d.Model, d.Real, say.Text(r.Notice))
	}
	if !r.Notice.Empty() {
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

// TestSessionsShare: what one of two sessions on a data directory does to images and volumes, the
// other takes over before its next line and says so once; what it stands on
// is refused as docker refuses it.
func TestSessionsShare(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		a, b := converse(p, t, "--real", "embedded"), converse(p, t, "--real", "embedded")
		for _, c := range []struct {
			who                  *conversation
			line, notice, prints string // of the real world
		}{
			{a, "docker pull -q busybox", "", "busybox"},
			{b, "docker pull -q busybox", "", "busybox"}, // bundled: each has its own
			{a, "docker run --name one busybox touch /one", "", ""},
			{a, "docker commit -m x one my", "", "sha256:"},
			{b, "docker images --format {{.Repository}}", "image my:latest is new.", "my\nbusybox\n"},
			{b, "docker images --format {{.Repository}}", "", "my\nbusybox\n"},
			{b, "docker run --name two my ls /one", "", "/one\n"},
			{b, "docker tag my your", "", ""},
			{a, "docker images -q your", "image your:latest is new.", ""},
			{a, "docker rmi my", "", "Untagged: my:latest\n"},
			{a, "docker rmi your", "", "of another twinlayer is using its referenced image"},
			{b, "docker start two", "image my:latest is gone.", "two\n"},
			{b, "docker commit two two", "", "sha256:"},
			{a, "docker run --rm two ls /one", "image two:latest is new.", "/one\n"},
			{a, "docker rmi your", "", "conflict: unable to remove repository reference"},
			{a, "docker rmi -f your", "", "Untagged: your:latest\n"},
			{b, "docker start -a two", "image your:latest is gone.", "/one\n"},
			{b, "docker commit two three", "", "sha256:"},
			{b, "docker rm two", "", "two\n"},
			{b, "docker run -d --name on two sleep 1000", "", ""},
			{a, "docker rmi two", "image three:latest is new", "of another twinlayer"},
			{a, "docker rmi -f two", "", "Untagged: two:latest\n"},
			{b, "docker exec on ls /one", "image two:latest is gone.", "/one\n"},
			{b, "docker ps --format {{.Names}}", "", "on\n"},
			{b, "docker rm -f on", "", "on\n"},
			{a, "docker rmi three", "", "Untagged: three:latest\n"},
			{a, "docker image prune -f", "", ""},
			{b, "docker images --format {{.Repository}}", "three:latest are gone.", "busybox\n"},

			{a, "docker volume create data", "", "data"},
			{b, "docker run --name has -v data:/data busybox sh -c 'echo 1 > /data/f'", "volume data is new.", ""},
			{a, "docker volume rm data", "", "volume is in use - ["},
			{a, "docker volume prune -af", "", "Total reclaimed space"},
			{a, "docker run --rm -v data:/data:ro busybox cat /data/f", "", "1\n"},
			{a, "docker run --rm -v data:/data busybox sh -c 'echo 2 > /data/f'", "", ""},
			{b, "docker start -a has", "", ""},
			{b, "docker run -it --name shell -v data:/data busybox", "", ""},
			{b, "cat /data/f", "", "1\n"},
			{a, "docker run --rm -v data:/data busybox sh -c 'echo 3 > /data/g'", "", ""},
			{b, "cat /data/g", "", "3\n"},
			{b, "exit", "", ""},
			{b, "docker rm has shell", "", "has\nshell\n"},
			{a, "docker volume rm data", "", "data\n"},
			{b, "docker volume ls -q", "volume data is gone.", ""},
			{b, "docker tag busybox localhost:5000/box", "", ""},
			{b, "docker push -q localhost:5000/box", "", "localhost:5000/box"},
			{a, "docker pull -q localhost:5000/box", "", "localhost:5000/box"},
			{a, "docker run --name new busybox touch /new", "", ""},
			{a, "docker commit new localhost:5000/box", "", "sha256:"},
			{a, "docker push -q localhost:5000/box", "", "localhost:5000/box"},
			{b, "docker pull -q localhost:5000/box", " is new.", "localhost:5000/box"},
			{b, "docker run --rm localhost:5000/box ls /new", "", "/new\n"},
		} {
			r := c.who.do(t, c.line)
			if c.notice == "" {
				require.Empty(t, r.Notice, c.line)
			}
			require.Contains(t, say.Text(r.Notice), c.notice, c.line)
			require.Contains(t, r.Real.Stdout+r.Real.Stderr, c.prints, c.line)
		}
		a.end(t)
		b.end(t)
		p.RequireNothingLeft(t)
	})
}

// TestSessionsShareKilled: a session that is killed in the middle of what it
// does to images and volumes leaves the other one whole.
func TestSessionsShareKilled(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		a := converse(p, t, "--real", "embedded")
		a.do(t, "docker run --name one busybox touch /one")
		a.do(t, "docker commit one my")
		for i := range testenv.Count(0, 2, 8) {
			b := converse(p, t, "--real", "embedded")
			b.do(t, "docker run -d --name two -v data:/data my sh -c 'while :; do echo x >> /data/f; done'")
			b.say(t, fmt.Sprintf("docker commit two my:%d\ndocker tag my my:t\ndocker volume create v%d\ndocker rmi -f my\ndocker commit two my", i, i))
			time.Sleep(time.Duration(i*i*4) * time.Millisecond)
			require.NoError(t, b.cmd.Process.Kill())
			for _, line := range []string{"docker images", "docker run --rm -v data:/data busybox sh -c 'test -s /data/f || ls /data'", "docker volume ls", "docker commit one my", "docker rmi my:t", "docker volume rm data", "docker images"} {
				a.do(t, line)
			}
			b.cmd.Wait()
			a.do(t, "docker volume rm -f data")
			require.NotContains(t, a.do(t, "docker volume ls").Real.Stdout, "data", "the dead use nothing")
		}
		a.end(t)
		p.RequireNothingLeft(t)
	})
}

// TestSessionsApart: two sessions on one Docker, or one Podman, see nothing of
// each other, whatever images both have.
func TestSessionsApart(t *testing.T) {
	suite.NeedLinux(t)
	for _, c := range suite.Contestants(t) {
		if !c.Daemon() {
			continue
		}
		c.Run(t, func(t *testing.T, p suite.Program) {
			require.NoError(t, os.WriteFile(filepath.Join(p.Home, "Dockerfile"), []byte("FROM busybox\nRUN touch -d @0 /same\nLABEL same=yes\n"), 0o644))
			all := []*conversation{converse(p, t, "--real", c.Real), converse(p, t, "--real", c.Real)}
			for _, line := range []string{
				"docker build -q --timestamp 0 -t same .", "docker images -a", "docker run --name one -v data:/data same sh -c 'echo 1 > /data/f'",
				"docker commit one my", "docker tag same too", "docker rmi same", "docker rmi -f too", "docker volume ls", "docker images -a", "docker run --rm my ls /same",
				"docker build -q --timestamp 0 -t same .", "docker rm one", "docker volume rm data", "docker rmi my", "docker rmi same", "docker image prune -af", "docker images -aq",
			} {
				for _, c := range all {
					r := c.do(t, line)
					require.Empty(t, say.Text(r.Notice))
					require.Zero(t, r.Real.Exit, "%s: %s", line, r.Real.Stderr)
				}
			}
			for _, c := range all {
				c.end(t)
			}
		})
	}
}

// TestRandomSessionsShare runs sessions of random commands on one data
// directory, now one of them alone and now several at the same time: no
// verdict is bug, and each hears of the others.
func TestRandomSessionsShare(t *testing.T) {
	suite.NeedLinux(t)
	lines := testenv.Count(*sharedLines, 30, 60)
	for _, n := range []int{2, 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := suite.Program{Home: t.TempDir(), Env: suite.EngineEnv()}
			r := rand.New(rand.NewPCG(*sharedSeed, uint64(n)))
			all := make([]*conversation, n)
			left := make([][]string, n)
			for i := range all {
				all[i] = converse(p, t, "--real", *sharedOn)
				left[i] = strings.Split(strings.TrimSuffix(sharedSession(*sharedSeed*100+uint64(i), lines), "\n"), "\n")
			}
			for turn := 0; turn < n*lines*2; turn++ {
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
				require.Equal(t, *sharedOn == "embedded", c.notices > 0)
				c.end(t)
			}
			p.RequireNothingLeft(t)
		})
	}
}

// sharedSession is a session of random lines that are often about what
// sessions share.
func sharedSession(seed uint64, n int) string {
	g := suite.NewGen(seed, 1)
	g.Say("docker pull busybox\ndocker pull debian")
	g.Say(fmt.Sprintf(`docker run --name one busybox sh -c "echo %d > /etc/x"`, seed))
	g.Say("docker commit one my")
	for i := range n {
		switch {
		case i%20 == 19:
			g.Shell(i)
		case g.IntN(3) == 0:
			g.Say("docker " + g.Docker())
		default:
			g.Say("docker " + g.Of(g.One("commit one my", "commit %C my:2", "commit %C", "tag my my:%N", "tag my:%N my", "tag %I x/y:1", "rmi my", "rmi -f my", "rmi my:%N", "rmi -f my:%N", "rmi x/y:1",
				"run --name %C my:%N S", "run -d --name %C my sleep 1000", "rm -f %C", "rm -f %C", "run --rm -v v1:/data my S", "run --rm -v v1:/data busybox ls /data", "run --rm -v v1:/data busybox sh -c 'echo %N >> /data/f%N'",
				"run --rm -v v2:/data:ro busybox ls -R /data", "run -d --name %C -v v2:/data busybox sleep 1000", "exec %C sh -c 'ls /data; echo %N > /data/g'", "cp /etc/hostname %C:/data/h%N", "volume create v%N", "volume rm v%N", "volume rm v1",
				"volume prune -af", "volume ls", "images -a", "image prune -f", "image prune -af", "system prune -f", "save my -o mine.tar", "load -i mine.tar", "export one -o e.tar", "import e.tar im:%N", "history my", "build .")))
		}
	}
	return g.Lines()
}
