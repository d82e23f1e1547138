package cli_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/model"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

func TestParse(t *testing.T) {
	noEnv := func(string) string { return "" }
	c, err := cli.Parse(`docker run -it --rm --name=c1 -e A=1 -eB=2 busybox sh -c 'echo "a b"'`, noEnv)
	require.NoError(t, err)
	require.Equal(t, "run", c.Verb)
	require.Equal(t, []string{"busybox", "sh", "-c", `echo "a b"`}, c.Args)
	require.Equal(t, []string{"A=1", "B=2"}, c.Env)
	require.True(t, c.Interactive && c.TTY && c.Remove && c.Options.Name == "c1")

	c, err = cli.Parse("container ls -aq", noEnv)
	require.NoError(t, err)
	require.True(t, c.Verb == "ps" && c.All && c.Quiet)

	c, err = cli.Parse("docker run $IMG", func(name string) string { return map[string]string{"IMG": "busybox"}[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"busybox"}, c.Args)
}

// The texts are those of the docker command, version 28.
func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]sim.Refusal{
		"run --frob x": {Text: "unknown flag: --frob\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information", Exit: 125},
		"ps -Z":        {Text: "unknown shorthand flag: 'Z' in -Z\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information", Exit: 125},
		"run --name":   {Text: "flag needs an argument: --name\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information", Exit: 125},
		"docker frob":  {Text: "docker: unknown command: docker frob\n\nRun 'docker --help' for more information", Exit: 1, Kind: sim.UnknownCommand, Subject: "frob"},
		"ps a":         {Text: "docker: 'docker ps' accepts no arguments\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information", Exit: 1},
		"pull":         {Text: "docker: 'docker pull' requires 1 argument\n\nUsage:  docker pull [OPTIONS] NAME[:TAG|@DIGEST]\n\nRun 'docker pull --help' for more information", Exit: 1},
		"tag a":        {Text: "docker: 'docker tag' requires 2 arguments\n\nUsage:  docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\nRun 'docker tag --help' for more information", Exit: 1},
		"rm":           {Text: "docker: 'docker rm' requires at least 1 argument\n\nUsage:  docker rm [OPTIONS] CONTAINER [CONTAINER...]\n\nSee 'docker rm --help' for more information", Exit: 1},
		"exec a":       {Text: "docker: 'docker exec' requires at least 2 arguments\n\nUsage:  docker exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nSee 'docker exec --help' for more information", Exit: 1},
	} {
		_, err := cli.Parse(line, func(string) string { return "" })
		require.Equal(t, &want, err, line)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"docker run -it busybox", "ps -a", "run 'x", "run $(x)", "\x00", "docker rm -f a b", "inspect -f '{{.Id}}' x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if c, err := cli.Parse(line, func(string) string { return "v" }); err == nil {
			require.NotEmpty(t, c.Verb)
		}
	})
}

func TestRandomName(t *testing.T) {
	require.Equal(t, sim.RandomName(7), sim.RandomName(7))
	require.NotEqual(t, sim.RandomName(7), sim.RandomName(8))
}

// FuzzDocker: no command line breaks the parser, the model, or the words that
// are printed of it.
func FuzzDocker(f *testing.F) {
	for _, v := range cli.Verbs() {
		f.Add("docker " + v.Name + " a b")
		f.Add("docker " + v.Name + " -f x")
	}
	for _, line := range []string{
		"run -v a:/b:ro x", "run --mount type=tmpfs,dst=/t x", "ps --format '{{.X}}'", "ps --filter a=b", "logs --tail -1 x", "images --filter reference=[ x",
		"cp a:/b c", "volume create 'x y'", "inspect -f '{{range .}}' x", "system df -v", "ps -n -9", "create --memory 1x x", "ps --format '{{truncate .ID -1}}'",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s := &session.Session{Model: model.New(model.Config{Registry: nothing{}, Programs: func(*fs.Data) userland.Program { return nil }})}
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_, err := s.Run(ctx, line, func(string) string { return "v" })
		require.NoError(t, err)
	})
}

// nothing is a registry without images.
type nothing struct{}

func (nothing) Resolve(_ context.Context, repository, _ string) (*sim.Artifact, error) {
	return nil, sim.PullDenied(repository)
}
