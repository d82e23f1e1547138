//go:build linux

package program

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
)

// The two options that a container needs for twinlayer to run in it.
var unconfined = map[string][]string{
	"docker": {"--security-opt", "seccomp=unconfined", "--security-opt", "systempaths=unconfined"},
	"podman": {"--security-opt", "seccomp=unconfined", "--security-opt", "unmask=ALL"},
}

// TestInsideContainer runs twinlayer in containers, as root and as an ordinary
// user. In an ordinary one, or one with a single of the two options, it says in
// one sentence what is missing and goes on with the model; with both it works.
func TestInsideContainer(t *testing.T) {
	suite.NeedLinux(t)
	for engine, options := range unconfined {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			image := emptyImage(t, engine)
			for _, user := range []string{"0:0", "1000:1000", "1000"} {
				for name, some := range map[string][]string{"default": nil, "seccomp": options[:2], "paths": options[2:]} {
					t.Run(user+" "+name, func(t *testing.T) {
						all, stderr := runInside(t, engine, image, user, some)
						for _, r := range all {
							require.Nil(t, r.Real)
							require.Equal(t, sim.Limit, r.Verdict)
						}
						require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
						require.Contains(t, stderr, "twinlayer: model only: the embedded engine cannot run here: ")
						require.Contains(t, stderr, "start that container with --security-opt seccomp=unconfined and")
						for _, option := range options {
							require.Contains(t, stderr, option)
						}
						require.NotContains(t, stderr, "privileged")
					})
				}
				t.Run(user+" unconfined", func(t *testing.T) {
					all, stderr := runInside(t, engine, image, user, options)
					require.Empty(t, stderr)
					require.Contains(t, all[0].Model.Stdout, "uid=0(root)")
					for _, r := range all {
						require.NotNil(t, r.Real)
						require.Equal(t, "embedded", r.Real.Engine)
						for _, d := range r.Differences {
							require.NotEqual(t, sim.Bug, d.Class, "%s\nmodel: %s\nreal:  %s", d.What, d.Model, d.Real)
						}
					}
				})
			}
		})
	}
}

// emptyImage is an image with nothing in it.
func emptyImage(t *testing.T, engine string) string {
	if err := exec.Command(engine, "info").Run(); err != nil {
		testenv.Lacking(t, "%s is missing", engine)
	}
	image := "twinlayer-test-inside:" + strings.ToLower(strings.NewReplacer("/", "-").Replace(t.Name()))
	var tar bytes.Buffer
	require.NoError(t, rootTar(&tar))
	load := exec.Command(engine, "import", "-", image)
	load.Stdin = &tar
	out, err := load.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { exec.Command(engine, "rmi", "-f", image).Run() })
	return image
}

// runInside runs lines in a twinlayer in a container, which has the host's
// programs and libraries.
func runInside(t *testing.T, engine, image, user string, options []string) (all []sim.Result, stderr string) {
	home := suite.HomeFor(t, nil)
	require.NoError(t, os.Chmod(home, 0o777))
	args := []string{"run", "-i", "--rm", "--network", "none", "--user", user, "-e", "HOME=/home/it", "-v", home + ":/home/it", "-v", suite.Binary + ":/twinlayer:ro"}
	for _, dir := range []string{"/usr", "/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			args = append(args, "-v", dir+":"+dir+":ro")
		}
	}
	args = append(append(args, options...), image, "/twinlayer", "--json")
	cmd := exec.Command(engine, args...)
	cmd.Stdin = strings.NewReader("docker run --rm busybox id\ndocker run --rm busybox ls -ln /\ndocker run --rm busybox ls -ld /proc /sys /dev/null\ndocker run --rm -h box busybox hostname\n")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if status := cmd.ProcessState.ExitCode(); status == 125 || status == 126 { // docker run's own
		testenv.Lacking(t, "a %s that can run containers here is missing: %s", engine, &errs)
	}
	require.NoError(t, err, "%s%s", &out, &errs)
	all = suite.ResultsIn(t, out.String())
	require.Len(t, all, 4)
	return all, errs.String()
}

// rootTar is the root file system of a container without files.
func rootTar(w io.Writer) error {
	b := fs.NewBuilder()
	if err := b.Put("/home/it", fs.Node{Mode: fs.S_IFDIR | 0o755}); err != nil {
		return err
	}
	return b.Tree().WriteTar(w)
}
