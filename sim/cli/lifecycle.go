package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"twinlayer/sim"
)

// What follows are the verbs of a container's life, after docker run.

// start starts containers; with -a or -i one, whose output is shown.
func (c *invocation) start() error {
	if !c.Attach && !c.Interactive {
		return c.each(func(arg string) error { return c.startOne(arg) })
	}
	if len(c.Args) > 1 {
		return sim.Refuse("you cannot start and attach multiple containers at once")
	}
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	if k.Status == sim.Running {
		return c.attach()
	}
	out, err := c.engine.Start(c, k.ID, false)
	return c.shellOutput(out, sim.FromDaemon(err))
}

func (c *invocation) startOne(arg string) error {
	k, err := c.find(arg)
	if err != nil {
		return err
	}
	c.view.Container = k.ID
	out, err := c.engine.Start(c, k.ID, true)
	if err == nil {
		c.view.Print("%s\n", arg)
		c.view.Unknown = c.view.Unknown.Or(out.Unknown)
	}
	return err
}

func (c *invocation) grace() time.Duration { return time.Duration(c.Time) * time.Second }

func (c *invocation) stop() error {
	return c.each(func(arg string) error {
		return c.named(arg, func(id string) error { return c.engine.Stop(c, id, c.grace()) })
	})
}

// named does something to a container and prints its name as it was typed.
func (c *invocation) named(arg string, do func(id string) error) error {
	k, err := c.find(arg)
	if err != nil {
		return err
	}
	c.view.Container = k.ID
	if err := do(k.ID); err != nil {
		return err
	}
	c.view.Print("%s\n", arg)
	return nil
}

func (c *invocation) restart() error {
	return c.each(func(arg string) error {
		k, err := c.find(arg)
		if err != nil {
			return err
		}
		if err := c.engine.Stop(c, k.ID, c.grace()); err != nil {
			return err
		}
		return c.startOne(arg)
	})
}

func (c *invocation) kill() error {
	return c.each(func(arg string) error {
		k, err := c.find(arg)
		if err != nil {
			return err
		}
		c.view.Container = k.ID
		if err := c.engine.Kill(c, arg, c.Signal); err != nil {
			return err
		}
		c.view.Print("%s\n", arg)
		return nil
	})
}

func (c *invocation) wait() error {
	return c.each(func(arg string) error {
		k, err := c.find(arg)
		if err != nil {
			return err
		}
		c.view.Container = k.ID
		exit, err := c.engine.Wait(c, k.ID)
		if err == nil {
			c.view.Print("%d\n", exit)
		}
		return err
	})
}

func (c *invocation) rm() error {
	return c.each(func(arg string) error {
		err := c.engine.RemoveContainer(c, arg, sim.RemoveOptions{Force: c.Force, Volumes: c.WithVolumes})
		if err == nil {
			c.view.Print("%s\n", arg)
		}
		return err
	})
}

// logs prints what a container has printed.
func (c *invocation) logs() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	if c.Timestamps {
		return sim.Refuse("docker logs -t: when a line was printed is not kept here")
	}
	out, err := c.printed(k)
	if err != nil {
		return sim.FromDaemon(err)
	}
	out.Stdout, err = c.tail(out.Stdout)
	if err != nil {
		return err
	}
	out.Stderr, err = c.tail(out.Stderr)
	return c.shellOutput(out, err)
}

// exitInterrupted is the exit status of a command that control-C has ended.
const exitInterrupted = 128 + 2

// printed is what a container has printed; with -f until it ends or control-C
// comes. The model follows it as long as the real world does.
func (c *invocation) printed(k sim.Container) (sim.Output, error) {
	if !c.Follow || k.Status != sim.Running {
		return c.engine.Logs(c, k.ID, false)
	}
	if real, ok := c.Ask.Ask(context.WithoutCancel(c), 0); ok && real.Out.Exit == exitInterrupted {
		c.at(real.At)
		out, err := c.engine.Logs(c, k.ID, false)
		out.Exit = exitInterrupted
		return out, err
	}
	begun := time.Now()
	out, err := c.engine.Logs(c, k.ID, true)
	if err == nil && c.Err() != nil {
		out.Exit = exitInterrupted
	}
	if c.Tell != nil {
		c.Tell.Tell(0, sim.Performed{Out: out, Err: err, At: c.Now.Add(time.Since(begun))})
	}
	return out, err
}

// tail is the last lines that --tail asks for.
func (c *invocation) tail(text string) (string, error) {
	if c.Tail == "all" {
		return text, nil
	}
	n, err := strconv.Atoi(c.Tail)
	if err != nil {
		return "", sim.FromDaemon(sim.Refuse("invalid tail value %q: want a number or \"all\"", c.Tail))
	}
	if n < 0 {
		return text, nil
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	lines = lines[max(0, len(lines)-n):]
	out := strings.Join(lines, "")
	if len(lines) > 0 && strings.HasSuffix(text, "\n") {
		out += "\n"
	}
	return out, nil
}

func (c *invocation) top() error {
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	rows, err := c.engine.Top(c, k.ID)
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.table(processRows(rows))
	return nil
}

// processRows are the rows of ps -ef, of which only the command is the same in
// every world.
func processRows(rows [][]string) (out [][]sim.Piece) {
	for i, row := range rows {
		pieces := plain(row...)
		for at := range max(0, min(i, 1)*(len(pieces)-1)) {
			pieces[at].Kind = sim.HostProcess
		}
		out = append(out, pieces)
	}
	return out
}
