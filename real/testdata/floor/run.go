//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// live runs a program in a container, and removes that.
func live(base, dir string, args []string) error {
	if err := run(dir, base, args); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// run runs a program on the layers lower: a clone into new namespaces, an
// overlay mount, and the program.
func run(dir, lower string, args []string) error {
	for _, sub := range []string{"upper", "work", "merged"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	cmd := &exec.Cmd{Path: "/proc/self/exe", Args: append([]string{"stage", dir, lower}, args...), Stdout: os.Stdout, Stderr: os.Stderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET}
	return cmd.Run()
}

// stage becomes the program in its container.
func stage(dir, lower, program string, args []string) error {
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
	return syscall.Exec(program, append([]string{filepath.Base(program)}, args...), []string{"PATH=/bin"})
}
