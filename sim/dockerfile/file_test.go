package dockerfile_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"twinlayer/sim/dockerfile"
)

// told performs all of a Dockerfile but its RUNs' commands and copies, and
// returns its history and its configuration.
func told(t *testing.T, text string, args map[string]string) (lines []string, config dockerspec.DockerOCIImageConfig) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	scope, err := f.Scope(args, "linux/amd64")
	require.NoError(t, err)
	for _, s := range f.Stages {
		_, _, err := scope.Base(s)
		require.NoError(t, err)
		stage := scope.Begin(dockerspec.DockerOCIImageConfig{})
		lines = nil
		for _, c := range s.Commands {
			require.NoError(t, stage.Expand(c))
			lines = append(lines, line(t, stage, c))
		}
		config = stage.Config
	}
	return lines, config
}

func line(t *testing.T, stage *dockerfile.Stage, c instructions.Command) string {
	if run, ok := c.(*instructions.RunCommand); ok {
		argv, err := stage.RunArgv(run)
		require.NoError(t, err)
		return stage.Ran(argv)
	}
	text, err := stage.Apply(c)
	require.NoError(t, err)
	return stage.Nop(text)
}

// TestHistoryAsDocker holds the history's lines and the configuration against
// what Docker 20.10 made of the same file.
func TestHistoryAsDocker(t *testing.T) {
	text, err := os.ReadFile("testdata/all.Dockerfile")
	require.NoError(t, err)
	lines, config := told(t, string(text), map[string]string{"W": "3"})
	want, err := os.ReadFile("testdata/all.history")
	require.NoError(t, err)
	require.Equal(t, strings.Split(strings.TrimSuffix(string(want), "\n"), "\n"), lines)
	var docker map[string]any
	text, err = os.ReadFile("testdata/all.config")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &docker))
	ours := map[string]any{}
	b, err := json.Marshal(config)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &ours))
	require.Equal(t, docker, ours)
}

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		name, text string
		args       map[string]string
		want       string // the last line
	}{
		{"env wins over arg", "FROM x\nARG A=1\nENV A=2\nLABEL l=$A", map[string]string{"A": "3"}, "/bin/sh -c #(nop)  LABEL l=2"},
		{"build-arg wins over default", "FROM x\nARG A=1\nLABEL l=$A", map[string]string{"A": "3"}, "/bin/sh -c #(nop)  LABEL l=3"},
		{"global needs to be declared again", "ARG A=1\nFROM x\nLABEL l=$A", nil, "/bin/sh -c #(nop)  LABEL l="},
		{"global declared again", "ARG A=1\nFROM x\nARG A\nLABEL l=$A", nil, "/bin/sh -c #(nop)  LABEL l=1"},
		{"an ARG ends with its stage", "FROM x\nARG A=1\nFROM x\nLABEL l=$A", nil, "/bin/sh -c #(nop)  LABEL l="},
		{"default and alternative", "FROM x\nENV A=1\nLABEL l=${A:+yes}${B:-no}", nil, "/bin/sh -c #(nop)  LABEL l=yesno"},
		{"quoted", "FROM x\nENV A=1\nLABEL l='$A' m=\"$A\" n=\\$A", nil, "/bin/sh -c #(nop)  LABEL l=$A m=1 n=$A"},
		{"platform", "FROM x\nARG TARGETARCH\nLABEL l=$TARGETARCH", nil, "/bin/sh -c #(nop)  LABEL l=amd64"},
		{"ports split", "FROM x\nENV P='80 443'\nEXPOSE $P", nil, "/bin/sh -c #(nop)  EXPOSE 443 80"},
		{"run has the ARGs, not the ENV", "FROM x\nARG A=1\nARG B\nENV C=3\nRUN echo", map[string]string{"B": "2"}, "|2 A=1 B=2 /bin/sh -c echo"},
		{"a proxy leaves no trace", "FROM x\nRUN echo", map[string]string{"http_proxy": "p"}, "/bin/sh -c echo"},
		{"heredoc", "FROM x\nRUN <<EOF\na\nb\nEOF", nil, "/bin/sh -c a\nb\n"},
		{"heredoc for a command", "FROM x\nRUN cat <<EOF >f\na\nEOF", nil, "/bin/sh -c cat <<EOF >f\na\nEOF"},
		{"heredoc with an interpreter", "FROM x\nRUN <<EOF\n#!/usr/bin/python3\nprint(1)\nEOF", nil, "/usr/bin/python3 -c #!/usr/bin/python3\nprint(1)\n"},
		{"shell", "FROM x\nSHELL [\"/bin/ash\", \"-ec\"]\nRUN a", nil, "/bin/ash -ec a"},
		{"escape", "# escape=`\nFROM x\nRUN a `\n b", nil, "/bin/sh -c a  b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, _ := told(t, c.text, c.args)
			require.Equal(t, c.want, lines[len(lines)-1])
		})
	}
}

func TestErrorsShowTheLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "the Dockerfile (Dockerfile) cannot be empty"},
		{"# nothing\n", "file with no instructions"},
		{"FROM busybox\nd\n", "dockerfile parse error on line 2: unknown instruction: d (did you mean add?)\nDockerfile:2\n   1 |     FROM busybox\n   2 | >>> d"},
		{"FROM busybox\nFOO x\n", "dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)\nDockerfile:2\n   1 |     FROM busybox\n   2 | >>> FOO x"},
		{"RUN x\n", "no build stage in current context\nDockerfile:1\n   1 | >>> RUN x"},
		{"FROM busybox\nENV\n", "dockerfile parse error on line 2: ENV requires at least one argument\nDockerfile:2\n   1 |     FROM busybox\n   2 | >>> ENV"},
		{"FROM busybox\nONBUILD FROM x\n", "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger\nDockerfile:2\n   1 |     FROM busybox\n   2 | >>> ONBUILD FROM x"},
		{"FROM a\nCOPY <<EOF /x\nhi\n", "failed to parse Dockerfile: unterminated heredoc\nDockerfile:2\n   1 |     FROM a\n   2 | >>> COPY <<EOF /x\n   3 | >>> hi"},
	} {
		_, err := dockerfile.Parse("Dockerfile", []byte(c.text))
		require.Error(t, err, c.text)
		if !strings.Contains(err.Error(), c.want) {
			require.Equal(t, c.want, err.Error(), c.text)
		}
	}
}

func TestRefusedInstructions(t *testing.T) {
	for _, c := range []struct{ instruction, want string }{
		{"EXPOSE 99999", "Invalid containerPort: 99999"},
		{"EXPOSE 80/xtp", "Invalid proto: xtp"},
		{"EXPOSE 9-8", "Invalid range specified for the Port: 9-8"},
		{"STOPSIGNAL foo", "Invalid signal: foo"},
		{"WORKDIR $NONE", "cannot normalize nothing"},
		{"USER ${A:?no user}", "failed to process \"${A:?no user}\": A: no user"},
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte("FROM x\n"+c.instruction))
		require.NoError(t, err, c.instruction)
		scope, err := f.Scope(nil, "linux/amd64")
		require.NoError(t, err)
		stage := scope.Begin(dockerspec.DockerOCIImageConfig{})
		cmd := f.Stages[0].Commands[0]
		if err = stage.Expand(cmd); err == nil {
			_, err = stage.Apply(cmd)
		}
		require.EqualError(t, err, c.want, c.instruction)
	}
}

func TestSignals(t *testing.T) {
	for name, want := range map[string]string{"9": "", "SIGTERM": "", "term": "", "SIGRTMIN+3": "", "RTMAX-2": "", "0": "no", "99": "no", "RTMIN+99": "no", "TERM+1": "no"} {
		lines := "FROM x\nSTOPSIGNAL " + name
		f, err := dockerfile.Parse("Dockerfile", []byte(lines))
		require.NoError(t, err)
		scope, err := f.Scope(nil, "linux/amd64")
		require.NoError(t, err)
		_, err = scope.Begin(dockerspec.DockerOCIImageConfig{}).Apply(f.Stages[0].Commands[0])
		require.Equal(t, want == "", err == nil, name)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"FROM a\nRUN b", "ARG A=1\nFROM $A AS b\nCOPY --from=b <<E /x\n$A\nE\n", "FROM a\nONBUILD RUN x\nEXPOSE 1-2/udp\nHEALTHCHECK NONE", "# escape=`\nFROM x\nRUN a `\nb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := dockerfile.Parse("Dockerfile", []byte(text))
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		scope, err := file.Scope(map[string]string{"A": "x"}, "linux/amd64")
		if err != nil {
			return
		}
		for _, s := range file.Stages {
			if _, _, err := scope.Base(s); err != nil {
				continue
			}
			stage := scope.Begin(dockerspec.DockerOCIImageConfig{})
			for _, c := range s.Commands {
				if stage.Expand(c) != nil {
					continue
				}
				if run, ok := c.(*instructions.RunCommand); ok {
					stage.RunArgv(run)
					continue
				}
				stage.Apply(c)
			}
		}
	})
}

// TestChecksAreComments: what is for BuildKit's checks is a comment here, in a
// file, in an image's trigger and in a change of docker commit.
func TestChecksAreComments(t *testing.T) {
	for _, check := range []string{"skip=all", "skip=JSONArgsRecommended;error=true", "error=true", "experimental=all", "", "skip", "skip=;;=", "error=x"} {
		lines, _ := told(t, "FROM busybox\n# check="+check+"\nCMD echo hi\n# check="+check+"\nMAINTAINER me\n", nil)
		require.Equal(t, []string{`/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "echo hi"]`, "/bin/sh -c #(nop)  MAINTAINER me"}, lines, check)
		cmd, err := dockerfile.Trigger("# check=" + check + "\nENV A=b")
		require.NoError(t, err, check)
		require.Equal(t, "ENV", strings.ToUpper(cmd.Name()))
	}
	_, err := dockerfile.Trigger("# check=skip=all\nFROM x")
	require.EqualError(t, err, "*instructions.Stage is not a command type")
}
