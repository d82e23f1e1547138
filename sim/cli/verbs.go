package cli

import (
	"slices"

	"github.com/spf13/pflag"

	"twinlayer/sim"
)

// verbs is the docker command: what each verb takes, and what it does over
// any engine. It is filled in init because help refers back to it.
var verbs []Verb

func init() {
	verbs = append(verbs, containerVerbs()...)
	verbs = append(verbs, imageVerbs()...)
	verbs = append(verbs, volumeVerbs()...)
	verbs = append(verbs, systemVerbs()...)
}

// Verbs are all commands, in the order of the help.
func Verbs() []Verb { return slices.Clone(verbs) }

func containerVerbs() []Verb {
	return []Verb{
		{"run", "run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create and run a new container from an image", 1, -1, runFlags, (*invocation).run},
		{"create", "create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create a new container", 1, -1, createFlags, (*invocation).create},
		{"start", "start [OPTIONS] CONTAINER [CONTAINER...]", "Start one or more stopped containers", 1, -1, startFlags, (*invocation).start},
		{"exec", "exec [OPTIONS] CONTAINER COMMAND [ARG...]", "Execute a command in a running container", 2, -1, execFlags, (*invocation).exec},
		{"attach", "attach CONTAINER", "Go back to the shell of a running container", 1, 1, nil, (*invocation).attach},
		{"stop", "stop [OPTIONS] CONTAINER [CONTAINER...]", "Stop one or more running containers", 1, -1, stopFlags, (*invocation).stop},
		{"restart", "restart [OPTIONS] CONTAINER [CONTAINER...]", "Restart one or more containers", 1, -1, stopFlags, (*invocation).restart},
		{"kill", "kill [OPTIONS] CONTAINER [CONTAINER...]", "Kill one or more running containers", 1, -1, killFlags, (*invocation).kill},
		{"wait", "wait CONTAINER [CONTAINER...]", "Block until one or more containers stop, then print their exit codes", 1, -1, nil, (*invocation).wait},
		{"ps", "ps [OPTIONS]", "List containers", 0, 0, psFlags, (*invocation).ps},
		{"logs", "logs [OPTIONS] CONTAINER", "Fetch the logs of a container", 1, 1, logsFlags, (*invocation).logs},
		{"top", "top CONTAINER", "Display the running processes of a container", 1, 1, nil, (*invocation).top},
		{"diff", "diff CONTAINER", "Inspect changes to files or directories on a container's filesystem", 1, 1, nil, (*invocation).diff},
		{"cp", "cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH\n        docker cp [OPTIONS] SRC_PATH CONTAINER:DEST_PATH", "Copy files/folders between a container and the local filesystem", 2, 2, cpFlags, (*invocation).cp},
		{"export", "export [OPTIONS] CONTAINER", "Export a container's filesystem as a tar archive", 1, 1, outputFlag("Write to a file, instead of STDOUT"), (*invocation).export},
		{"rm", "rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers", 1, -1, rmFlags, (*invocation).rm},
		{"container prune", "container prune [OPTIONS]", "Remove all stopped containers", 0, 0, forceFlag(noPrompt), (*invocation).containerPrune},
	}
}

func imageVerbs() []Verb {
	return []Verb{
		{"pull", "pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry", 1, 1, pullFlags, (*invocation).pull},
		{"push", "push [OPTIONS] NAME[:TAG]", "Upload an image to a registry", 1, 1, quietFlag("Suppress verbose output"), (*invocation).push},
		{"images", "images [OPTIONS] [REPOSITORY[:TAG]]", "List images", 0, 1, imagesFlags, (*invocation).listImages},
		{"tag", "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", 2, 2, nil, (*invocation).tag},
		{"rmi", "rmi [OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", 1, -1, forceFlag("Force removal of the image"), (*invocation).rmi},
		{"build", "build [OPTIONS] PATH", "Build an image from a Dockerfile", 1, 1, buildFlags, (*invocation).build},
		{"commit", "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]", "Create a new image from a container's changes", 1, 2, commitFlags, (*invocation).commit},
		{"history", "history [OPTIONS] IMAGE", "Show the history of an image", 1, 1, historyFlags, (*invocation).history},
		{"save", "save [OPTIONS] IMAGE [IMAGE...]", "Save one or more images to a tar archive", 1, -1, outputFlag("Write to a file, instead of STDOUT"), (*invocation).save},
		{"load", "load [OPTIONS]", "Load an image from a tar archive", 0, 0, loadFlags, (*invocation).load},
		{"import", "import [OPTIONS] file [REPOSITORY[:TAG]]", "Import the contents from a tarball to create a filesystem image", 1, 2, importFlags, (*invocation).importTar},
		{"image prune", "image prune [OPTIONS]", "Remove unused images", 0, 0, pruneFlags, (*invocation).imagePrune},
		{"inspect", "inspect [OPTIONS] NAME|ID [NAME|ID...]", "Return low-level information on Docker objects", 1, -1, inspectFlags, (*invocation).inspect},
	}
}

