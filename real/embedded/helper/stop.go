//go:build linux

package helper

import (
	"cmp"
	"context"
	"syscall"
	"time"

	"twinlayer/real/embedded/rpc"
	"twinlayer/sim"
)

// stop asks the container's process to end and kills it after the grace,
// which does not end where it is negative.
func (h *helper) stop(ctx context.Context, args StopArgs) (rpc.None, error) {
	c, err := h.find(args.Container)
	if err != nil || h.status(c).Status != sim.Running {
		return true, err
	}
	signal, err := sim.ParseSignal(cmp.Or(c.info.StopSignal, c.config.StopSignal, "TERM"))
	if err != nil {
		return false, err
	}
	r := c.current()
	r.proc.Signal(syscall.Signal(signal))
	var patience <-chan time.Time
	if args.Grace >= 0 {
		patience = time.After(args.Grace)
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		return false, ctx.Err()
	case <-patience:
		c.kill()
	}
	return true, nil
}

// signal sends a signal to the container's process, and waits for its end
// where that must come.
func (h *helper) signal(_ context.Context, args SignalArgs) (rpc.None, error) {
	c, err := h.find(args.Container)
	if err != nil {
		return false, err
	}
	signal, err := sim.ParseSignal(args.Signal)
	if err != nil {
		return false, err
	}
	if info := h.status(c); info.Status != sim.Running {
		return false, sim.NotKilled(info, args.Container)
	}
	if syscall.Signal(signal) == syscall.SIGKILL {
		c.kill()
		return true, nil
	}
	return true, c.current().proc.Signal(syscall.Signal(signal))
}

// wait waits until the container does not run.
func (h *helper) wait(ctx context.Context, key string) (int, error) {
	c, err := h.find(key)
	if err != nil {
		return 0, err
	}
	if r := c.current(); r != nil {
		select {
		case <-r.ended:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return h.status(c).Exit, nil
}

// pids are the container's processes, as the helper's proc numbers them.
func (h *helper) pids(_ context.Context, key string) ([]int, error) {
	c, err := h.find(key)
	if err != nil {
		return nil, err
	}
	if info := h.status(c); info.Status != sim.Running {
		return nil, sim.NotRunning(info)
	}
	return c.current().proc.PIDs(), nil
}
