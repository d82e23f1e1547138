package compare_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/compare"
	"twinlayer/sim/model"
	"twinlayer/sim/simtest"
)

// life is what a world goes through before it is asked; the last of it an hour
// later in the second world.
var life = []string{
	"docker run --name first -v data:/d busybox sh -c 'echo x > /d/f; touch /new'", "docker commit -m words first made:1",
	"docker run --name second --label k=v made:1 true", "docker volume create more",
}

// asked are commands that print values, of which some are times.
var asked = []string{
	"docker history made:1", "docker history --no-trunc made:1", "docker ps -a", "docker ps -a --format json", "docker ps -a --format '{{.Names}} {{.Status}}'",
	"docker images", "docker images --format 'table {{.Tag}}\t{{.CreatedSince}}'", "docker volume ls", "docker volume inspect more data",
	"docker inspect second", "docker inspect made:1 second", "docker inspect --format '{{.Created}} {{.State.ExitCode}}' second", "docker system df -v", "docker info",
}

// world has gone through its life, with one thing done otherwise.
func world(t *testing.T, later time.Duration, old, changed string) (ask func(cmd string) sim.View) {
	s := simtest.Session(t, model.Config{})
	clock, past := s.Clock, time.Duration(0)
	s.Clock = func() time.Time { return clock().Add(past) }
	for i, line := range life {
		if i == 2 {
			past = later
		}
		if old != "" {
			line = strings.ReplaceAll(line, old, changed)
		}
		require.Empty(t, simtest.Do(t, s, line).Model.Refused, line)
	}
	past = 3 * later
	return func(cmd string) sim.View { return simtest.Do(t, s, cmd).Model }
}

// stdout is what the output of two worlds differs in.
func stdout(cmd string, m, r sim.View) sim.Class {
	all := compare.Comparison{Cmd: sim.Cmd{Text: cmd}, Pairs: &compare.ImageMap{}, AsTyped: func(s string) string { return s }}.Of(m, r)
	return sim.Verdict(slices.DeleteFunc(all, func(d sim.Difference) bool { return d.What != "stdout" }))
}

// TestTimesMayDiffer: of the same values printed an hour later the times
// differ, and that is declared; any other value in their place is a bug.
func TestTimesMayDiffer(t *testing.T) {
	one, other := world(t, 0, "", ""), world(t, time.Hour, "", "")
	for _, cmd := range asked {
		m, r := one(cmd), other(cmd)
		timed := m.Stdout != r.Stdout
		require.Equal(t, cmd != "docker volume ls" && cmd != "docker info", timed, "%s\n%s%s", cmd, m.Stdout, r.Stdout)
		if timed {
			require.Equal(t, sim.Expected, stdout(cmd, m, r), "%s\n%s%s", cmd, m.Stdout, r.Stdout)
		}
		require.NotEmpty(t, r.Out)
		for i, p := range r.Out {
			if p.Rest == "" && p.Kind != sim.Plain {
				continue
			}
			x := r
			x.Out, x.Stdout = slices.Clone(r.Out), r.Stdout+"x"
			x.Out[i].Text, x.Out[i].Rest = p.Text+"x", p.Rest+"x"
			require.Equal(t, sim.Bug, stdout(cmd, m, x), "%s: %q", cmd, p.Text)
		}
	}
}

// TestAnotherValueIsABug: beside times that differ another value is found.
func TestAnotherValueIsABug(t *testing.T) {
	for _, c := range []struct{ cmd, old, changed string }{
		{"docker history made:1", "-m words", "-m others"},
		{"docker history made:1", "touch /new", "yes | head -c 2000000 > /new"},
		{"docker ps -a", "--name second", "--name third"},
		{"docker ps -a", "made:1 true", "made:1 false"},
		{"docker ps -a --format '{{.Names}} {{.Status}}'", "made:1 true", "made:1 false"},
		{"docker ps -a --format json", "k=v", "k=w"},
		{"docker images", "made:1", "made:2"},
		{"docker images --format 'table {{.Tag}}\t{{.CreatedSince}}'", "made:1", "made:2"},
		{"docker volume ls", "create more", "create less"},
		{"docker volume ls", "create more", "create --help"},
		{"docker inspect second", "k=v", "k=w"},
		{"docker inspect second", "k=v", "l=v"},
		{"docker inspect --format '{{.Created}} {{.State.ExitCode}}' second", "made:1 true", "made:1 false"},
		{"docker inspect made:1", "-m words", "-m others"},
		{"docker system df -v", "create more", "create less"},
		{"docker info", "create more", "create --help"},
	} {
		one, other := world(t, 0, "", ""), world(t, time.Hour, c.old, c.changed)
		m, r := one(c.cmd), other(c.cmd)
		require.Equal(t, sim.Bug, stdout(c.cmd, m, r), "%s, %s\n%s%s", c.cmd, c.changed, m.Stdout, r.Stdout)
	}
}

