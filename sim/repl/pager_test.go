package repl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
)

// TestPager: after a screenful it asks, goes on, and shows nothing more where
// that is not wanted.
func TestPager(t *testing.T) {
	var out strings.Builder
	asked, most := 0, 2
	p := &pager{out: &out, rows: func() int { return 5 }, more: func() bool { asked++; return asked < most }}
	lines := func(n int) (text string) {
		for i := range n {
			text += fmt.Sprintln(i)
		}
		return text
	}
	fmt.Fprint(p, lines(4))
	require.Zero(t, asked)
	fmt.Fprint(p, "tail", lines(8))
	require.Equal(t, 2, asked)
	require.Equal(t, lines(4)+"tail"+lines(4), out.String())
	p.read()
	fmt.Fprint(p, lines(4))
	require.Equal(t, lines(4)+"tail"+lines(4)+lines(4), out.String())
}

// TestLongLog: of what a program prints on its way, the middle is folded, and
// output shows it; a list is not.
func TestLongLog(t *testing.T) {
	var out strings.Builder
	in := &typed{[]string{"docker run busybox seq 100", "output", "docker run --help"}, &out}
	run(t, in, &out, play.Config{})
	log, rest, _ := strings.Cut(out.String(), "twinlayer> output\n")
	require.Regexp(t, "\n1\n(.*\n)*… \\d+ lines: `output`\n(.*\n)*99\n100\n", log)
	require.NotContains(t, log, "\n50\n")
	all, list, _ := strings.Cut(rest, "twinlayer> docker run --help")
	require.Contains(t, all, "\n50\n51\n")
	require.NotContains(t, list, "lines: `output`")
}

// resultOf is a command that has printed this and that.
func resultOf(cmd, model, real string, quiet bool) play.Result {
	r := play.Result{Result: sim.Result{Cmd: cmd, Model: sim.View{Stdout: model}, Real: &sim.View{Engine: "embedded", Stdout: real}}}
	if model != real {
		r.Differences = []sim.Difference{{What: "stdout", Model: model, Real: real, Class: sim.Expected, Quiet: quiet}}
	}
	return r
}

// TestOnceForBoth: what both worlds show alike is drawn once, also where only
// ids and clocks differ, of which why differs tells.
func TestOnceForBoth(t *testing.T) {
	var out strings.Builder
	p := newPainter(ink.NewPen(&out), true, 60)
	p.event(resultOf("docker ps", "up 1 second", "up 2 seconds", true))
	require.Equal(t, "up 2 seconds\nok the same in both worlds but for ids and clocks: `why\ndiffers`\n", out.String())
	out.Reset()
	p.event(resultOf("docker ps", "up", "up", true))
	require.Equal(t, "up\nok the same in both worlds\n", out.String())
	out.Reset()
	p.event(resultOf("docker ps", "one", "two", false))
	require.Contains(t, out.String(), "one")
	require.Contains(t, out.String(), "two")
	require.NotContains(t, out.String(), "the same")
}
