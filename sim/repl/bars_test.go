package repl

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim/play"
	"twinlayer/sim/repl/ink"
)

func TestBars(t *testing.T) {
	var out bytes.Buffer
	columns, rows := 200, 4
	b := &bars{pen: ink.NewPen(&out), size: func() (int, int) { return columns, rows }}
	says := func(p play.Progress) string {
		out.Reset()
		b.tell(p)
		b.draw() // not waiting for its time
		return out.String()
	}
	a := play.Progress{ID: "aaaaaaaaaaaa", Action: "Downloading", Done: 25_000, Total: 100_000}
	line := "aaaaaaaaaaaa: Downloading [============>                                      ]     25kB/100kB\n"
	require.Equal(t, line, says(a))
	require.Equal(t, "\x1b[1A\r\x1b[J"+line+"bbbbbbbbbbbb: Waiting\n", says(play.Progress{ID: "bbbbbbbbbbbb", Action: "Waiting"}))
	a.Action, a.Done, a.Total = "Pull complete", 0, 0
	require.Equal(t, "\x1b[2A\r\x1b[Jaaaaaaaaaaaa: Pull complete\nbbbbbbbbbbbb: Waiting\n", says(a))
	require.Equal(t, "\x1b[2A\r\x1b[Jbbbbbbbbbbbb: Waiting\ncccccccccccc: Waiting\n", says(play.Progress{ID: "cccccccccccc", Action: "Waiting"}))
	columns = 80
	require.Equal(t, "\x1b[2A\r\x1b[Jbbbbbbbbbbbb: Downloading     25kB/100kB\ncccccccccccc: Waiting\n",
		says(play.Progress{ID: "bbbbbbbbbbbb", Action: "Downloading", Done: 25_000, Total: 100_000}), "docker has no bars where there is little room")
	columns = 20 // where each of the lines takes two
	require.Equal(t, "\x1b[4A\r\x1b[Jcccccccccccc: Waiti\ndddddddddddd: Pulli\n", says(play.Progress{ID: "dddddddddddd", Action: "Pulling fs layer"}), "no line is folded")
	require.Equal(t, "\x1b[2A\r\x1b[Jdddddddddddd: Pulli\na line of a log\n", says(play.Progress{Action: "a line of a log\x1b[0m"}))
	require.Equal(t, "\x1b[2A\r\x1b[Ja line of a log\na line of a log\n", says(play.Progress{Action: "a line of a log\x1b[0m"}), "lines stand one below the other")
	out.Reset()
	b.end()
	require.Equal(t, "\x1b[2A\r\x1b[J", out.String(), "what was drawn goes")
	require.Empty(t, says(a), "and nothing comes after it")
}

// What is quick, and what is not read by people, has no bars.
func TestNoBars(t *testing.T) {
	var out bytes.Buffer
	b := &bars{pen: ink.NewPen(&out), from: time.Now().Add(time.Hour)}
	b.tell(play.Progress{ID: "a", Action: "Downloading"})
	b.end()
	r := &REPL{Config: Config{Out: &out}}
	r.progress(play.Progress{ID: "a", Action: "Downloading"})
	require.Nil(t, r.bars)
	r.endBars()
	require.Empty(t, out.String())
}
