//go:build linux

package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// pull downloads, checks and unpacks an image, and makes it durable.
func pull(host, name, tag, dir string) error {
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
		if err := unpack(answer.Body, l, dir); err != nil {
			return err
		}
		answer.Body.Close()
	}
	return sync(dir)
}

func unpack(r io.Reader, l ocispec.Descriptor, dir string) error {
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
			err = entry(dir, h, in, buf)
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

func entry(dir string, h *tar.Header, in io.Reader, buf []byte) (err error) {
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
