//go:build linux

package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pack writes a layer's tar and returns its digest.
func pack(dir string) (string, error) {
	f, err := os.Create(filepath.Join(dir, "layer"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	return layer(filepath.Join(dir, "upper"), f)
}

// layer writes the tar of a directory and returns its digest.
func layer(upper string, to io.Writer) (string, error) {
	sum := sha256.New()
	w := tar.NewWriter(io.MultiWriter(to, sum))
	if err := w.AddFS(os.DirFS(upper)); err != nil {
		return "", err
	}
	err := w.Close()
	return hex.EncodeToString(sum.Sum(nil)), err
}

// commit digests a directory's tar, gives its files to a directory of that
// name, by links, and makes this durable.
func commit(upper, store string) error {
	digest, err := layer(upper, io.Discard)
	if err != nil {
		return err
	}
	temp := filepath.Join(store, "new")
	if err := link(upper, temp); err != nil {
		return err
	}
	if err := os.WriteFile(temp+".config", []byte(digest), 0o644); err != nil {
		return err
	}
	if err := sync(store); err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(store, digest)); err != nil {
		return err
	}
	dir, err := os.Open(store)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func link(from, to string) error {
	return filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, name[len(from):])
		if e.IsDir() {
			return os.Mkdir(target, 0o755)
		}
		return os.Link(name, target)
	})
}

// sync makes all that is in the file system of dir durable.
func sync(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}
