package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/overlay"
	"twinlayer/fs/tartest"
	"twinlayer/fs/testenv"
)

var update = flag.Bool("update", false, "TestTars writes what Docker says")

// TestTars has Docker unpack the tars that are hard to unpack, and looks at
// what its overlay2 driver has made of them.
func TestTars(t *testing.T) {
	if _, err := exec.LookPath("docker"); err != nil || os.Getuid() != 0 || os.Getenv("DOCKER_HOST") == "" {
		testenv.Lacking(t, "a running Docker (DOCKER_HOST), its command, and the right to read its directories are missing")
	}
	cases, err := tartest.Cases()
	require.NoError(t, err)
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if *update {
				cases[i].Result = dockersLayer(t, tartest.Pack(c.Entries))
				return
			}
			testenv.Sample(t, i, len(cases), 10)
			require.Equal(t, c.Result, dockersLayer(t, tartest.Pack(c.Entries)))
		})
	}
	if *update {
		require.NoError(t, tartest.Write("../../fs/tartest/testdata/tars.txt", cases))
	}
}

// dockersLayer imports a tar and lists the directory of its layer.
func dockersLayer(t *testing.T, packed []byte) []string {
	start := time.Now().Add(-time.Second)
	cmd := exec.Command("docker", "import", "-")
	cmd.Stdin = bytes.NewReader(packed)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return []string{"error " + tartest.Said(daemons(string(exit.Stderr)))}
	}
	require.NoError(t, err)
	id := strings.TrimSpace(string(out))
	defer exec.Command("docker", "rmi", "-f", id).Run()
	out, err = exec.Command("docker", "inspect", id).Output()
	require.NoError(t, err)
	var images []struct {
		Size        int64
		GraphDriver struct{ Data struct{ UpperDir string } }
	}
	require.NoError(t, json.Unmarshal(out, &images))
	list := listUpper(t, images[0].GraphDriver.Data.UpperDir, start)
	return append([]string{fmt.Sprint("size ", images[0].Size)}, list...)
}

func listUpper(t *testing.T, dir string, now time.Time) []string {
	if dir == "" {
		testenv.Lacking(t, "Docker's overlay2 driver is missing")
	}
	contents, err := os.Create(filepath.Join(t.TempDir(), "contents"))
	require.NoError(t, err)
	defer contents.Close()
	entries, err := overlay.ReadUpper(t.Context(), dir, contents)
	require.NoError(t, err)
	tree, err := overlay.Tree(entries, contents, nil)
	require.NoError(t, err)
	list, err := tartest.List(tree, now)
	require.NoError(t, err)
	return list
}

// daemons is an error of the daemon's.
func daemons(text string) error {
	return errors.New(strings.TrimPrefix(text, "Error response from daemon: "))
}
