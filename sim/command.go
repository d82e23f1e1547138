package sim

import (
	"strings"
	"time"
)

// Cmd is one parsed command: a docker command line, or a line that was typed
// into a container's shell.
type Cmd struct {
	Text string   // as it was typed
	Verb string   // "run", "pull", …; [VerbLine] for a line typed into Shell
	Args []string // what follows the flags
	Options

	Shell     string // of a line: the shell it goes to
	Container string // of a line: the container that the shell is in

	// What is random or depends on the clock comes with the command, so that
	// every world does the same.
	ID   string // 64 hexadecimal digits, for what the command makes
	Name string // for a container without --name
	Now  time.Time

	Tell, Ask *StepFeed // what the real world does on the way

	Refused error // of a line that could not be parsed
}

// The verbs of what is no docker command: a line typed into a shell, and the
// end of a shell's input.
const (
	VerbLine   = "line"
	VerbHangup = "hangup"

	VerbRefused = "refused"
)

// Options are the flags of all commands; see each command's help for which it
// takes.
type Options struct {
	All, Quiet, Force, NoTrunc            bool
	Interactive, TTY, Remove, Detach      bool
	Attach, Follow, Timestamps, Digests   bool
	Latest, Verbose, WithVolumes          bool
	RootReadOnly, Archive, Privileged     bool
	Name, Dir, User, Host, Entrypoint     string
	Format, Type, Signal, Tail            string
	Network, Memory, Platform, StopSignal string
	Output, Input                         string
	Last, Time                            int
	PIDs                                  int64
	Env, EnvFiles, Labels, Filters        []string
	VolumeSpecs, MountSpecs, TmpfsSpecs   []string
	CapAdd, CapDrop                       []string
	EntrypointSet                         bool
	BuildOptions
	CommitOptions

	// Timestamp is the time of whatever is made, in seconds since 1970; "":
	// the clock. SOURCE_DATE_EPOCH gives it where no flag does.
	Timestamp string
}

// BuildOptions are the flags of docker build alone.
type BuildOptions struct {
	Tags, BuildArgs            []string
	File, Target, BuildNetwork string
	NoCache, Pull              bool
	Keep                       bool // the containers of steps that worked
	ForceRemove                bool // also that of the step that failed
}

// CommitOptions are the flags of docker commit alone.
type CommitOptions struct {
	Changes         []string
	Author, Message string
	NoPause         bool
}

// Detaches says whether the command leaves something running.
func (c Cmd) Detaches() bool {
	return c.Detach || c.Verb == "start" || c.Verb == "restart" || c.Verb == "kill"
}

// ImageArgs is how many of the arguments may be an image's id.
func (c Cmd) ImageArgs() int {
	switch c.Verb {
	case VerbLine, VerbHangup, "exec", "build":
		return 0
	case "run", "create", "commit", "cp":
		return min(1, len(c.Args))
	}
	return len(c.Args)
}

// Removes says whether a command may remove images or volumes that others use.
func (c Cmd) Removes() bool {
	return c.Verb == "rmi" || c.Verb == "volume rm" || strings.HasSuffix(c.Verb, " prune")
}