// TestPiecesThatMayDiffer: what each kind lets pass, on which engine, and what
// not.
func TestPiecesThatMayDiffer(t *testing.T) {
	view := func(engine string, p sim.Piece) (v sim.View) {
		v.Put(sim.Piece{Text: "head\n"}, p)
		v.Engine, v.Layer = engine, "sum"
		return v
	}
	for _, c := range []struct {
		kind     sim.PieceKind
		allowing []string
	}{
		{sim.Plain, nil}, {sim.Words, nil}, {sim.Clock, sim.EngineNames()}, {sim.LayerState, sim.EngineNames()}, {sim.PushState, sim.EngineNames()},
		{sim.Compressed, sim.EngineNames()}, {sim.OwnName, sim.EngineNames()}, {sim.HostProcess, sim.EngineNames()},
		{sim.Content, []string{sim.Docker}}, {sim.ChangeList, []string{sim.Podman}},
	} {
		for _, engine := range sim.EngineNames() {
			want := sim.Bug
			if slices.Contains(c.allowing, engine) {
				want = sim.Expected
			}
			m := view("", sim.Piece{Kind: c.kind, Text: "A /x\n", Rest: "r"})
			require.Equal(t, want, stdout("", m, view(engine, sim.Piece{Kind: c.kind, Text: "A /y\n", Rest: "r"})), "%s %s", c.kind, engine)
			require.Equal(t, sim.Bug, stdout("", m, view(engine, sim.Piece{Kind: c.kind, Text: "A /y\n", Rest: "s"})), "%s %s", c.kind, engine)
		}
	}
}

// TestFlagsAndChanges: what a command with a flag excuses, and what a change
// beside, on which engine, and what not.
func TestFlagsAndChanges(t *testing.T) {
	layers := func(cmd sim.Cmd, engine string, beside ...fs.Change) sim.Class {
		c := compare.Comparison{Cmd: cmd, Pairs: &compare.ImageMap{}, AsTyped: func(s string) string { return s }}
		return sim.Verdict(c.Of(sim.View{Layer: "a", Changes: beside}, sim.View{Layer: "b", Changes: beside, Engine: engine}))
	}
	for _, flags := range []sim.Options{{RootReadOnly: true}, {Dir: "/d"}, {User: "u"}, {CapDrop: []string{"ALL"}}} {
		cmd := sim.Cmd{Verb: "run", Options: flags}
		require.Equal(t, sim.Expected, layers(cmd, sim.Podman), "%+v", flags)
		require.Equal(t, sim.Bug, layers(cmd, sim.Docker), "%+v", flags)
		require.Equal(t, sim.Bug, layers(sim.Cmd{Verb: "run"}, sim.Podman))
	}
	require.Equal(t, sim.Bug, layers(sim.Cmd{Verb: "exec", Options: sim.Options{User: "u", Dir: "/d"}}, sim.Podman), "it makes no container")
	for path, want := range map[string]sim.Class{"/etc/hosts": sim.Expected, "/x/mtab": sim.Expected, "/etc/hosts2": sim.Bug, "/etc/hosts/x": sim.Bug} {
		change := fs.Change{Kind: fs.Modify, Path: path}
		require.Equal(t, want, layers(sim.Cmd{}, sim.Docker, change), path)
		require.Equal(t, sim.Bug, layers(sim.Cmd{}, sim.Embedded, change), path)
	}
	for path, want := range map[string]sim.Class{"/usr": sim.Limit, "/lib64": sim.Limit, "/usr/lib/x": sim.Limit, "/usr/bin": sim.Bug, "/lib": sim.Bug} {
		require.Equal(t, want, layers(sim.Cmd{}, sim.Embedded, fs.Change{Kind: fs.Delete, Path: path}), path)
		require.Equal(t, sim.Bug, layers(sim.Cmd{}, sim.Embedded, fs.Change{Kind: fs.Modify, Path: path}), path)
	}
}
