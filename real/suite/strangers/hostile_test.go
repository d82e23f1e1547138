//go:build linux

package strangers

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

var (
	hostileInputs = flag.Int("hostile", 0, "how many hostile inputs TestHostileInputs gives to a session; 0: 20, or 60 with -full")
	hostileSeed   = flag.Uint64("hostileseed", 1, "the seed of the first of them; each next one has the next")
	helperKills   = flag.Int("helperkills", 0, "how often TestHelperKilled kills the engine's helper; 0: 3, or 8 with -full")
	helperFrom    = flag.Int("helperfrom", 0, "the seed that TestHelperKilled begins with")
)

// TestHostileInputs gives a session inputs that are wrong in every way that
// there is, from files, from the network and from the keyboard. Each is
// answered, by both worlds alike, and the next line is as if nothing had been.
func TestHostileInputs(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		t.Parallel()
		net, refused := hostileNetwork(t), 0
		d := talk(p, t, "--json", "--real", "embedded")
		for i := range testenv.Count(*hostileInputs, 20, 60) {
			in := newHostile(*hostileSeed+uint64(i), p.Home, net)
			n, err := d.endures(in)
			if refused += n; err != nil {
				t.Errorf("seed %d: %s: %v", *hostileSeed+uint64(i), in.what, err)
				d.cmd.Process.Kill()
				d = talk(p, t, "--json", "--real", "embedded") // so that the rest is seen too
			}
		}
		require.Greater(t, refused, testenv.Count(*hostileInputs, 20, 60)/3)
		d.end(t)
		p.RequireNothingLeft(t)
	})
}

// endures gives the session a hostile input, and holds it to account. It
// returns how many lines were refused.
func (d *dialog) endures(in *attempt) (refused int, err error) {
	for _, line := range in.lines {
		all, err := d.until(line)
		if err != nil {
			return refused, err
		}
		for _, r := range all {
			if err := agreeing(r); err != nil {
				return refused, err
			}
			if r.Real != nil {
				refused += min(r.Real.Exit, 1)
			}
		}
	}
	return refused, d.healthy()
}

// agreeing is nil if the real world is there, and no difference between the
// worlds is a fault.
func agreeing(r sim.Result) error {
	if r.Verdict == "" {
		return nil // one of the program's own words
	}
	if r.Real == nil {
		return fmt.Errorf("%.300q has lost the real world: %.1000v", r.Cmd, r.Differences)
	}
	for _, d := range r.Differences {
		if d.Class == sim.Bug {
			return fmt.Errorf("%.300q: %s: %s\nmodel: %.1500s\nreal:  %.1500s", r.Cmd, d.What, say.Text(d.Reason), d.Model, d.Real)
		}
	}
	return nil
}

// healthy is nil if the session runs a command right.
func (d *dialog) healthy() error {
	all, err := d.until("docker run --rm busybox sh -c 'cat /etc/hostname > /x; echo healthy'")
	switch {
	case err != nil:
		return err
	case len(all) != 1 || all[0].Real == nil || all[0].Real.Stdout != "healthy\n" || all[0].Model.Stdout != "healthy\n":
		return fmt.Errorf("the next line is not answered right: %.1000v", all)
	case all[0].Verdict != sim.Same && all[0].Verdict != sim.Expected:
		return fmt.Errorf("the next line is not answered alike: %.1000v", all[0].Differences)
	}
	return nil
}

// dialog is a session that runs, and is told one line after another.
type dialog struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	errs  *bytes.Buffer
	marks int
}

func talk(p suite.Program, t *testing.T, args ...string) *dialog {
	t.Helper()
	d := &dialog{cmd: p.Command(args...), errs: &bytes.Buffer{}}
	var err error
	d.in, err = d.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	d.out, d.cmd.Stderr = bufio.NewReader(out), d.errs
	require.NoError(t, d.cmd.Start())
	t.Cleanup(func() { d.cmd.Process.Kill() })
	return d
}

// until gives the session a line, and then one more. It returns what the
// session answers before it answers that.
func (d *dialog) until(line string) (all []sim.Result, err error) {
	texts, err := d.said(line)
	for _, e := range texts {
		r, ok, err := e.Result()
		if err != nil {
			return nil, fmt.Errorf("%.300s: %w", e.Text, err)
		}
		if ok {
			all = append(all, r)
		}
	}
	return all, err
}

