//go:build !linux

package userland

import (
	"context"
	"os"
	"os/exec"
	"runtime"

	"twinlayer/fs"
)

var hostSignals = []os.Signal{os.Interrupt}

func hostPipeSignal(bool) {}

func abort() { os.Exit(134) }

func hostTerminal(*os.File) bool { return true }

func setHostUmask(uint32) {}

func hostUmask() uint32 { return 0o022 }

func exitStatus(failed *exec.ExitError) int { return failed.ExitCode() }

func hostReplace(context.Context, *Process) (status int, ok bool) { return 0, false }

// hostKernel is what the os package knows of a kernel that is not Linux.
type hostKernel struct{}

func (hostKernel) Uname() Uname {
	name, _ := os.Hostname()
	return Uname{Sysname: runtime.GOOS, Nodename: name, Machine: runtime.GOARCH}
}

func (hostKernel) Processes() []ProcessInfo {
	return []ProcessInfo{{PID: os.Getpid(), UID: os.Geteuid(), Args: os.Args}}
}

func (hostKernel) Mounts() []Mount               { return nil }
func (hostKernel) Statfs(string) (Statfs, error) { return Statfs{}, fs.ENOSYS }
func (hostKernel) SetHostname(string) error      { return fs.EPERM }
func (hostKernel) Kill(int, int) error           { return fs.EPERM }

func hostReap(func(pid int) bool) {}
