package sim

import (
	"errors"
	"strings"

	"github.com/spf13/pflag"
)

// verbs is the docker command: what each verb takes, and what it does over
// any engine. It is filled in init because help refers back to it.
var verbs []Verb

func init() {
	verbs = []Verb{
		{"run", "run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Create and run a new container from an image", 1, -1, runFlags, (*call).run},
		{"exec", "exec [OPTIONS] CONTAINER COMMAND [ARG...]", "Execute a command in a running container", 2, -1, execFlags, (*call).exec},
		{"attach", "attach CONTAINER", "Go back to the shell of a running container", 1, 1, nil, (*call).attach},
		{"ps", "ps [OPTIONS]", "List containers", 0, 0, psFlags, (*call).ps},
		{"diff", "diff CONTAINER", "Inspect changes to files or directories on a container's filesystem", 1, 1, nil, (*call).diff},
		{"rm", "rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove one or more containers", 1, -1, forceFlag("Force the removal of a running container (uses SIGKILL)"), (*call).rm},
		{"pull", "pull [OPTIONS] NAME[:TAG|@DIGEST]", "Download an image from a registry", 1, 1, quietFlag("Suppress verbose output"), (*call).pull},
		{"images", "images [OPTIONS] [REPOSITORY[:TAG]]", "List images", 0, 1, imagesFlags, (*call).images},
		{"tag", "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", 2, 2, nil, (*call).tag},
		{"rmi", "rmi [OPTIONS] IMAGE [IMAGE...]", "Remove one or more images", 1, -1, forceFlag("Force removal of the image"), (*call).rmi},
		{"build", "build [OPTIONS] PATH", "Build an image from a Dockerfile", 1, 1, buildFlags, (*call).build},
		{"commit", "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]", "Create a new image from a container's changes", 1, 2, commitFlags, (*call).commit},
		{"history", "history [OPTIONS] IMAGE", "Show the history of an image", 1, 1, historyFlags, (*call).history},
		{"inspect", "inspect [OPTIONS] NAME|ID [NAME|ID...]", "Return low-level information on Docker objects", 1, -1, inspectFlags, (*call).inspect},
	}
}

func runFlags(f *pflag.FlagSet, o *Options) {
	f.StringVar(&o.Entrypoint, "entrypoint", "", "Overwrite the default ENTRYPOINT of the image")
	f.StringVarP(&o.Host, "hostname", "h", "", "Container host name")
	f.StringVar(&o.Name, "name", "", "Assign a name to the container")
	f.BoolVar(&o.Remove, "rm", false, "Automatically remove the container when it exits")
	execFlags(f, o)
}

func execFlags(f *pflag.FlagSet, o *Options) {
	f.BoolVarP(&o.Interactive, "interactive", "i", false, "Keep STDIN open even if not attached")
	f.BoolVarP(&o.TTY, "tty", "t", false, "Allocate a pseudo-TTY")
	f.StringArrayVarP(&o.Env, "env", "e", nil, "Set environment variables")
	f.StringVarP(&o.User, "user", "u", "", "Username or UID (format: <name|uid>[:<group|gid>])")
	f.StringVarP(&o.Dir, "workdir", "w", "", "Working directory inside the container")
}

func psFlags(f *pflag.FlagSet, o *Options) {
	f.BoolVarP(&o.All, "all", "a", false, "Show all containers (default shows just running)")
	f.BoolVar(&o.NoTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Only display container IDs")
}

func imagesFlags(f *pflag.FlagSet, o *Options) {
	f.BoolVarP(&o.All, "all", "a", false, "Show all images")
	f.BoolVar(&o.NoTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Only show image IDs")
}

func historyFlags(f *pflag.FlagSet, o *Options) {
	f.BoolVar(&o.NoTrunc, "no-trunc", false, "Don't truncate output")
	f.BoolVarP(&o.Quiet, "quiet", "q", false, "Only show image IDs")
}

func inspectFlags(f *pflag.FlagSet, o *Options) {
	f.StringVarP(&o.Format, "format", "f", "", "Format output using a Go template")
}

func forceFlag(text string) func(*pflag.FlagSet, *Options) {
	return func(f *pflag.FlagSet, o *Options) { f.BoolVarP(&o.Force, "force", "f", false, text) }
}

func quietFlag(text string) func(*pflag.FlagSet, *Options) {
	return func(f *pflag.FlagSet, o *Options) { f.BoolVarP(&o.Quiet, "quiet", "q", false, text) }
}

// run creates a container, pulling its image where it is missing, and starts
// it.
func (c *call) run() error {
	spec, err := c.spec()
	if err != nil {
		return err
	}
	k, err := c.engine.Create(c, spec)
	if IsNoSuchImage(err) {
		if err = c.pullMissing(spec.Image); err == nil {
			k, err = c.engine.Create(c, spec)
		}
	}
	if err != nil {
		return runError(err, 125)
	}
	c.view.Container = k.ID
	out, err := c.engine.Start(c, k.ID, false)
	if err != nil {
		return runError(err, 125)
	}
	return c.shellOutput(out, nil)
}

func (c *call) spec() (Spec, error) {
	s := Spec{
		ID: c.ID, Name: c.Options.Name, Created: c.Now, Image: c.Args[0], Env: c.Env, Dir: c.Dir, User: c.User,
		Hostname: c.Host, Interactive: c.Interactive, TTY: c.TTY, AutoRemove: c.Remove,
	}
	if s.Name == "" {
		s.Name = c.Cmd.Name
	}
	if len(c.Args) > 1 {
		s.Args = c.Args[1:]
	}
	if c.entrypointSet {
		s.Entrypoint = []string{c.Entrypoint}
	}
	_, err := Familiar(s.Image)
	return s, runError(err, 125)
}

// pullMissing pulls as docker run does, telling of it on stderr.
func (c *call) pullMissing(ref string) error {
	familiar, err := Familiar(ref)
	if err != nil {
		return err
	}
	c.complain("Unable to find image '%s' locally\n", familiar)
	p, err := c.engine.Pull(c, ref)
	if err == nil {
		c.complain("%s", p.progress())
	}
	return err
}

// runError is a refusal as docker run prints it.
func runError(err error, exit int) error {
	var r *Refusal
	if !errors.As(err, &r) {
		return err
	}
	if r.Exit > 1 {
		exit = r.Exit
	}
	prefix := "docker: Error response from daemon: "
	if strings.HasPrefix(r.Text, "invalid reference format") {
		prefix = "docker: "
	}
	return &Refusal{Text: prefix + r.Text + "\n\nRun 'docker run --help' for more information", Exit: exit}
}

// shellOutput takes over what a process printed.
func (c *call) shellOutput(out Output, err error) error {
	if err != nil {
		return err
	}
	c.view.Stdout += out.Stdout
	c.view.Stderr += out.Stderr
	c.view.Exit, c.view.Shell, c.view.Unknown = out.Exit, out.Shell, out.Unknown
	return nil
}

func (c *call) exec() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return daemon(err)
	}
	c.view.Container = k.ID
	p := Process{ID: c.ID, Args: c.Args[1:], Env: c.Env, Dir: c.Dir, User: c.User, Interactive: c.Interactive}
	out, err := c.engine.Exec(c, k.ID, p)
	if err != nil {
		return daemon(err)
	}
	return c.shellOutput(out, nil)
}

