package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"twinlayer/sim"
)

// run creates a container, pulling its image where it is missing, and starts
// it.
func (c *invocation) run() error {
	k, err := c.made()
	if err != nil {
		return runError(err, 125)
	}
	c.view.Container = k.ID
	out, err := c.engine.Start(c, k.ID, c.Detach)
	if err != nil {
		if len(c.Args) > 1 && strings.HasPrefix(c.Args[1], "-") {
			c.view.Hint(sayAfterImage(c.Args[0]))
		}
		return runError(err, 125)
	}
	if c.Detach {
		c.view.Print("%s\n", k.ID)
		out = sim.Output{Unknown: out.Unknown}
	}
	if !c.Interactive && sim.IsInteractiveShell(k.Path, true) {
		c.view.Hint(sayShellEnded(k.Name))
	}
	return c.shellOutput(out, nil)
}

// made is the container that the flags ask for.
func (c *invocation) made() (sim.Container, error) {
	spec, err := c.spec()
	if err != nil {
		return sim.Container{}, err
	}
	k, err := c.engine.Create(c, spec)
	if sim.IsRefusal(err, sim.MissingImage) {
		if err = c.pullMissing(spec.Image); err == nil {
			k, err = c.engine.Create(c, spec)
		}
	}
	return k, err
}

// create makes a container and leaves it at that.
func (c *invocation) create() error {
	k, err := c.made()
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	c.view.Print("%s\n", k.ID)
	return nil
}

// pullMissing pulls as docker run does, telling of it on stderr.
func (c *invocation) pullMissing(ref string) error {
	familiar, err := sim.Familiar(ref)
	if err != nil {
		return err
	}
	c.view.Complain(sim.Piece{Text: "Unable to find image '" + familiar + "' locally\n"})
	p, err := c.engine.Pull(c, ref)
	if err == nil {
		c.view.Complain(p.Printed()...)
	}
	return err
}

// runError is a refusal as docker run prints it.
func runError(err error, exit int) error {
	var r *sim.Refusal
	if !errors.As(err, &r) {
		return err
	}
	if r.Exit > 1 {
		exit = r.Exit
	}
	prefix := "docker: Error response from daemon: "
	if r.Kind == sim.InvalidReference {
		prefix = "docker: "
	}
	return &sim.Refusal{Text: prefix + r.Text + "\n\nRun 'docker run --help' for more information", Exit: exit, Kind: r.Kind, Subject: r.Subject}
}

// unanswered is how yum and apt-get end where nobody answers.
var unanswered = regexp.MustCompile(`\[y/d/N\]: Exiting on user command|\[Y/n\] Abort\.`)

// shellOutput takes over what a process printed.
func (c *invocation) shellOutput(out sim.Output, err error) error {
	if err != nil {
		return err
	}
	c.view.Put(sim.Piece{Kind: sim.Words, Text: out.Stdout})
	c.view.Complain(sim.Piece{Kind: sim.Words, Text: out.Stderr})
	c.view.Exit, c.view.Shell, c.view.Unknown = out.Exit, out.Shell, out.Unknown
	if unanswered.MatchString(out.Stdout) {
		c.view.Hint(sayNobodyAnswers)
	}
	return nil
}

func (c *invocation) exec() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	env, err := c.env()
	if err != nil {
		return err
	}
	p := sim.Process{ID: c.ID, Args: c.Args[1:], Env: env, Dir: c.Dir, User: c.User, Interactive: c.Interactive && !c.Detach, Detach: c.Detach}
	out, err := c.engine.Exec(c, k.ID, p)
	if err != nil {
		return sim.FromDaemon(err)
	}
	return c.shellOutput(out, nil)
}

// attach goes back to the shell that a running container waits with.
func (c *invocation) attach() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	switch {
	case k.Status != sim.Running:
		return sim.Refuse("You cannot attach to a stopped container, start it first")
	case !sim.IsInteractiveShell(k.Path, k.Interactive):
		return sim.Refuse("container %s does not wait for lines: it was not started with -i and a shell", k.Name)
	}
	c.view.Shell = k.ID
	return nil
}

// line hands a line to a shell. The words docker and exit mean something else
// there than outside.
func (c *invocation) line() error {
	c.view.Container = c.Cmd.Container
	if words := strings.Fields(c.Text); len(words) > 0 && words[0] == "docker" {
		c.view.Hint(sayDockerOutside)
	}
	out, err := c.engine.Line(c, c.Shell, c.Text)
	return c.shellOutput(out, err)
}

// hangup ends a shell as control-D does.
func (c *invocation) hangup() error {
	c.view.Container = c.Cmd.Container
	out, err := c.engine.Hangup(c, c.Shell)
	return c.shellOutput(out, err)
}

func (c *invocation) find(key string) (sim.Container, error) { return c.engine.Container(c, key) }

func (c *invocation) diff() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	changes, err := c.engine.Changes(c, k.ID)
	text := ""
	for _, change := range changes {
		text += change.Kind.Letter() + " " + change.Path + "\n"
	}
	c.view.Put(sim.Piece{Kind: sim.ChangeList, Text: text})
	return sim.FromDaemon(err)
}

func (c *invocation) pull() error {
	if err := c.onPlatform(c.Args[0]); err != nil {
		return sim.FromDaemon(err)
	}
	p, err := c.engine.Pull(c, c.Args[0])
	switch {
	case err != nil:
		if sim.IsRefusal(err, sim.InvalidReference) {
			return err
		}
		return sim.FromDaemon(err)
	case !c.Quiet:
		c.view.Put(p.Printed()...)
	}
	c.view.Print("%s\n", p.Ref)
	return nil
}

func (c *invocation) tag() error {
	for _, ref := range c.Args {
		if _, err := sim.Familiar(ref); err != nil {
			return sim.Refuse("Error parsing reference: %q is not a valid repository/tag: %v", ref, err)
		}
	}
	return sim.FromDaemon(c.engine.Tag(c, c.Args[0], c.Args[1]))
}

func (c *invocation) rmi() error {
	return c.each(func(arg string) error {
		r, err := c.engine.RemoveImage(c, arg, c.Force)
		for _, ref := range r.Untagged {
			c.view.Print("Untagged: %s\n", ref)
		}
		for _, id := range r.Deleted {
			c.view.Print("Deleted: %s\n", id)
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

func (c *invocation) push() error {
	p, err := c.engine.Push(c, c.Args[0])
	if err != nil {
		if sim.IsRefusal(err, sim.InvalidReference) {
			return err
		}
		return sim.FromDaemon(err)
	}
	if c.Quiet {
		c.view.Print("%s\n", p.Ref)
		return nil
	}
	name, tag := sim.SplitTag(p.Ref)
	c.view.Print("The push refers to repository [%s]\n", wholeName(name))
	for _, l := range p.Layers {
		state := "Pushed"
		if l.Exists {
			state = "Layer already exists"
		}
		id := sim.Short(l.DiffID)
		c.view.Put(sim.Piece{Kind: sim.PushState, Text: id + ": " + state + "\n", Rest: id})
	}
	c.view.Put(sim.Piece{Kind: sim.Compressed, Text: fmt.Sprintf("%s: digest: %s size: %d\n", tag, p.Digest, p.Size), Rest: tag})
	return nil
}

// wholeName is a repository with its registry, as docker push prints it.
func wholeName(name string) string {
	if named, err := sim.ParseRef(name); err == nil {
		return named.Name()
	}
	return name
}
