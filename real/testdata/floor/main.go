//go:build linux

// Floor builds an image of some shell commands with no more than the system
// calls that it takes: for each a clone into new namespaces, an overlay mount,
// the program, and the layer's tar with its SHA-256. It keeps no cache, tells
// nobody, and undoes nothing; what it takes is the least that any builder
// could.
//
//	floor BASE STORE COMMAND…
package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if os.Args[0] == "stage" {
		log.Fatal(stage(os.Args[1], os.Args[2], os.Args[3]))
	}
	lower, store := []string{os.Args[1]}, os.Args[2]
	var layers []string
	for i, command := range os.Args[3:] {
		dir := filepath.Join(store, string(rune('a'+i)))
		must(run(dir, strings.Join(lower, ":"), command))
		digest, err := pack(dir)
		must(err)
		layers = append(layers, digest)
		text, err := json.Marshal(map[string]any{"created_by": command, "rootfs": layers})
		must(err)
		must(os.WriteFile(filepath.Join(dir, "config"), text, 0o644))
		lower = append([]string{filepath.Join(dir, "upper")}, lower...)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// run runs one command on the layers so far.
func run(dir, lower, command string) error {
	for _, sub := range []string{"upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: []string{"stage", dir, lower, command}, Stderr: os.Stderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET}
	return cmd.Run()
}

// stage becomes the command in its container.
func stage(dir, lower, command string) error {
	merged := filepath.Join(dir, "merged")
	options := "volatile,lowerdir=" + lower + ",upperdir=" + filepath.Join(dir, "upper") + ",workdir=" + filepath.Join(dir, "work")
	for _, do := range []func() error{
		func() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") },
		func() error { return syscall.Mount("overlay", merged, "overlay", 0, options) },
		func() error { return syscall.Chdir(merged) },
		func() error { return syscall.PivotRoot(".", ".") },
		func() error { return syscall.Unmount(".", syscall.MNT_DETACH) },
		func() error { return syscall.Mount("proc", "/proc", "proc", 0, "") },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return syscall.Exec("/bin/sh", []string{"sh", "-c", command}, []string{"PATH=/bin"})
}

// pack writes a layer's tar and returns its digest.
func pack(dir string) (string, error) {
	f, err := os.Create(filepath.Join(dir, "layer"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	w := tar.NewWriter(io.MultiWriter(f, sum))
	if err := w.AddFS(os.DirFS(filepath.Join(dir, "upper"))); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), w.Close()
}
