package repl

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fatih/color"
	"github.com/stretchr/testify/require"

	"twinlayer/sim/play"
)

// TestInPlace: while somebody steps, one picture is drawn over the other; what
// is printed between them stays, and a screen that became narrower has folded
// what is drawn over.
func TestInPlace(t *testing.T) {
	before := color.NoColor
	color.NoColor = true
	defer func() { color.NoColor = before }()
	columns, rows := 80, 24
	var out strings.Builder
	in := &typed{out: &strings.Builder{}}
	r := over(t, in, &out, play.Config{}, Config{Live: true, Size: func() (int, int) { return columns, rows }})
	enter := func(line string) string {
		out.Reset()
		in.lines = []string{line}
		next, err := r.read(t.Context())
		require.NoError(t, err)
		require.NoError(t, r.do(t.Context(), next))
		return out.String()
	}
	require.NoError(t, r.do(t.Context(), play.Start{}))
	enter("docker run -d --name box busybox sleep 1000")
	enter("docker exec box sh -c 'echo one > /etc/motd; rm /etc/passwd'")
	first := enter("back")
	require.NotContains(t, first, "\x1b[", "it is drawn below what was printed")
	require.Contains(t, first, "container layer")
	second := enter("back")
	require.True(t, strings.HasPrefix(second, "\x1b["+strconv.Itoa(strings.Count(first, "\n")+1)+"A\r\x1b[J"), "%q", second)
	wide := 0
	for line := range strings.Lines(second[strings.Index(second, "J")+1:]) {
		wide += 1 + (width(line)-1)/40
	}
	columns = 40
	third := enter("forward")
	require.True(t, strings.HasPrefix(third, "\x1b["+strconv.Itoa(wide+1)+"A"), "%q", third)
	for line := range strings.Lines(third[strings.Index(third, "J")+1:]) {
		require.LessOrEqual(t, width(line), 40, "it is drawn for the new width")
	}
	enter("docker ps")
	require.NotContains(t, enter("back"), "\x1b[")
}

// TestOneScreen: whatever the step, its picture and the prompt fit on a screen.
func TestOneScreen(t *testing.T) {
	for _, plain := range []bool{true, false} {
		var out strings.Builder
		in := &typed{out: &out}
		r := over(t, in, &out, play.Config{}, Config{Plain: plain})
		require.NoError(t, r.do(t.Context(), play.Start{}))
		require.NoError(t, r.do(t.Context(), play.Line("docker run --name box debian apt-get update")))
		require.NoError(t, r.do(t.Context(), play.Line("docker run --name second debian apt-get install -y vim")))
		n := 0
		for range 250 {
			out.Reset()
			require.NoError(t, r.do(t.Context(), play.Back{}))
			require.LessOrEqual(t, strings.Count(out.String(), "\n"), 23, out.String())
			for line := range strings.Lines(out.String()) {
				require.LessOrEqual(t, width(line), 80, line)
			}
			n += strings.Count(out.String(), "container layer")
		}
		require.Greater(t, n, 100)
	}
}