// attach goes back to the shell that a running container waits with.
func (c *call) attach() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return daemon(err)
	}
	c.view.Container = k.ID
	switch {
	case k.Status != Running:
		return Refuse("You cannot attach to a stopped container, start it first")
	case !TakesLines(k.Path, k.Interactive):
		return Refuse("container %s does not wait for lines: it was not started with -i and a shell", k.Name)
	}
	c.view.Shell = k.ID
	return nil
}

// line hands a line to a shell. The words docker and exit mean something else
// there than outside.
func (c *call) line() error {
	c.view.Container = c.Cmd.Container
	out, err := c.engine.Line(c, c.Shell, c.Text)
	return c.shellOutput(out, err)
}

// hangup ends a shell as control-D does.
func (c *call) hangup() error {
	c.view.Container = c.Cmd.Container
	out, err := c.engine.Hangup(c, c.Shell)
	return c.shellOutput(out, err)
}

func (c *call) find(key string) (Container, error) {
	all, err := c.engine.Containers(c)
	if err != nil {
		return Container{}, err
	}
	return FindContainer(all, key)
}

func (c *call) diff() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return daemon(err)
	}
	c.view.Container = k.ID
	changes, err := c.engine.Changes(c, k.ID)
	for _, change := range changes {
		c.print("%s %s\n", change.Kind.Letter(), change.Path)
	}
	return daemon(err)
}

func (c *call) rm() error {
	return c.each(func(arg string) error {
		err := c.engine.RemoveContainer(c, arg, Removing{Force: c.Force})
		if err == nil {
			c.print("%s\n", arg)
		}
		return err
	})
}

func (c *call) pull() error {
	p, err := c.engine.Pull(c, c.Args[0])
	switch {
	case err != nil:
		if strings.HasPrefix(err.Error(), "invalid reference format") {
			return err
		}
		return daemon(err)
	case !c.Quiet:
		c.print("%s", p.progress())
	}
	c.print("%s\n", p.Ref)
	return nil
}

// progress is what docker prints of a pull off a terminal.
func (p Pulled) progress() string {
	name, tag, _ := strings.Cut(p.Ref, ":")
	text := tag + ": Pulling from " + name + "\n"
	for _, l := range p.Layers {
		state := "Pull complete"
		if l.Exists {
			state = "Already exists"
		}
		text += Short(l.Digest) + ": " + state + "\n"
	}
	status := "Downloaded newer image for "
	if p.UpToDate {
		status = "Image is up to date for "
	}
	return text + "Digest: " + p.Digest.String() + "\nStatus: " + status + p.Ref + "\n"
}

func (c *call) tag() error {
	for _, ref := range c.Args {
		if _, err := Familiar(ref); err != nil {
			return Refuse("Error parsing reference: %q is not a valid repository/tag: %v", ref, err)
		}
	}
	return daemon(c.engine.Tag(c, c.Args[0], c.Args[1]))
}

func (c *call) rmi() error {
	return c.each(func(arg string) error {
		r, err := c.engine.RemoveImage(c, arg, c.Force)
		for _, ref := range r.Untagged {
			c.print("Untagged: %s\n", ref)
		}
		for _, id := range r.Deleted {
			c.print("Deleted: %s\n", id)
		}
		return err
	})
}

// VerbNames are the names of the docker commands.
func VerbNames() []string {
	var out []string
	for _, v := range verbs {
		out = append(out, v.Name)
	}
	return out
}
