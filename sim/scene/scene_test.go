package scene_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/scene"
	"twinlayer/sim/simtest"
)

// viewer has a conversation on a model alone, and keeps what is to be drawn.
type viewer struct {
	t       *testing.T
	c       *play.Conversation
	moments []play.Moment
	picture play.Picture
}

func view(t *testing.T, lines ...string) *viewer {
	v := &viewer{t: t, c: play.New(play.Config{Session: simtest.Session(t, model.Config{})})}
	v.c.Listen(func(e play.Event) {
		switch b := e.Body.(type) {
		case play.Moment:
			v.moments = append(v.moments, b)
		case play.Picture:
			v.picture = b
		case play.Result:
			require.Zero(t, b.Model.Exit, b.Model.Stderr)
		}
	})
	return v.do(lines...)
}

func (v *viewer) do(lines ...string) *viewer {
	v.t.Helper()
	for _, line := range lines {
		require.NoError(v.t, v.c.Do(v.t.Context(), play.Line(line)))
	}
	return v
}

// cellOf is the cell of a scene in a row and a column.
func cellOf(t *testing.T, s scene.Scene, row int, column string) scene.Cell {
	t.Helper()
	c, has := s.Rows[row].At(column)
	require.True(t, has, "%s in %+v", column, s.Rows[row])
	return c
}

// TestUnion: what is seen, what was copied up and from where, and what hides
// what.
func TestUnion(t *testing.T) {
	v := view(t, "docker run -d --name box debian sleep 1000",
		"docker exec box sh -c 'echo more >> /etc/motd; rm /etc/passwd; rm -r /etc/apt; mkdir /etc/apt; echo 1 > /etc/apt/new; ln -s /etc /link'",
		"picture box /etc/motd /etc/passwd /etc/apt /etc/apt/sources.list /etc/apt/new /link")
	s := scene.Of(v.picture)
	require.Len(t, s.Rows, 3)
	require.Equal(t, "seen", s.Rows[0].ID)
	require.True(t, s.Rows[1].Has(scene.Writable))
	has := func(row int, column string, marks ...scene.Mark) scene.Cell {
		c := cellOf(t, s, row, column)
		require.ElementsMatch(t, marks, c.Marks, "%d %s", row, column)
		return c
	}
	has(0, "/etc/passwd", scene.Gone)
	has(1, "/etc/passwd", scene.Whiteout)
	has(2, "/etc/passwd", scene.Hidden)
	copied := has(1, "/etc/motd", scene.Copied, scene.Changed)
	below := has(2, "/etc/motd", scene.Hidden)
	has(1, "/etc/apt", scene.Opaque)
	has(0, "/etc/apt/sources.list", scene.Gone)
	has(2, "/etc/apt/sources.list", scene.Hidden)
	has(1, "/etc/apt/new", scene.New)
	has(1, "/link", scene.New)
	require.Contains(t, s.Arrows, scene.Arrow{From: below.ID, To: copied.ID, Says: s.Arrows[0].Says})
	_, empty := s.Rows[1].At("/etc/apt/sources.list")
	require.False(t, empty)
}

// TestSteps: from step to step a cell keeps its id, the step's cell is marked,
// and so is what the next step will change.
func TestSteps(t *testing.T) {
	v := view(t, "docker run -d --name box debian sleep 1000", "docker exec box sh -c 'echo one >> /etc/motd; rm /etc/passwd'")
	for range 40 {
		v.do("back")
	}
	v.moments = nil
	for range 40 {
		v.do("next")
	}
	places, now, about, marked := map[string]string{}, 0, 0, 0
	for i, m := range v.moments {
		if !strings.HasPrefix(m.Cmd, "docker exec") {
			continue
		}
		s := scene.OfMoment(m)
		seen := map[string]bool{}
		for _, r := range s.Rows {
			for _, c := range r.Cells {
				require.False(t, seen[c.ID], "%s is twice in a scene", c.ID)
				seen[c.ID] = true
				place := r.ID + " | " + c.Column
				require.Equal(t, place, orElse(places[c.ID], place))
				places[c.ID] = place
				if c.Now {
					now++
					require.Equal(t, m.Path, c.Column)
				}
				if c.Has(scene.About) {
					about++
					require.Equal(t, m.Then.Path, c.Column)
				}
			}
		}
		if m.Op == "copy-up" {
			marked++
			require.Contains(t, s.Arrows, arrowNow(s), "step %d", i)
		}
	}
	require.Equal(t, 2, marked, "copy-up of /etc and of /etc/motd")
	require.Greater(t, now, 4)
	require.Greater(t, about, 3)
}

