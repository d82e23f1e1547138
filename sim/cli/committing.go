package cli

import (
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"twinlayer/sim"
	"twinlayer/sim/build"
	"twinlayer/sim/dockerfile"
)

// commit is docker commit.
func (c *invocation) commit() error {
	ref := ""
	if len(c.Args) > 1 {
		ref = c.Args[1]
		if _, err := sim.Familiar(ref); err != nil {
			return sim.Refuse("invalid reference format")
		}
	}
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	request, err := c.commitOf(k, ref)
	if err != nil {
		return sim.FromDaemon(err)
	}
	img, err := c.engine.Commit(c, request)
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Print("%s\n", img.ID)
	if k.Status == sim.Exited && k.Exit != 0 && !sim.IsInteractiveShell(k.Path, k.Interactive) {
		c.view.Hint(sayCommittedFailure(k.Name, k.Exit))
	}
	return nil
}

// commitOf is what the flags ask for.
func (c *invocation) commitOf(k sim.Container, ref string) (sim.Commit, error) {
	img, err := c.engine.Image(c, k.ImageID.String())
	if err != nil {
		return sim.Commit{}, err
	}
	out := sim.Commit{Container: k.ID, Ref: ref, Author: c.Author, Comment: c.Message, Created: c.Now, Pause: !c.NoPause}
	if c.Timestamp != "" {
		at, err := build.ParseTimestamp(c.Timestamp)
		if err != nil {
			return out, err
		}
		out.Created, out.Latest = at, at
	}
	base := sim.ContainerConfig(img.Config.Config, *k.Spec)
	out.CreatedBy = strings.Join(base.Cmd, " ")
	out.Config, err = changed(base, c.Changes)
	return out, err
}

// changeable are the instructions that docker commit -c takes (moby,
// builder/dockerfile, validCommitCommands).
var changeable = []string{"cmd", "entrypoint", "healthcheck", "env", "expose", "label", "onbuild", "stopsignal", "user", "volume", "workdir"}

// changed is a configuration with the instructions of docker commit -c
// applied.
func changed(config dockerspec.DockerOCIImageConfig, changes []string) (dockerspec.DockerOCIImageConfig, error) {
	if len(changes) == 0 {
		return config, nil
	}
	stage, err := dockerfile.Bare(config)
	if err != nil {
		return config, err
	}
	for _, change := range changes {
		cmd, err := dockerfile.Trigger(change)
		if err != nil {
			return config, sim.Refuse("%v", err)
		}
		if name := strings.ToLower(cmd.Name()); !slices.Contains(changeable, name) {
			return config, sim.Refuse("%s is not a valid change command", name)
		}
		if err := stage.Expand(cmd); err != nil {
			return config, sim.Refuse("%v", err)
		}
		if _, err := stage.Apply(cmd); err != nil {
			return config, sim.Refuse("%v", err)
		}
	}
	return stage.Config, nil
}

// build is docker build.
func (c *invocation) build() error { return build.Perform(c, c.Cmd, c.engine, c.host, &c.view) }
