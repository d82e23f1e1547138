package docker

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/real/docker/owned"
	"twinlayer/sim"
	"twinlayer/sim/cli"
)

// directory is a machine with one directory of files, which is built from.
type directory struct {
	sim.Host
	files map[string]string
}

func (directory) Kind(string) (sim.HostKind, error) { return sim.HostDir, nil }

func (d directory) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(d.files["Dockerfile"])), nil
}

func (d directory) Tree(context.Context, string) (*fs.Tree, error) {
	b := fs.NewBuilder()
	for name, text := range d.files {
		if err := b.Put("/dir/"+name, fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(text))}); err != nil {
			return nil, err
		}
	}
	return b.Tree(), nil
}

// builds runs docker build on a directory with these files.
func builds(t *testing.T, ctx context.Context, e *Engine, files map[string]string) (sim.View, error) {
	cmd, err := cli.Parse("docker build -t app .", os.Getenv)
	require.NoError(t, err)
	var id [32]byte
	for i := range id {
		id[i] = byte(rand.Uint32())
	}
	cmd.ID, cmd.Now = hex.EncodeToString(id[:]), time.Now()
	return cli.Client{Engine: e, Host: directory{files: files}}.Do(ctx, cmd)
}

const recipe = "FROM busybox AS make\nRUN echo one > /one\nFROM busybox\nCOPY --from=make /one /\nCOPY . /all/\nENV A=b\n"

// TestBuild: every step has an image of its own, which is ours; a second build
// finds them all again. Docker does that by itself, for Podman the loop does.
func TestBuild(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		files := map[string]string{"Dockerfile": recipe, ".dockerignore": "*.log\nnode_modules\n", "a": "x", "a.log": "y"}
		first, err := builds(t, t.Context(), e, files)
		require.NoError(t, err)
		require.Zero(t, first.Exit, first.Stderr)
		require.Equal(t, !e.cfg.Podman, first.Builder.Empty(), first.Builder)
		all, err := e.Images(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 5, "busybox, and one for each instruction")
		for _, img := range all {
			require.Contains(t, first.Stdout, " ---> "+sim.Short(img.ID)+"\n")
		}
		app, err := e.Image(t.Context(), "app")
		require.NoError(t, err)
		require.Contains(t, app.Config.Config.Env, "A=b")
		layers, err := e.Layers(t.Context(), "app")
		require.NoError(t, err)
		require.Equal(t, []string{"/all", "/all/.dockerignore", "/all/Dockerfile", "/all/a"}, paths(layers[len(layers)-1]), "as they were in the directory")
		text, err := layers[len(layers)-1].Lookup("/all/.dockerignore").Data.Bytes()
		require.NoError(t, err)
		require.Equal(t, files[".dockerignore"], string(text))
		again, err := builds(t, t.Context(), e, files)
		require.NoError(t, err)
		require.Equal(t, 4, strings.Count(again.Stdout, "Using cache"))
		require.Contains(t, again.Stdout, "Successfully built "+sim.Short(app.ID))
	})
}

// TestBuildFails: the container of the step that failed can be looked at, and
// goes with the session.
func TestBuildFails(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		seen, err := builds(t, t.Context(), e, map[string]string{"Dockerfile": "FROM busybox\nENV A=b\nRUN echo out; echo err >&2; touch /left; exit 5\n"})
		require.NoError(t, err)
		require.Equal(t, 5, seen.Exit)
		require.Contains(t, seen.Stdout, "out\nerr\n")
		require.Contains(t, seen.Stderr, "returned a non-zero code: 5")
		all, err := e.Containers(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, sim.Exited, all[0].Status)
		require.Equal(t, 5, all[0].Exit)
		layer, err := e.Layer(t.Context(), all[0].Name)
		require.NoError(t, err)
		require.Equal(t, []string{"/left"}, paths(layer))
		_, err = clean(t.Context(), e.client, func(s owned.Session) bool { return s == e.session })
		require.NoError(t, err)
		all, err = e.Containers(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)
	})
}

// TestBuildInterrupted: nothing goes on when the learner has given up.
func TestBuildInterrupted(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		before := everyContainer(t, e)
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
		defer stop()
		_, err := builds(t, ctx, e, map[string]string{"Dockerfile": "FROM busybox\nRUN sleep 100\n"})
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.Eventually(t, func() bool {
			_, err := clean(t.Context(), e.client, func(s owned.Session) bool { return s == e.session })
			return err == nil && everyContainer(t, e) <= before
		}, time.Minute, 100*time.Millisecond)
	})
}

// everyContainer counts those that run, of whomever.
func everyContainer(t *testing.T, e *Engine) (n int) {
	all, err := e.client.ContainerList(t.Context(), client.ContainerListOptions{})
	require.NoError(t, err)
	for _, c := range all.Items {
		if strings.Contains(c.Command, "sleep 100") {
			n++
		}
	}
	return n
}

// TestBuildWithoutStrangers: what somebody else has built in Docker is no
// cache of ours.
func TestBuildWithoutStrangers(t *testing.T) {
	eachEngine(t, func(t *testing.T, e *Engine) {
		if e.cfg.Podman {
			return // it has no part in the loop's cache
		}
		_, err := e.Pull(t.Context(), "busybox")
		require.NoError(t, err)
		base, err := e.find(t.Context(), "busybox")
		require.NoError(t, err)
		const step = "RUN echo strange > /strange\n"
		made, err := e.client.ImageBuild(t.Context(), tarOf(t, "Dockerfile", "FROM "+base.engine.String()+"\n"+step), client.ImageBuildOptions{
			Version: build.BuilderV1, Tags: []string{"stranger.invalid/built"}, NetworkMode: "none", Remove: true})
		require.NoError(t, err)
		t.Cleanup(func() {
			e.client.ImageRemove(context.Background(), "stranger.invalid/built", client.ImageRemoveOptions{})
		})
		var said bytes.Buffer
		_, err = io.Copy(&said, made.Body)
		require.NoError(t, err)
		require.Contains(t, said.String(), "Successfully tagged")
		seen, err := builds(t, t.Context(), e, map[string]string{"Dockerfile": "FROM busybox\n" + step})
		require.NoError(t, err)
		require.Zero(t, seen.Exit, seen.Stderr)
		require.NotContains(t, seen.Stdout, "Using cache")
	})
}
