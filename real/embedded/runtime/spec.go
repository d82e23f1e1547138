//go:build linux

package runtime

import "fmt"

// Spec is a container that is to start.
type Spec struct {
	Process
	Root        Root
	Hostname    string
	Mounts      []Mount // in the order in which they are mounted
	ReadOnly    bool    // the root file system
	HostNetwork bool    // the caller's network instead of one of its own
}

// Root is the overlay mount that becomes the container's root directory.
type Root struct {
	Dir    string   // where the names below begin, each at most 255 bytes long
	Lower  []string // directories, top first
	Upper  string
	Work   string // empty, on the same file system as Upper
	Merged string // any directory, absolute; it becomes the mount point
}

// Mount is a file or directory of the host that the container sees at Target,
// or, where Source is "", a tmpfs.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// Process is a program to run in a container.
type Process struct {
	Args []string
	Env  []string // without HOME, which the user's entry in passwd gives
	Dir  string   // "": "/"
	User string   // "name", "uid", "name:group", …; "": root
	Privileges
}

// Failure is why a process could not start.
type Failure struct {
	Kind Kind
	Text string
}

// Kind tells who would speak of a failure in docker.
type Kind int

// The kinds of failure.
const (
	Broken  Kind = iota // the engine or the kernel under it
	Runtime             // runc: the program cannot be executed
	Daemon              // dockerd: the container's settings make no sense
)

func (f *Failure) Error() string { return f.Text }

func runtimeFailure(format string, args ...any) error {
	return &Failure{Runtime, fmt.Sprintf(format, args...)}
}

func daemonFailure(format string, args ...any) error {
	return &Failure{Daemon, fmt.Sprintf(format, args...)}
}