func orElse(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

func arrowNow(s scene.Scene) scene.Arrow {
	i := slices.IndexFunc(s.Arrows, func(a scene.Arrow) bool { return a.Now })
	if i < 0 {
		return scene.Arrow{From: "none is new"}
	}
	return s.Arrows[i]
}

// TestShared: in a tree a layer is one box, in bytes it is counted once.
func TestShared(t *testing.T) {
	v := view(t, "docker run -d --name one debian sleep 1000", "docker run -d --name two debian sleep 1000", "docker exec one sh -c 'echo 1234567 > /file'", "docker commit one saved", "docker pull hello-world", "picture tree")
	ids := map[string]int{}
	tree := scene.Of(v.picture)
	for _, r := range tree.Rows {
		for _, c := range r.Cells {
			ids[c.ID]++
		}
	}
	w := v.picture.Moments[0].World
	debian := w.Images[slices.IndexFunc(w.Images, func(i play.Image) bool { return i.Tags[0] == "debian:latest" })]
	require.Equal(t, 1, ids[debian.Layers[0]])
	base := tree.Rows[len(tree.Rows)-1]
	box := base.Cells[slices.IndexFunc(base.Cells, func(c scene.Cell) bool { return c.ID == debian.Layers[0] })]
	require.Equal(t, 3, box.Span, "two containers and the image that was committed")
	require.True(t, box.Has(scene.Shared))
	require.Len(t, base.Cells, 2, "hello-world has a base of its own")

	v.do("picture bytes")
	bytes := scene.Of(v.picture)
	weight := func(row, column string) int64 {
		i := slices.IndexFunc(bytes.Rows, func(r scene.Row) bool { return r.ID == row })
		require.GreaterOrEqual(t, i, 0, row)
		c, _ := bytes.Rows[i].At(column)
		return c.Bytes
	}
	sum := int64(0)
	for _, l := range w.Layers {
		if l.Kind != play.OfEngine || len(l.SharedBy) > 0 {
			sum += l.Bytes
		}
	}
	require.Equal(t, sum, weight("disk", "all"))
	require.Greater(t, weight("disk-alone", "all"), 3*weight(debian.ID, "all"))
	require.Zero(t, weight(debian.ID, "own"))
	require.Equal(t, 2*weight("memory", "all"), weight("memory-alone", "all"), "two run one program")
}

// TestTower: a build has a floor for each instruction, the base at the bottom,
// and what a cache has is not built again.
func TestTower(t *testing.T) {
	s := simtest.Session(t, model.Config{})
	host := sim.NewMemHost(s.Clock)
	s.Host = host
	v := &viewer{t: t, c: play.New(play.Config{Session: s})}
	v.c.Listen(func(e play.Event) {
		if p, ok := e.Body.(play.Picture); ok {
			v.picture = p
		}
	})
	b := fs.NewBuilder()
	b.MustPut("/Dockerfile", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("FROM busybox\nRUN echo 1 > /one\nLABEL a=b\n"))})
	require.NoError(t, host.Put("/home", b.Tree()))
	tower := func(line string) scene.Scene {
		v.do(line, "picture tower")
		return scene.Of(v.picture)
	}
	first := tower("docker build -t one .")
	require.Len(t, first.Rows, 3)
	require.Equal(t, []string{"floor 3", "floor 2", "floor 1"}, []string{first.Rows[0].ID, first.Rows[1].ID, first.Rows[2].ID})
	require.Len(t, first.Rows[1].Cells, 3, "run, execute, commit")
	require.Len(t, first.Rows[0].Cells, 2, "a label executes nothing")
	require.True(t, cellOf(t, first, 1, "commit").Has(scene.New))
	again := tower("docker build -t two .")
	for _, row := range []int{0, 1} {
		require.Equal(t, []scene.Mark{scene.Cached}, cellOf(t, again, row, "commit").Marks)
	}
}

// TestBoot: the kernel stays, and what brought it up is gone.
func TestBoot(t *testing.T) {
	v := view(t, "goto 2", "goto 4")
	early, late := scene.OfMoment(v.moments[0]), scene.OfMoment(v.moments[1])
	rows := func(s scene.Scene, id string) scene.Row {
		return s.Rows[slices.IndexFunc(s.Rows, func(r scene.Row) bool { return r.ID == id })]
	}
	require.Len(t, rows(early, "bootfs").Cells, 1)
	require.Empty(t, rows(early, "rootfs").Cells)
	require.Len(t, rows(late, "kernel").Cells, 3)
	gone := rows(late, "bootfs").Cells[2]
	require.True(t, gone.Has(scene.Gone))
	require.True(t, gone.Now)
	require.Equal(t, "firmware", late.Rows[len(late.Rows)-1].ID, "the first to come is at the bottom")
}

