package repl

import (
	"context"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"

	"twinlayer/lessons"
	"twinlayer/sim/play"
)

// reader is a pupil at a terminal of 80x24, and counts the rows that come
// between two looks at it.
type reader struct {
	*pupil
	all         strings.Builder
	row         strings.Builder
	rows, pages int
	looks       []int // the rows before each prompt
}

func (r *reader) Write(text []byte) (int, error) {
	for _, b := range text {
		if b != '\n' {
			r.row.WriteByte(b)
			continue
		}
		r.rows += max(1, (runewidth.StringWidth(r.row.String())+79)/80)
		r.row.Reset()
	}
	return r.all.Write(text)
}

func (r *reader) Line(prompt string) (string, error) {
	r.looks = append(r.looks, r.rows)
	line, err := r.pupil.Line(prompt)
	r.rows = 0
	return line, err
}

func (r *reader) More(string) bool {
	r.looks = append(r.looks, r.rows)
	r.pages++
	r.rows = 0
	return true
}

// TestNothingScrollsAway: at 80x24 whatever comes between two prompts of a
// lesson fits on the screen, or waits to be read.
func TestNothingScrollsAway(t *testing.T) {
	all, err := lessons.All()
	require.NoError(t, err)
	pages, looks := 0, 0
	for _, l := range all {
		for _, lang := range lessons.Languages {
			if testing.Short() && l.Order%5 != 1 {
				continue
			}
			r := &reader{}
			r.pupil = &pupil{out: r, lesson: l}
			screen := over(t, r, r, play.Config{Course: play.Course{Play: []lessons.Lesson{l}}},
				Config{Plain: true, Lang: lang, Live: true, Size: func() (int, int) { return 80, 24 }})
			screen.Play.Listen(r.hear)
			require.NoError(t, screen.Run(context.Background()))
			for _, rows := range r.looks {
				require.LessOrEqual(t, rows, 23, "%s %s\n%s", l.ID, lang, &r.all)
			}
			pages, looks = pages+r.pages, looks+len(r.looks)
		}
	}
	t.Logf("%d of %d looks at the screen are pages", pages, looks)
}
