//go:build linux

package embedded_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded"
	"twinlayer/sim"
)

// BenchmarkPullDebian pulls and unpacks a Debian from a registry on the
// loopback, beside docker and beside a program that does no more than it must.
// Each goes into a new directory: unpacking where something was just removed
// is slower on ext4.
func BenchmarkPullDebian(b *testing.B) {
	push(b, "debian:bench", v1.Config{}, debian(b))
	b.Run("floor", func(b *testing.B) {
		dir := scratch(b)
		for i := 0; b.Loop(); i++ {
			if err := floor(host, "debian", "bench", filepath.Join(dir, fmt.Sprint(i))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("twinlayer", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			e := start(b, embedded.Config{DataDir: scratch(b)})
			b.StartTimer()
			if _, err := e.Pull(b.Context(), host+"/debian:bench"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("docker", func(b *testing.B) {
		docker(b, "version")
		for b.Loop() {
			if out, err := exec.Command("docker", "pull", host+"/debian:bench").CombinedOutput(); err != nil {
				b.Fatal(string(out))
			}
			b.StopTimer()
			docker(b, "rmi", host+"/debian:bench")
			b.StartTimer()
		}
	})
}

// floor downloads, checks and unpacks an image, and makes it durable.
func floor(host, name, tag, dir string) error {
	get := func(kind, reference string) (*http.Response, error) {
		request, err := http.NewRequest("GET", "http://"+host+"/v2/"+name+"/"+kind+"/"+reference, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Accept", ocispec.MediaTypeImageManifest+", application/vnd.docker.distribution.manifest.v2+json")
		return http.DefaultClient.Do(request)
	}
	answer, err := get("manifests", tag)
	if err != nil {
		return err
	}
	var manifest ocispec.Manifest
	err = json.NewDecoder(answer.Body).Decode(&manifest)
	answer.Body.Close()
	if err != nil {
		return err
	}
	for _, l := range manifest.Layers {
		answer, err := get("blobs", l.Digest.String())
		if err != nil {
			return err
		}
		if err := floorLayer(answer.Body, l, dir); err != nil {
			return err
		}
		answer.Body.Close()
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

func floorLayer(r io.Reader, l ocispec.Descriptor, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	blob, err := os.Create(dir + ".blob")
	if err != nil {
		return err
	}
	defer blob.Close()
	sum, plain := sha256.New(), sha256.New()
	r = io.TeeReader(r, io.MultiWriter(sum, blob))
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	tee := io.TeeReader(z, plain)
	in := tar.NewReader(tee)
	for buf := make([]byte, 256<<10); ; {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = floorEntry(dir, h, in, buf)
		}
		if err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); got != l.Digest.String() {
		return errors.New(got)
	}
	return nil
}

func floorEntry(dir string, h *tar.Header, in io.Reader, buf []byte) (err error) {
	name := filepath.Join(dir, h.Name)
	switch h.Typeflag {
	case tar.TypeDir:
		if err := os.Mkdir(name, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	case tar.TypeReg:
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{f}, in, buf)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := os.Symlink(h.Linkname, name); err != nil {
			return err
		}
	case tar.TypeLink:
		return os.Link(filepath.Join(dir, h.Linkname), name)
	default:
		return unix.Mknod(name, unix.S_IFCHR|0o600, 0)
	}
	if err := os.Lchown(name, h.Uid, h.Gid); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeSymlink {
		if err := unix.Chmod(name, uint32(h.Mode)&0o7777); err != nil {
			return err
		}
	}
	t := unix.NsecToTimespec(h.ModTime.UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{t, t}, unix.AT_SYMLINK_NOFOLLOW)
}

// BenchmarkLayersDebian hands the layer of a Debian to the model.
func BenchmarkLayersDebian(b *testing.B) {
	data := scratch(b)
	e := start(b, embedded.Config{DataDir: data})
	_, err := e.Import(b.Context(), sim.Import{Root: bytes.NewReader(debian(b)), Ref: "debian"})
	require.NoError(b, err)
	require.NoError(b, e.Close())
	for b.Loop() {
		b.StopTimer()
		e := start(b, embedded.Config{DataDir: data})
		b.StartTimer()
		if _, err := e.Layers(b.Context(), "debian"); err != nil {
			b.Fatal(err)
		}
	}
}
