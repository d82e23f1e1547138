//go:build linux

package runtime

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"twinlayer/sim"
)

// Probe does in the empty directory dir what containers will need of the
// kernel and of the file system. First it mounts an overlay and deletes a file
// of its lower layer: overlay says what is wrong with that. Then it starts a
// container: start says what is wrong with that. Its program is an empty file,
// so that all is done of a container but to run one.
func Probe(dir string) (overlay, start error) {
	defer os.RemoveAll(dir)
	r := Root{
		Dir: dir, Lower: []string{"lower"}, Upper: "upper", Work: "work", Merged: filepath.Join(dir, "merged"),
	}
	if err := r.probe(); err != nil {
		return err, nil
	}
	return nil, r.probeStart()
}

const probeProgram = "program"

func (r Root) probe() error {
	for _, sub := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(r.Dir, sub), 0o755); err != nil {
			return err
		}
	}
	for _, name := range []string{"file", probeProgram} {
		if err := os.WriteFile(filepath.Join(r.Dir, "lower", name), nil, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Setxattr(filepath.Join(r.Dir, "upper"), "user.overlay.probe", []byte("y"), 0); err != nil {
		return &os.PathError{Op: "setting a user.* attribute of", Path: r.Dir, Err: err}
	}
	if err := r.mount(); err != nil {
		return err
	}
	defer unix.Unmount(r.Merged, unix.MNT_DETACH)
	return os.Remove(filepath.Join(r.Merged, "file"))
}

func (r Root) probeStart() error {
	privileges, err := NewPrivileges(sim.AllCapabilities)
	if err != nil {
		return err
	}
	r.Work = "work2" // a volatile mount leaves its mark in the first
	if err := os.Mkdir(filepath.Join(r.Dir, r.Work), 0o755); err != nil {
		return err
	}
	p, err := Start(Spec{Process: Process{Args: []string{"/" + probeProgram}, Privileges: privileges}, Root: r, Hostname: "probe"}, nil, false)
	if err != nil {
		return err
	}
	p.Kill()
	p.Wait()
	p.Close()
	return nil
}
