//go:build linux

package helper

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipe makes a fifo for a stream from or to the caller. The far end is open
// from the beginning: what the caller writes is not lost before it is read,
// and nothing looks like the end of what is still to come.
func (h *helper) pipe(_ context.Context, args PipeArgs) (string, error) {
	name, err := h.store.Fifo()
	if err != nil {
		return "", err
	}
	how := unix.O_RDWR
	if args.Write {
		how = unix.O_RDONLY
	}
	fd, err := unix.Open(name, how|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", name, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pipes[name] = os.NewFile(uintptr(fd), name)
	return name, nil
}

// far is the far end of a pipe; end closes it, and so does the end of ctx.
func (h *helper) far(ctx context.Context, name string) (f *os.File, end func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.pipes[name]
	if !ok {
		return nil, nil, fmt.Errorf("there is no pipe %s", name)
	}
	delete(h.pipes, name)
	stop := context.AfterFunc(ctx, func() { f.Close() })
	return f, func() { stop(); f.Close() }, nil
}