// TestSides: of two scenes what is alike is plain.
func TestSides(t *testing.T) {
	v := view(t, "docker run -d --name box debian sleep 1000", "docker exec box sh -c 'echo 1 > /etc/motd'", "docker commit box changed", "picture sides debian changed /etc/motd /etc/passwd")
	s := scene.Of(v.picture)
	require.True(t, s.Rows[1].Has(scene.Differs), "the layer is one side's only")
	require.True(t, cellOf(t, s, 0, "/etc/motd").Has(scene.Differs))
	require.Empty(t, cellOf(t, s, 0, "/etc/passwd").Marks)
	same := scene.Sides(scene.Union(v.picture.Moments[0], "debian"), scene.Union(v.picture.Moments[0], "debian"), s.Title, s.Title)
	for _, r := range same.Rows {
		require.False(t, r.Has(scene.Differs))
		for _, c := range r.Cells {
			require.False(t, c.Has(scene.Differs))
		}
	}
}

// TestJSON: a scene goes to a page as it is, under keys that are these.
func TestJSON(t *testing.T) {
	for _, kind := range []string{"union", "tower", "tree", "host", "boot", "bytes", "sides debian busybox"} {
		v := view(t, "docker pull busybox", "docker run -d --name box debian sh -c 'echo 1 >> /etc/motd; sleep 1000'", "picture "+kind)
		s := scene.Of(v.picture)
		require.NotEmpty(t, s.Rows, kind)
		require.NotEmpty(t, s.Says, kind)
		text, err := json.Marshal(s)
		require.NoError(t, err)
		var back scene.Scene
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(again))
		var keys map[string]any
		require.NoError(t, json.Unmarshal(text, &keys))
		for key := range keys {
			require.Contains(t, []string{"kind", "title", "step", "says", "columns", "rows", "arrows", "more"}, key)
		}
	}
}

// huge is a moment of a container on a layer of so many files, as package play
// tells of it: with the entries that matter, and never with all of them.
func huge(t testing.TB, files int) (*play.Conversation, *play.Moment) {
	b := fs.NewBuilder()
	for i := range files {
		b.MustPut(fmt.Sprintf("/data/%03d/%03d/file", i/1000, i%1000), fs.Node{Mode: fs.S_IFREG | 0o644})
	}
	s := simtest.Session(t, model.Config{})
	host := sim.NewMemHost(s.Clock)
	d := fs.NewBuilder()
	d.MustPut("/Dockerfile", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("FROM busybox\nCOPY data /data\n"))})
	require.NoError(t, host.Put("/home", d.Tree()))
	require.NoError(t, host.Put("/home", b.Tree()))
	s.Host = host
	c := play.New(play.Config{Session: s})
	var last play.Moment
	c.Listen(func(e play.Event) {
		switch b := e.Body.(type) {
		case play.Moment:
			last = b
		case play.Result:
			require.Zero(t, b.Model.Exit, b.Model.Stderr)
		}
	})
	for _, line := range []string{"docker build -t huge .", "docker run -d --name box huge sleep 1000", "docker exec box sh -c 'echo 1 > /data/000/001/file; rm /data/000/002/file'", "back"} {
		require.NoError(t, c.Do(t.Context(), play.Line(line)))
	}
	return c, &last
}

// TestHuge: what a scene is made of, and is, does not grow with the files of an
// image.
func TestHuge(t *testing.T) {
	entries := func(m play.Moment) (n int) {
		for _, l := range m.World.Layers {
			n += len(l.Entries)
		}
		return n
	}
	_, few := huge(t, 1_000)
	_, many := huge(t, 8_000)
	a, b := scene.OfMoment(*few), scene.OfMoment(*many)
	require.Greater(t, entries(*few), 5)
	require.InDelta(t, entries(*few), entries(*many), 8)
	require.Equal(t, len(a.Rows), len(b.Rows))
	require.InDelta(t, len(a.Columns), len(b.Columns), 4)
	allocs := func(m *play.Moment) float64 { return testing.AllocsPerRun(5, func() { scene.OfMoment(*m) }) }
	require.InEpsilon(t, allocs(few), allocs(many), 0.3)
}

// BenchmarkUnion is a step on an image of 100,000 files: the moment that play
// tells, and the scene of it.
func BenchmarkUnion(b *testing.B) {
	c, last := huge(b, 100_000)
	b.Run("scene", func(b *testing.B) {
		for b.Loop() {
			scene.OfMoment(*last)
		}
	})
	b.Run("step", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			in := play.Input(play.Back{})
			if i%2 == 0 {
				in = play.Next{}
			}
			require.NoError(b, c.Do(b.Context(), in))
			scene.OfMoment(*last)
		}
	})
}