func volumeVerbs() []Verb {
	return []Verb{
		{"volume create", "volume create [OPTIONS] [VOLUME]", "Create a volume", 0, 1, nil, (*invocation).volumeCreate},
		{"volume inspect", "volume inspect [OPTIONS] VOLUME [VOLUME...]", "Display detailed information on one or more volumes", 1, -1, inspectFlags, (*invocation).volumeInspect},
		{"volume ls", "volume ls [OPTIONS]", "List volumes", 0, 0, listFlags, (*invocation).volumeList},
		{"volume prune", "volume prune [OPTIONS]", "Remove unused local volumes", 0, 0, pruneFlags, (*invocation).volumePrune},
		{"volume rm", "volume rm [OPTIONS] VOLUME [VOLUME...]", "Remove one or more volumes", 1, -1, forceFlag("Force the removal of one or more volumes"), (*invocation).volumeRemove},
	}
}

func systemVerbs() []Verb {
	return []Verb{
		{"system df", "system df [OPTIONS]", "Show docker disk usage", 0, 0, dfFlags, (*invocation).diskUsage},
		{"system prune", "system prune [OPTIONS]", "Remove unused data", 0, 0, systemPruneFlags, (*invocation).systemPrune},
		{"info", "info", "Display system-wide information", 0, 0, nil, (*invocation).info},
		{"version", "version", "Show the Docker version information", 0, 0, nil, (*invocation).version},
		{"login", "login [SERVER]", "Authenticate to a registry", 0, 1, nil, (*invocation).login},
	}
}

const noPrompt = "Do not prompt for confirmation"

func runFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Detach, "detach", "d", false, "Run container in background and print container ID")
	createFlags(f, o)
}

func createFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringArrayVar(&o.CapAdd, "cap-add", nil, "Add Linux capabilities")
	f.StringArrayVar(&o.CapDrop, "cap-drop", nil, "Drop Linux capabilities")
	f.StringVar(&o.Entrypoint, "entrypoint", "", "Overwrite the default ENTRYPOINT of the image")
	f.StringVarP(&o.Host, "hostname", "h", "", "Container host name")
	f.StringArrayVarP(&o.Labels, "label", "l", nil, "Set meta data on a container")
	f.StringVarP(&o.Memory, "memory", "m", "", "Memory limit")
	f.StringArrayVar(&o.MountSpecs, "mount", nil, "Attach a filesystem mount to the container")
	f.StringVar(&o.Name, "name", "", "Assign a name to the container")
	f.StringVar(&o.Network, "network", "none", "Connect a container to a network: none or host")
	f.Int64Var(&o.PIDs, "pids-limit", 0, "Tune container pids limit (set -1 for unlimited)")
	f.StringVar(&o.Platform, "platform", "", "Set platform; only the host's own can be run")
	f.BoolVar(&o.RootReadOnly, "read-only", false, "Mount the container's root filesystem as read only")
	f.BoolVar(&o.Remove, "rm", false, "Automatically remove the container and its associated anonymous volumes when it exits")
	f.StringVar(&o.StopSignal, "stop-signal", "", "Signal to stop the container")
	f.StringArrayVar(&o.TmpfsSpecs, "tmpfs", nil, "Mount a tmpfs directory")
	f.StringArrayVarP(&o.VolumeSpecs, "volume", "v", nil, "Bind mount a volume")
	processFlags(f, o)
}

func execFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Detach, "detach", "d", false, "Detached mode: run command in the background")
	processFlags(f, o)
}

func processFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Interactive, "interactive", "i", false, "Keep STDIN open even if not attached")
	f.BoolVarP(&o.TTY, "tty", "t", false, "Allocate a pseudo-TTY")
	f.StringArrayVarP(&o.Env, "env", "e", nil, "Set environment variables")
	f.StringArrayVar(&o.EnvFiles, "env-file", nil, "Read in a file of environment variables")
	f.StringVarP(&o.User, "user", "u", "", "Username or UID (format: <name|uid>[:<group|gid>])")
	f.StringVarP(&o.Dir, "workdir", "w", "", "Working directory inside the container")
}

func startFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Attach, "attach", "a", false, "Attach STDOUT/STDERR and forward signals")
	f.BoolVarP(&o.Interactive, "interactive", "i", false, "Attach container's STDIN")
}

func stopFlags(f *pflag.FlagSet, o *sim.Options) {
	f.IntVarP(&o.Time, "timeout", "t", 10, "Seconds to wait before killing the container (-1: for ever)")
	f.IntVar(&o.Time, "time", 10, "Seconds to wait before killing the container")
	f.MarkHidden("time") // which there is
}

func killFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringVarP(&o.Signal, "signal", "s", "KILL", "Signal to send to the container")
}

func psFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.All, "all", "a", false, "Show all containers (default shows just running)")
	f.IntVarP(&o.Last, "last", "n", -1, "Show n last created containers (includes all states)")
	f.BoolVarP(&o.Latest, "latest", "l", false, "Show the latest created container (includes all states)")
	listFlags(f, o)
	noTrunc(f, o)
}

// listFlags are those that all lists take.
func listFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringArrayVarP(&o.Filters, "filter", "f", nil, "Filter output based on conditions provided")
	f.StringVar(&o.Format, "format", "", "Format output using a Go template, or \"json\"")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Only display IDs or names")
}

func noTrunc(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVar(&o.NoTrunc, "no-trunc", false, "Don't truncate output")
}

func logsFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Follow, "follow", "f", false, "Follow log output")
	f.StringVarP(&o.Tail, "tail", "n", "all", "Number of lines to show from the end of the logs")
	f.BoolVarP(&o.Timestamps, "timestamps", "t", false, "Show timestamps (not kept here)")
}

func cpFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Archive, "archive", "a", false, "Archive mode (copy all uid/gid information)")
	quietFlag("Suppress progress output during copy")(f, o)
}

func rmFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Force, "force", "f", false, "Force the removal of a running container (uses SIGKILL)")
	f.BoolVarP(&o.WithVolumes, "volumes", "v", false, "Remove anonymous volumes associated with the container")
}

func pullFlags(f *pflag.FlagSet, o *sim.Options) {
	quietFlag("Suppress verbose output")(f, o)
	f.StringVar(&o.Platform, "platform", "", "Set platform; only the host's own can be run")
}

func imagesFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.All, "all", "a", false, "Show all images (default hides intermediate images)")
	f.BoolVar(&o.Digests, "digests", false, "Show digests")
	listFlags(f, o)
	noTrunc(f, o)
}

func historyFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Only show image IDs")
	noTrunc(f, o)
}

func loadFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringVarP(&o.Input, "input", "i", "", "Read from tar archive file, instead of STDIN")
	quietFlag("Suppress the load output")(f, o)
}

func importFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringArrayVarP(&o.Changes, "change", "c", nil, "Apply Dockerfile instruction to the created image")
	f.StringVarP(&o.Message, "message", "m", "", "Set commit message for imported image")
	f.StringVar(&o.Platform, "platform", "", "Set platform; only the host's own can be run")
}

func inspectFlags(f *pflag.FlagSet, o *sim.Options) {
	f.StringVarP(&o.Format, "format", "f", "", "Format output using a Go template, or \"json\"")
	f.StringVar(&o.Type, "type", "", "Only inspect objects of the given type: container, image or volume")
}

func pruneFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.All, "all", "a", false, "Remove all that is unused, not just what has no name")
	forceFlag(noPrompt)(f, o)
}

func systemPruneFlags(f *pflag.FlagSet, o *sim.Options) {
	pruneFlags(f, o)
	f.BoolVar(&o.WithVolumes, "volumes", false, "Prune anonymous volumes")
}

func dfFlags(f *pflag.FlagSet, o *sim.Options) {
	f.BoolVarP(&o.Verbose, "verbose", "v", false, "Show detailed information on space usage")
}

func forceFlag(text string) func(*pflag.FlagSet, *sim.Options) {
	return func(f *pflag.FlagSet, o *sim.Options) { f.BoolVarP(&o.Force, "force", "f", false, text) }
}

func quietFlag(text string) func(*pflag.FlagSet, *sim.Options) {
	return func(f *pflag.FlagSet, o *sim.Options) { f.BoolVarP(&o.Quiet, "quiet", "q", false, text) }
}

func outputFlag(text string) func(*pflag.FlagSet, *sim.Options) {
	return func(f *pflag.FlagSet, o *sim.Options) { f.StringVarP(&o.Output, "output", "o", "", text) }
}
