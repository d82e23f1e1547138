package cli

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"twinlayer/fs/platform"
	"twinlayer/sim"
)

// spec is the container that the flags of docker run and docker create ask
// for.
func (c *invocation) spec() (sim.Spec, error) {
	s := sim.Spec{
		ID: c.ID, Name: cmp.Or(c.Options.Name, c.Cmd.Name), Created: c.Now, Image: c.Args[0], Dir: c.Dir, User: c.User,
		Hostname: c.Host, Interactive: c.Interactive, TTY: c.TTY, AutoRemove: c.Remove, ReadOnly: c.RootReadOnly,
		CapAdd: c.CapAdd, CapDrop: c.CapDrop, StopSignal: c.StopSignal,
	}
	if len(c.Args) > 1 {
		s.Args = c.Args[1:]
	}
	if c.EntrypointSet {
		s.Entrypoint = []string{c.Entrypoint}
	}
	for _, fill := range []func(*sim.Spec) error{c.reference, c.environment, c.labels, c.limits, c.network, c.mounts} {
		if err := fill(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (c *invocation) reference(s *sim.Spec) error {
	if _, err := sim.Familiar(s.Image); err != nil {
		return err
	}
	return c.onPlatform(s.Image)
}

// onPlatform refuses a platform that is not the host's.
func (c *invocation) onPlatform(ref string) error {
	if c.Platform == "" {
		return nil
	}
	info, err := c.engine.Info(c)
	own := platform.Linux(info.Arch)
	if err != nil || c.Platform == own || strings.HasPrefix(c.Platform, own+"/") {
		return err
	}
	return sim.Refuse("image with reference %s was found but does not provide the specified platform (%s): this machine runs %s only", ref, c.Platform, own)
}

// environment is what --env-file has, then what -e has.
func (c *invocation) environment(s *sim.Spec) error {
	var err error
	s.Env, err = c.env()
	return err
}

func (c *invocation) env() (env []string, err error) {
	for _, name := range c.EnvFiles {
		lines, err := c.envFile(name)
		if err != nil {
			return nil, err
		}
		env = append(env, lines...)
	}
	return append(env, c.Env...), nil
}

func (c *invocation) envFile(name string) (env []string, err error) {
	f, err := c.host.Open(name)
	if err != nil {
		return nil, sim.HostError(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), " \t")
		key, _, set := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || !set:
		case key == "" || strings.ContainsAny(key, " \t"):
			return nil, sim.Refuse("invalid env file (%s): variable '%s' contains whitespaces", name, key)
		default:
			env = append(env, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, sim.Refuse("invalid env file (%s): %v", name, err)
	}
	return env, nil
}

func (c *invocation) labels(s *sim.Spec) error {
	for _, label := range c.Labels {
		key, value, _ := strings.Cut(label, "=")
		if key == "" {
			return sim.Refuse("invalid label format: %q", label)
		}
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[key] = value
	}
	return nil
}

func (c *invocation) limits(s *sim.Spec) error {
	if s.PIDs = c.PIDs; s.PIDs < 0 {
		s.PIDs = 0
	}
	if _, err := sim.ParseSignal(c.StopSignal); c.StopSignal != "" && err != nil {
		return err
	}
	if c.Memory == "" {
		return nil
	}
	n, err := units.RAMInBytes(c.Memory)
	switch {
	case err != nil:
		return &sim.Refusal{Exit: 125, Text: "invalid argument \"" + c.Memory + "\" for \"-m, --memory\" flag: " + err.Error()}
	case n != 0 && n < 6<<20:
		return sim.Refuse("Minimum memory limit allowed is 6MB")
	}
	s.Memory = n
	return nil
}

func (c *invocation) network(s *sim.Spec) error {
	switch c.Network {
	case "", "none":
	case "host":
		s.Network = sim.HostNetwork
	case "bridge", "default":
		return sim.Refuse("network %s: this engine has the networks none and host; leave --network out for none", c.Network)
	default:
		return sim.Refuse("network %s not found", c.Network)
	}
	return nil
}

// mounts are those of -v, --mount and --tmpfs.
func (c *invocation) mounts(s *sim.Spec) error {
	for _, list := range []struct {
		specs []string
		parse func(*invocation, string) (sim.Mount, error)
	}{{c.VolumeSpecs, (*invocation).volumeSpec}, {c.MountSpecs, (*invocation).mountSpec}, {c.TmpfsSpecs, (*invocation).tmpfsSpec}} {
		for _, text := range list.specs {
			m, err := list.parse(c, text)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(s.Mounts, func(o sim.Mount) bool { return o.Target == m.Target }) {
				return sim.Refuse("Duplicate mount point: %s", m.Target)
			}
			s.Mounts = append(s.Mounts, m)
		}
	}
	return nil
}

// volumeSpec reads -v's [SOURCE:]TARGET[:OPTIONS].
func (c *invocation) volumeSpec(text string) (sim.Mount, error) {
	parts := strings.Split(text, ":")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return sim.Mount{}, sim.Refuse("invalid spec: %s: empty section between colons", text)
	}
	m := sim.Mount{Type: sim.InStore, Target: parts[len(parts)-1]}
	switch {
	case len(parts) == 3:
		m.Source, m.Target = parts[0], parts[1]
		for opt := range strings.SplitSeq(parts[2], ",") {
			switch opt {
			case "ro":
				m.ReadOnly = true
			case "rw", "z", "Z", "nocopy", "rprivate", "private", "rshared", "shared", "rslave", "slave":
			default:
				return m, sim.Refuse("invalid mode: %s", opt)
			}
		}
	case len(parts) == 2:
		m.Source, m.Target = parts[0], parts[1]
		if parts[1] == "ro" || parts[1] == "rw" {
			m.Source, m.Target, m.ReadOnly = "", parts[0], parts[1] == "ro"
		}
	}
	if strings.HasPrefix(m.Source, ".") || path.IsAbs(m.Source) {
		m.Type, m.Source = sim.Bind, c.host.Abs(m.Source)
	}
	return c.target(m)
}

func (c *invocation) target(m sim.Mount) (sim.Mount, error) {
	if !path.IsAbs(m.Target) {
		return m, sim.Refuse("invalid mount path: '%s' mount path must be absolute", m.Target)
	}
	if m.Target = path.Clean(m.Target); m.Target == "/" {
		return m, sim.Refuse("invalid specification: destination can't be '/'")
	}
	if m.Type == sim.InStore && m.Source != "" {
		return m, sim.CheckVolume(m.Source)
	}
	return m, nil
}

// mountSpec reads --mount's comma-separated keys and values.
func (c *invocation) mountSpec(text string) (sim.Mount, error) {
	fields, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil && err != io.EOF {
		return sim.Mount{}, sim.Refuse("invalid argument %q for \"--mount\" flag: %v", text, err)
	}
	m := sim.Mount{Type: sim.InStore}
	for _, field := range fields {
		if err := m.SetField(field); err != nil {
			return m, sim.Refuse("invalid argument %q for \"--mount\" flag: %v", text, err)
		}
	}
	switch {
	case m.Target == "":
		return m, sim.Refuse("invalid argument %q for \"--mount\" flag: target is required", text)
	case m.Type == sim.Bind && m.Source == "":
		return m, sim.Refuse("invalid mount config for type \"bind\": field Source must not be empty")
	case m.Type == sim.Bind:
		m.Source = c.host.Abs(m.Source)
		if kind, err := c.host.Kind(m.Source); err == nil && kind == sim.HostNothing {
			return m, sim.Refuse("invalid mount config for type \"bind\": bind source path does not exist: %s", m.Source)
		}
	}
	return c.target(m)
}

// tmpfsSpec reads --tmpfs's TARGET[:OPTIONS].
func (c *invocation) tmpfsSpec(text string) (sim.Mount, error) {
	target, options, _ := strings.Cut(text, ":")
	m := sim.Mount{Type: sim.Tmpfs, Target: target, ReadOnly: slices.Contains(strings.Split(options, ","), "ro")}
	return c.target(m)
}

// AskedMounts are those that a command's flags ask for, as far as they can be
// understood.
func AskedMounts(cmd sim.Cmd, host sim.Host) []sim.Mount {
	var spec sim.Spec
	(&invocation{Cmd: cmd, host: host}).mounts(&spec)
	return spec.Mounts
}