// said is until, as it is written.
func (d *dialog) said(line string) (all []suite.Event, err error) {
	d.marks++
	mark := fmt.Sprint("docker volume rm mark", d.marks)
	hangs := time.AfterFunc(2*time.Minute, func() { d.cmd.Process.Signal(syscall.SIGQUIT) }) // it says where
	defer hangs.Stop()
	go io.WriteString(d.in, line+"\n"+mark+"\n") // which may be more than a pipe holds
	for {
		text, err := d.out.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("the session ends, or hangs, at %.300q: %.500s", line, d.errs.String())
		}
		e, err := suite.EventIn(text)
		if err != nil {
			return all, err
		}
		if e.Kind == "result" && bytes.Contains(text, []byte(`"cmd":"`+mark)) {
			return all, nil
		}
		all = append(all, e)
	}
}

// end ends the session as the end of its input does.
func (d *dialog) end(t *testing.T) {
	t.Helper()
	require.NoError(t, d.in.Close())
	_, err := io.Copy(io.Discard, d.out)
	require.NoError(t, err)
	require.NoError(t, d.cmd.Wait())
}

// write writes a file where the session looks for it.
func (h *attempt) write(name string, content []byte) string {
	file := filepath.Join(h.home, name)
	must(os.MkdirAll(filepath.Dir(file), 0o755))
	must(os.WriteFile(file, content, 0o644))
	return name
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// flatten is a text on one line.
func flatten(text string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(text) }

// TestHelperKilled kills the engine's helper, by SIGKILL at a random moment of
// a random command, again and again: the session goes on with the model alone,
// and after a reconnect with both worlds, which agree.
func TestHelperKilled(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		t.Parallel()
		kills := testenv.Count(*helperKills, 3, 8)
		each := min(kills, 8) // of one session, all of whose commands are run again each time
		for i := *helperFrom; i < *helperFrom+kills; i += each {
			d := talk(p, t, "--json", "--real", "embedded")
			require.NoError(t, d.healthy())
			g := suite.NewGen(uint64(i), 2)
			for range each {
				require.NoError(t, d.killed(g), "seed %d", i)
			}
			d.end(t)
			p.RequireNothingLeft(t)
		}
	})
}

// killed kills the helper in the middle of commands, and has the session go on.
func (d *dialog) killed(g *suite.Gen) error {
	ended := make(chan error)
	go func() {
		time.Sleep(time.Duration(g.IntN(300)) * time.Millisecond)
		ended <- d.killHelper()
	}()
	for range 3 {
		if _, err := d.until("docker " + lasting(g)); err != nil {
			return err
		}
	}
	if err := <-ended; err != nil {
		return err
	}
	told, err := d.said("reconnect")
	i := slices.IndexFunc(told, func(e suite.Event) bool { return e.Kind == "reconnected" })
	if err != nil || i < 0 || !bytes.Contains(told[i].Text, []byte(`"passed":null`)) {
		return fmt.Errorf("reconnect: %w: %s", err, told)
	}
	for _, line := range []string{"docker ps -a --format '{{.Names}} {{.Image}}'", "docker images", "docker diff one"} {
		all, err := d.until(line)
		if err != nil {
			return err
		}
		if err := agreeing(all[0]); err != nil {
			return err
		}
	}
	return d.healthy()
}

// lasting is a command that leaves something.
func lasting(g *suite.Gen) string {
	return g.Of(g.One("run --name one busybox sh -c 'echo %N > %P/n%N'", "rm -f one", "create --name two %I", "rm -f two", "commit one my", "commit one my:2", "rmi -f my", "pull debian", "tag busybox x/y:1",
		"volume create v%N", "volume rm v%N", "run --rm -v v1:/data busybox sh -c 'date > /dev/null; echo %N > /data/n'", "image prune -f", "save %I -o s.tar", "load -i s.tar", "cp one:/etc/passwd p", "export one -o e.tar"))
}

// killHelper kills what the session has started: the engine's helper.
func (d *dialog) killHelper() error {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name)
		var pid, parent int
		end := bytes.LastIndexByte(text, ')')
		fmt.Sscanf(string(text), "%d", &pid)
		if fmt.Sscanf(string(text[end+1:]), " %1s %d", new(string), &parent); parent == d.cmd.Process.Pid {
			err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	return err
}
