package compare

import (
	"context"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// trees is an engine of which only the layers of images are asked.
type trees struct {
	sim.Engine
	layers []*fs.Tree
}

func (t trees) Layers(context.Context, string) ([]*fs.Tree, error) { return t.layers, nil }

func layerAt(t *testing.T, mtime int64, text string) *fs.Tree {
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/f", fs.Node{Mode: fs.S_IFREG | 0o644, Mtime: mtime, Data: fs.DataOf([]byte(text))}))
	return b.Tree()
}

// made is a Side with one image of one layer.
func made(t *testing.T, mtime int64, text string) Side {
	tree := layerAt(t, mtime, text)
	img, _, err := sim.Commit{Created: time.Unix(7, 0)}.Image(sim.Image{}, &sim.NewLayer{DiffID: digest.FromString(text + time.Unix(0, mtime).String()), Size: tree.Bytes()})
	require.NoError(t, err)
	img.Tags = []string{"a:1"}
	return Side{trees{layers: []*fs.Tree{tree}}, []sim.Image{img}}
}

func seen(s Side, text string) sim.View {
	return sim.View{Images: sim.ImageViews(s.Images[0]), Stdout: text}
}

func TestImagesOfOneCommandArePaired(t *testing.T) {
	model, real := made(t, 1, "same"), made(t, 2, "same")
	m, r := model.Images[0], real.Images[0]
	require.NotEqual(t, m.ID, r.ID)
	var p ImageMap
	p.Learn(t.Context(), model, real)
	plain := func(text string) string { return text }
	require.Empty(t, Comparison{sim.Cmd{}, &p, plain}.Of(seen(model, ""), seen(real, "")), "images are compared by content")
	diffs := Comparison{sim.Cmd{}, &p, plain}.Of(seen(model, "built "+sim.Short(m.ID)+"\n"), seen(real, "built "+sim.Short(r.ID)+"\n"))
	require.Equal(t, sim.Expected, sim.Verdict(diffs))
	require.Equal(t, sayOtherIDs.Key, diffs[0].Reason.Key)
	diffs = Comparison{sim.Cmd{}, &p, plain}.Of(seen(model, "built "+sim.Short(m.ID)+"\n"), seen(real, "made "+sim.Short(r.ID)+"\n"))
	require.Equal(t, sim.Bug, sim.Verdict(diffs))

	typed, back := p.Args([]string{sim.Short(r.ID)[:7], "box"}, real, model)
	require.Equal(t, []string{sim.Short(m.ID)[:7], "box"}, typed, "an id of the real world is understood by the model")
	require.Equal(t, "no "+sim.Short(r.ID)[:7], back("no "+sim.Short(m.ID)[:7]))
}

func TestImagesThatDifferAreABug(t *testing.T) {
	model, real := made(t, 1, "this"), made(t, 1, "that")
	var p ImageMap
	p.Learn(t.Context(), model, real)
	diffs := Comparison{sim.Cmd{}, &p, func(text string) string { return text }}.Of(seen(model, ""), seen(real, ""))
	require.Equal(t, sim.Bug, sim.Verdict(diffs))
	require.Contains(t, say.Text(diffs[0].Reason), "canonical digests")
	require.Contains(t, say.In("zh", diffs[0].Reason), "规范摘要不一样")
}

// TestEnginesOwn: what an engine makes itself in a container may be in a layer
// of one world alone; that is told, and nothing else is let pass.
func TestEnginesOwn(t *testing.T) {
	tree := func(text string, more ...string) *fs.Tree {
		b := fs.NewBuilder()
		require.NoError(t, b.Put("/f", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(text))}))
		for _, name := range append(more, "/etc") {
			require.NoError(t, b.Put(name, fs.Node{Mode: fs.S_IFDIR | 0o755}))
		}
		if len(more) > 0 {
			require.NoError(t, b.Put("/etc/mtab", fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "/proc/mounts"}))
		}
		return b.Tree()
	}
	for _, c := range []struct {
		real *fs.Tree
		want sim.Class
	}{{tree("x", "/proc", "/dev/pts"), sim.Expected}, {tree("y", "/proc"), sim.Bug}, {tree("x", "/srv"), sim.Bug}} {
		model, real := made(t, 1, "x"), made(t, 2, "x")
		model.Engine, real.Engine = trees{layers: []*fs.Tree{tree("x")}}, trees{layers: []*fs.Tree{c.real}}
		real.Images[0].Sizes = []int64{c.real.Bytes()}
		var p ImageMap
		p.Learn(t.Context(), model, real)
		diffs := Comparison{sim.Cmd{}, &p, func(text string) string { return text }}.Of(seen(model, ""), seen(real, ""))
		require.Equal(t, c.want, sim.Verdict(diffs))
	}
}

// TestLayersOfTwoSeconds: the model wrote the same file twice in one second,
// the real world in two.
func TestLayersOfTwoSeconds(t *testing.T) {
	model, real := made(t, 1e9, "x"), made(t, 1e9, "x")
	var p ImageMap
	p.Learn(t.Context(), model, real)
	again := func(s Side, mtime int64) Side {
		next := made(t, mtime, "x")
		next.Images[0].Config.Author, next.Images[0].Tags = "Ana", []string{"b:1"}
		next.Images[0].ID = digest.FromString(next.Images[0].Layers[0].String())
		return Side{next.Engine, append(next.Images, s.Images...)}
	}
	model, real = again(model, 1e9), again(real, 2e9)
	p.Learn(t.Context(), model, real)
	views := func(s Side) (v sim.View) {
		for _, img := range s.Images {
			v.Images = append(v.Images, sim.ImageViews(img)...)
		}
		return v
	}
	require.Empty(t, Comparison{sim.Cmd{}, &p, func(text string) string { return text }}.Of(views(model), views(real)))
}

func TestCompareClasses(t *testing.T) {
	require.Equal(t, sim.Same, sim.Verdict(differ(sim.View{Stdout: "a"}, sim.View{Stdout: "a"})))
	require.Equal(t, sim.Bug, sim.Verdict(differ(sim.View{Stdout: "a"}, sim.View{Stdout: "b"})))
	require.Equal(t, sim.Bug, sim.Verdict(differ(sim.View{Layer: "a"}, sim.View{Layer: "b"})))
	require.Equal(t, sim.Limit, sim.Verdict(differ(sim.View{Unknown: say.Verbatim("it cannot")}, sim.View{Exit: 7})))
	at := func(kind sim.PieceKind, text, rest string) (v sim.View) {
		v.Put(sim.Piece{Kind: kind, Text: text, Rest: rest})
		return v
	}
	clock := differ(at(sim.Clock, "Up 2 seconds", "Up"), at(sim.Clock, "Up 3 seconds", "Up"))
	require.Equal(t, sim.Expected, sim.Verdict(clock))
	require.Contains(t, say.Text(clock[0].Reason), "clock")
	require.Equal(t, sim.Bug, sim.Verdict(differ(at(sim.Clock, "Up 2 seconds", "Up"), at(sim.Clock, "Down 3 seconds", "Down"))))
	exists := differ(at(sim.LayerState, "0123456789ab: Pull complete\n", ""), at(sim.LayerState, "0123456789ab: Already exists\n", ""))
	require.Equal(t, sim.Expected, sim.Verdict(exists))
}

// differ is what two views differ in, where no image is known in both worlds.
func differ(model, real sim.View) []sim.Difference {
	return Comparison{Pairs: &ImageMap{}, AsTyped: asIs}.Of(model, real)
}
