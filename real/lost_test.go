//go:build linux

package real_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/real"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// fatal is an engine that ends in the command that makes the volume "fatal".
type fatal struct{ sim.Engine }

func (f fatal) CreateVolume(ctx context.Context, v sim.Volume) error {
	if v.Name == "fatal" {
		f.Close()
	}
	return f.Engine.CreateVolume(ctx, v)
}

// typed runs a line in both worlds.
func typed(t *testing.T, s *session.Session, line string) sim.Result {
	t.Helper()
	r, err := s.Run(t.Context(), line, os.Getenv)
	require.NoError(t, err)
	return r
}

// TestReconnectPassesOver: a command in which the engine is lost every time is
// passed over, and both worlds go on without what it made.
func TestReconnectPassesOver(t *testing.T) {
	data := t.TempDir()
	s := bothAt(t, data)
	s.Real = fatal{s.Real}
	s.Open = func(context.Context) (sim.Engine, error) { return fatal{bothAt(t, data).Real}, nil }
	agreed(t, s, "docker volume create before")
	r := typed(t, s, "docker volume create fatal")
	require.Nil(t, r.Real)
	require.Equal(t, sim.Limit, r.Verdict)
	require.ErrorAs(t, s.Broken(), new(*sim.Lost))
	typed(t, s, "docker volume create after")
	done, err := s.Reconnect(t.Context())
	require.NoError(t, err)
	require.Equal(t, session.Reconnected{Ran: 2, Passed: []string{"docker volume create fatal"}}, done)
	require.Equal(t, "after\nbefore\n", agreed(t, s, "docker volume ls -q").Model.Stdout)
	done, err = s.Reconnect(t.Context())
	require.NoError(t, err)
	require.Empty(t, done.Passed)
}

// TestReconnectAnew: what commands have left in the store before the engine was
// lost is not there twice once they were run again, and what they have written
// to a volume twice is so in both worlds.
func TestReconnectAnew(t *testing.T) {
	data := t.TempDir()
	s := bothAt(t, data)
	s.Open = func(context.Context) (sim.Engine, error) { return bothAt(t, data).Real, nil }
	agreed(t, s, "docker run --name one busybox sh -c 'echo 1 > /etc/x'")
	agreed(t, s, "docker commit one my:2")
	agreed(t, s, "docker tag my:2 other")
	agreed(t, s, "docker run --name two my:2 sh -c 'echo 2 > /etc/y'")
	agreed(t, s, "docker commit two my:3")
	agreed(t, s, "docker run --rm -v v1:/data busybox sh -c 'echo 1 >> /data/n'")
	time.Sleep(time.Second) // files have another time then
	s.Real.Close()
	typed(t, s, "docker volume create v2")
	require.Error(t, s.Broken())
	done, err := s.Reconnect(t.Context())
	require.NoError(t, err)
	require.Equal(t, session.Reconnected{Ran: 7}, done)
	require.Equal(t, "my:3\nmy:2\nother:latest\nbusybox:latest\n", agreed(t, s, "docker images -a --format {{.Repository}}:{{.Tag}}").Real.Stdout)
	require.Equal(t, "1\n1\n", agreed(t, s, "docker run --rm -v v1:/data busybox cat /data/n").Model.Stdout)
	require.Equal(t, "2\n", agreed(t, s, "docker run --rm my:3 cat /etc/y").Model.Stdout)
	agreed(t, s, "docker ps -a --format '{{.Names}} {{.Image}}'")
}

// TestReconnectGone: what was in the store when the session began and is not
// any more cannot be run again; the model takes that over.
func TestReconnectGone(t *testing.T) {
	data, _, _ := imported(t)
	s := bothAt(t, data)
	s.Open = func(context.Context) (sim.Engine, error) { return bothAt(t, data).Real, nil }
	agreed(t, s, "docker create --name it one /one")
	agreed(t, s, "docker rmi -f one")
	s.Real.Close()
	typed(t, s, "docker volume create v2")
	_, err := s.Reconnect(t.Context())
	require.NoError(t, err)
	require.Empty(t, agreed(t, s, "docker ps -aq").Model.Stdout)
	agreed(t, s, "docker images -a --format {{.Repository}}")
}

// breaking is a registry of the model that fails as the model itself might.
type breaking struct {
	sim.Registry
	fail func() error
}

func (b breaking) Resolve(ctx context.Context, repository, version string) (*sim.Artifact, error) {
	if repository == "hello-world" {
		return nil, b.fail()
	}
	return b.Registry.Resolve(ctx, repository, version)
}

