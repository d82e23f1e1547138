//go:build linux

package helper

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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
	signal, err := parseSignal(cmp.Or(c.info.StopSignal, c.config.StopSignal, "TERM"))
	if err != nil {
		return false, err
	}
	r := c.current()
	r.proc.Signal(signal)
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
	signal, err := parseSignal(args.Signal)
	if err != nil {
		return false, err
	}
	if info := h.status(c); info.Status != sim.Running {
		return false, sim.NotKilled(info, args.Container)
	}
	if signal == unix.SIGKILL {
		c.kill()
		return true, nil
	}
	return true, c.current().proc.Signal(signal)
}

// parseSignal reads a signal's name or number as docker does.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && 0 < n && n <= 64 {
		return syscall.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return n, nil
	}
	if n, ok := realtime(name); ok {
		return n, nil
	}
	return 0, sim.InvalidSignal(s)
}

// realtime reads "RTMIN", "RTMIN+3", "RTMAX" and "RTMAX-3" (signal(7)).
func realtime(name string) (syscall.Signal, bool) {
	for prefix, base := range map[string]int{"RTMIN": 34, "RTMAX": 64} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(cmp.Or(rest, "0"))
		n += base
		return syscall.Signal(n), err == nil && 34 <= n && n <= 64
	}
	return 0, false
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
