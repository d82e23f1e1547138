//go:build linux

package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/suite"
)

// TestVerify changes one bit each of a layer, a cached layer, a configuration
// and a blob of the registry. Verify finds all of them, and once it was done as
// it says nothing is damaged any more.
func TestVerify(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		data := filepath.Join(p.Home, ".local/share/twinlayer")
		suite.RequireSame(t, p.Results(t, `docker run --name one busybox sh -c "echo hello > /f"
docker commit one my
docker pull debian
docker tag my localhost:5000/my
docker push -q localhost:5000/my
`))
		out, errs, exit := p.Run(t, "", "verify")
		require.Zero(t, exit, out+errs)
		require.Regexp(t, `^read in `+data+`: images 1, layers \d+, blobs \d+, blobs of the registry localhost:5000 [1-9]\n$`, out)

		flip(t, fileOf(t, data, "layers/*/tree/f", ""))
		flip(t, fileOf(t, data, "layers/*/tree/etc/debian_version", ""))
		pushed := fileOf(t, data, "registry/blobs/*", "{")
		flip(t, pushed)
		_, errs, _ = p.Run(t, "docker rmi your\n", "--real", "embedded") // its configuration is to be the only one
		require.Empty(t, errs)
		wrong, errs, exit := p.Run(t, "", "verify")
		require.Equal(t, suite.StatusBroken, exit)
		require.Regexp(t, `\d damaged in `+data, errs)
		require.Regexp(t, `layer sha256:\w+: its digest is another\n  docker rmi -f localhost:5000/my:latest my:latest, then pull or build again\n`, wrong)
		require.Regexp(t, `layer sha256:\w+: its digest is another\n  no image needs it: it is removed from the cache, and made anew when it is needed\n`, wrong)
		require.Contains(t, wrong, pushed+", of the registry localhost:5000, is damaged\n  remove the file and push its image again\n")
		inSession, _, exit := p.Run(t, "verify\n", "--real", "embedded")
		require.Zero(t, exit)
		require.Contains(t, inSession, "docker rmi -f localhost:5000/my:latest my:latest")

		require.NoError(t, os.Remove(pushed))
		_, errs, exit = p.Run(t, "docker rmi -f localhost:5000/my:latest my:latest\n", "--real", "embedded")
		require.Zero(t, exit, errs)
		out, errs, exit = p.Run(t, "", "verify")
		require.Zero(t, exit, out+errs)
		suite.RequireSame(t, p.Results(t, "docker run --rm busybox echo fine\ndocker run --name one busybox touch /f\ndocker commit one my\n"))

		flip(t, fileOf(t, data, "blobs/sha256/*", "{"))
		out, _, exit = p.Run(t, "", "verify")
		require.Equal(t, suite.StatusBroken, exit)
		require.Regexp(t, "the image my:latest in "+data+` is damaged and is left out \(.*\): pull or build it again\n`, out)

		_, errs, exit = p.Run(t, "docker run --name two busybox touch /g\ndocker commit two my\n", "--real", "embedded")
		require.Zero(t, exit, errs)
		flip(t, fileOf(t, data, "blobs/sha256/*", "{"))
		out, _, _ = p.Run(t, "docker images\n", "--real", "embedded", "--lang", "zh")
		require.Regexp(t, data+` 里的镜像\s+my:latest 坏了`, out)
	})
}

// fileOf is the one file of a pattern that begins so.
func fileOf(t *testing.T, dir, pattern, begin string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		if strings.HasPrefix(string(text), begin) {
			return name
		}
	}
	require.Fail(t, "no file fits", "%s in %s", pattern, names)
	return ""
}

// flip changes one bit of a file.
func flip(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], 1)
	require.NoError(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], 1)
	require.NoError(t, err)
}
