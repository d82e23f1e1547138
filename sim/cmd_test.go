package sim

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
)

func TestParse(t *testing.T) {
	noEnv := func(string) string { return "" }
	c, err := Parse(`docker run -it --rm --name=c1 -e A=1 -eB=2 busybox sh -c 'echo "a b"'`, noEnv)
	require.NoError(t, err)
	require.Equal(t, "run", c.Verb)
	require.Equal(t, []string{"busybox", "sh", "-c", `echo "a b"`}, c.Args)
	require.Equal(t, []string{"A=1", "B=2"}, c.Env)
	require.True(t, c.Interactive && c.TTY && c.Remove && c.Options.Name == "c1")

	c, err = Parse("container ls -aq", noEnv)
	require.NoError(t, err)
	require.True(t, c.Verb == "ps" && c.All && c.Quiet)

	c, err = Parse("docker run $IMG", func(name string) string { return map[string]string{"IMG": "busybox"}[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"busybox"}, c.Args)
}

// The texts are those of the docker command, version 28.
func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]Refusal{
		"run --frob x": {"unknown flag: --frob\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information", 125},
		"ps -Z":        {"unknown shorthand flag: 'Z' in -Z\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information", 125},
		"run --name":   {"flag needs an argument: --name\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nRun 'docker run --help' for more information", 125},
		"docker frob":  {"docker: unknown command: docker frob\n\nRun 'docker --help' for more information", 1},
		"ps a":         {"docker: 'docker ps' accepts no arguments\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information", 1},
		"pull":         {"docker: 'docker pull' requires 1 argument\n\nUsage:  docker pull [OPTIONS] NAME[:TAG|@DIGEST]\n\nRun 'docker pull --help' for more information", 1},
		"tag a":        {"docker: 'docker tag' requires 2 arguments\n\nUsage:  docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]\n\nRun 'docker tag --help' for more information", 1},
		"rm":           {"docker: 'docker rm' requires at least 1 argument\n\nUsage:  docker rm [OPTIONS] CONTAINER [CONTAINER...]\n\nSee 'docker rm --help' for more information", 1},
		"exec a":       {"docker: 'docker exec' requires at least 2 arguments\n\nUsage:  docker exec [OPTIONS] CONTAINER COMMAND [ARG...]\n\nSee 'docker exec --help' for more information", 1},
	} {
		_, err := Parse(line, func(string) string { return "" })
		require.Equal(t, &want, err, line)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"docker run -it busybox", "ps -a", "run 'x", "run $(x)", "\x00", "docker rm -f a b", "inspect -f '{{.Id}}' x"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if c, err := Parse(line, func(string) string { return "v" }); err == nil {
			require.NotEmpty(t, c.Verb)
		}
	})
}

func TestRandomName(t *testing.T) {
	require.Equal(t, RandomName(7), RandomName(7))
	require.NotEqual(t, RandomName(7), RandomName(8))
}

func TestCompareClasses(t *testing.T) {
	require.Equal(t, Same, Verdict(Compare(View{Stdout: "a"}, View{Stdout: "a"})))
	require.Equal(t, Bug, Verdict(Compare(View{Stdout: "a"}, View{Stdout: "b"})))
	require.Equal(t, Bug, Verdict(Compare(View{Layer: "a"}, View{Layer: "b"})))
	require.Equal(t, Limit, Verdict(Compare(View{Unknown: "it cannot"}, View{Exit: 7})))
	clock := Compare(View{Stdout: "Up 2 seconds\n"}, View{Stdout: "Up 3 seconds\n"})
	require.Equal(t, Expected, Verdict(clock))
	require.Contains(t, clock[0].Reason, "clock")
	require.Equal(t, Bug, Verdict(Compare(View{Stdout: "Up 2 seconds\n"}, View{Stdout: "Down 3 seconds\n"})))
	exists := Compare(View{Stdout: "0123456789ab: Pull complete\n"}, View{Stdout: "0123456789ab: Already exists\n"})
	require.Equal(t, Expected, Verdict(exists))
}

// FuzzDocker: no command line breaks the parser, the model, or the words that
// are printed of it.
func FuzzDocker(f *testing.F) {
	for _, v := range verbs {
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
		s := &Session{Model: NewModel(ModelConfig{Registry: nothing{}, Programs: func(*fs.Data) Program { return nil }})}
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_, err := s.Run(ctx, line, func(string) string { return "v" })
		require.NoError(t, err)
	})
}

// nothing is a registry without images.
type nothing struct{}

func (nothing) Resolve(_ context.Context, repository, _ string) (*Artifact, error) {
	return nil, PullDenied(repository)
}