// TestModelBreaks: what the model cannot do it takes over from the real
// engine, and a fault of its own is no more than that, and told.
func TestModelBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		fail    func() error
		verdict sim.Class
	}{
		"an error": {func() error { return errors.New("it does not work") }, sim.Limit},
		"a panic":  {func() error { panic("it does not work") }, sim.Bug},
	} {
		t.Run(name, func(t *testing.T) {
			s := bothAt(t, t.TempDir())
			exe, err := os.Executable()
			require.NoError(t, err)
			images := bundle.New(platform.Host(), bundle.File(exe), userland.Applets())
			info, err := s.Real.Info(t.Context())
			require.NoError(t, err)
			s.Model = model.New(model.Config{Facts: real.Facts(), Registry: breaking{images, c.fail}, Programs: images.Programs, IDs: info.IDs, Spool: real.Spool, Sleep: userland.SleepFor})
			agreed(t, s, "docker run --name before busybox touch /x")
			r := typed(t, s, "docker run --name it hello-world")
			require.Equal(t, c.verdict, r.Verdict)
			require.Contains(t, say.Text(r.Differences[len(r.Differences)-1].Reason)+say.Text(r.Differences[0].Reason), "it does not work")
			require.NotNil(t, r.Real)
			require.Equal(t, "it\nbefore\n", agreed(t, s, "docker ps -a --format {{.Names}}").Model.Stdout)
			agreed(t, s, "docker run --rm hello-world")
			agreed(t, s, "docker diff before")
			agreed(t, s, "docker rm it before")
			agreed(t, s, "docker rmi hello-world")
		})
	}
}

// imported is a data directory with the images one and two, and the names of
// the files that hold one's parts.
func imported(t *testing.T) (data, config, layer string) {
	data = t.TempDir()
	s := bothAt(t, data)
	var ids []string
	for _, name := range []string{"one", "two"} {
		b := fs.NewBuilder()
		require.NoError(t, b.Put("/"+name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf(bytes.Repeat([]byte(name), 5000))}))
		tar := filepath.Join(t.TempDir(), name+".tar")
		f, err := os.Create(tar)
		require.NoError(t, err)
		require.NoError(t, b.Tree().WriteTar(f))
		require.NoError(t, f.Close())
		agreed(t, s, "docker import "+tar+" "+name)
		img, err := s.Real.Image(t.Context(), name)
		require.NoError(t, err)
		ids = append(ids, img.ID.Encoded(), img.Layers[0].Encoded())
	}
	require.NoError(t, s.Real.Close())
	return data, filepath.Join(data, "blobs/sha256", ids[0]), filepath.Join(data, "layers", ids[1])
}

// flip damages a byte in the middle of a file.
func flip(t *testing.T, name string) {
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	content[len(content)/2] ^= 0x55
	require.NoError(t, os.WriteFile(name, content, 0o644))
}

// TestDamagedImage: an image of which a part is damaged is told of and left
// out; the others are there, and so is the session.
func TestDamagedImage(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, config, layer string){
		"configuration":    func(t *testing.T, config, layer string) { flip(t, config) },
		"no configuration": func(t *testing.T, config, layer string) { require.NoError(t, os.Remove(config)) },
		"meta":             func(t *testing.T, config, layer string) { require.NoError(t, os.Truncate(layer+"/meta", 10)) },
		"another's meta": func(t *testing.T, config, layer string) {
			require.NoError(t, os.WriteFile(layer+"/meta", []byte("{}"), 0o644))
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, config, layer := imported(t)
			damage(t, config, layer)
			s := bothAt(t, data)
			r := agreed(t, s, "docker images --format {{.Repository}}")
			require.Equal(t, "two\n", r.Real.Stdout)
			require.Equal(t, sim.Limit, r.Verdict)
			require.Contains(t, say.Text(r.Differences[0].Reason), "the image one:latest in "+data+" is damaged")
			require.Contains(t, say.Text(r.Differences[0].Reason), "pull or build it again")
			require.Equal(t, sim.Same, agreed(t, s, "docker history -q two").Verdict, "it is told once")
			agreed(t, s, "docker run --rm busybox true")
		})
	}
}

// TestDamagedMeanwhile: the same in the middle of a session.
func TestDamagedMeanwhile(t *testing.T) {
	data, config, _ := imported(t)
	s := bothAt(t, data)
	agreed(t, s, "docker volume ls")
	flip(t, config)
	fresh := bothAt(t, data)
	require.Equal(t, "two\n", agreed(t, fresh, "docker images --format {{.Repository}}").Real.Stdout)
}

// TestDamagedLayer: the model cannot read a layer whose frame is damaged, which
// the real engine only needs to send it. It says so and follows.
func TestDamagedLayer(t *testing.T) {
	data, _, layer := imported(t)
	flip(t, layer+"/frame")
	s := bothAt(t, data)
	r := agreed(t, s, "docker create --name it one /one")
	require.Equal(t, sim.Limit, r.Verdict)
	require.Contains(t, say.Text(r.Differences[0].Reason), "image layer 1 cannot be read")
	r = typed(t, s, "docker save -o "+filepath.Join(t.TempDir(), "x.tar")+" one")
	require.Equal(t, 1, r.Real.Exit)
	require.Contains(t, r.Real.Stderr, "damaged")
	for _, line := range []string{"docker start -a it", "docker diff it", "docker cp it:/one " + t.TempDir(), "docker commit it three", "docker run --name more one /nosuch", "docker rm it more"} {
		r := typed(t, s, line)
		require.NoError(t, s.Broken())
		require.NotEqual(t, sim.Bug, r.Verdict, "%s: %v", line, r.Differences)
	}
	agreed(t, s, "docker run --name other busybox touch /x")
	require.Equal(t, "A /x\n", agreed(t, s, "docker diff other").Model.Stdout)
	agreed(t, s, "docker rmi one three")
	require.Equal(t, sim.Same, agreed(t, s, "docker images --format {{.Repository}}").Verdict)
}

// TestBuildCannotStart: where only the real engine knows that the container of
// a step cannot be started, neither world has started it.
func TestBuildCannotStart(t *testing.T) {
	for name, dir := range map[string]string{"beyond the model": "/bad/x", "a descriptor": "/descriptor"} {
		t.Run(name, func(t *testing.T) {
			s := bothAt(t, t.TempDir())
			dockerfile := filepath.Join(t.TempDir(), "Dockerfile")
			require.NoError(t, os.WriteFile(dockerfile, []byte("FROM busybox\nRUN ln -s /proc/nosuch/fd /bad && ln -s /proc/self/fd/99 /descriptor\nWORKDIR "+dir+"\nRUN pwd\n"), 0o644))
			r := typed(t, s, "docker build -t w "+filepath.Dir(dockerfile))
			require.NotEqual(t, sim.Bug, r.Verdict, "%v", r.Differences)
			require.Contains(t, r.Model.Stderr, "chdir to cwd")
			require.Equal(t, r.Real.Stderr, r.Model.Stderr)
			require.Equal(t, r.Real.Exit, r.Model.Exit)
			require.EqualValues(t, sim.Created, r.Model.Containers[0].Status)
			require.NotEqual(t, sim.Bug, typed(t, s, "docker ps -a").Verdict)
		})
	}
}

// TestGoBack: both worlds are as they were after an earlier command, whatever
// was run, built, pulled or removed since.
func TestGoBack(t *testing.T) {
	data := t.TempDir()
	s := bothAt(t, data)
	s.Open = func(context.Context) (sim.Engine, error) { return bothAt(t, data).Real, nil }
	look := func() (all string) {
		for _, line := range []string{"docker images -a --format {{.Repository}}:{{.Tag}}", "docker ps -a --format '{{.Names}} {{.Image}}'", "docker volume ls -q"} {
			all += agreed(t, s, line).Real.Stdout
		}
		return all
	}
	start := s.Point()
	agreed(t, s, "docker volume create kept")
	agreed(t, s, "docker run --name one -v kept:/data busybox sh -c 'echo 1 | tee /etc/x >> /data/n'")
	agreed(t, s, "docker commit one my:1")
	before, point := look(), s.Point()
	agreed(t, s, "docker rm one")
	agreed(t, s, "docker run --name two -v new:/data my:1 sh -c 'rm /etc/x; echo 2 >> /data/n'")
	agreed(t, s, "docker run --rm -v kept:/data hello-world")
	agreed(t, s, "docker run --rm -v kept:/data busybox sh -c 'echo 2 >> /data/n'")
	agreed(t, s, "docker commit two my:2")
	after, later := look(), s.Point()
	require.NotEqual(t, before, after)

	_, err := s.GoBack(t.Context(), point)
	require.NoError(t, err)
	require.Equal(t, before, look())
	require.Equal(t, "1\n", agreed(t, s, "docker run --rm -v kept:/data my:1 cat /etc/x").Real.Stdout)
	require.Equal(t, "1\n", agreed(t, s, "docker run --rm -v kept:/data my:1 cat /data/n").Real.Stdout)
	require.Equal(t, sim.Same, agreed(t, s, "docker diff one").Verdict)

	_, err = s.GoBack(t.Context(), later)
	require.NoError(t, err)
	require.Equal(t, after, look())
	require.Equal(t, "1\n2\n", agreed(t, s, "docker run --rm -v kept:/data my:2 cat /data/n").Real.Stdout)

	_, err = s.GoBack(t.Context(), start)
	require.NoError(t, err)
	require.Empty(t, look())
	require.NoError(t, s.Broken())
}

// TestGoBackInLesson: what belongs to a lesson is not gone back to from
// outside it, nor the other way, and nothing is lost by asking.
func TestGoBackInLesson(t *testing.T) {
	s := both(t)
	agreed(t, s, "docker volume create before")
	outside := s.Point()
	s.BeginScratch(t.Context())
	agreed(t, s, "docker volume create inside")
	inside := s.Point()
	_, err := s.GoBack(t.Context(), outside)
	require.ErrorAs(t, err, new(*say.Error))
	agreed(t, s, "docker volume rm inside")
	s.EndScratch(t.Context())
	_, err = s.GoBack(t.Context(), inside)
	require.ErrorAs(t, err, new(*say.Error))
	require.Equal(t, "before\n", agreed(t, s, "docker volume ls -q").Real.Stdout)
}
