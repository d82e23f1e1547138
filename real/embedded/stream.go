package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"twinlayer/real/embedded/helper"
	"twinlayer/real/embedded/rpc"
	"twinlayer/sim"
)

// sending has call read what src holds from a pipe.
func sending[R any](ctx context.Context, e *Engine, src io.Reader, call func(ctx context.Context, pipe string) (R, error)) (R, error) {
	var none R
	name, err := pipe(ctx, e, true)
	if err != nil {
		return none, err
	}
	defer os.Remove(name)
	// Who opens a fifo to read and write need not wait for its other end.
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return none, err
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		if _, err := io.Copy(struct{ io.Writer }{f}, src); err != nil {
			failed <- err
			cancel() // what is missing must not look like the end
			return
		}
		f.Close()
	}()
	r, err := call(ctx, name)
	select {
	case broken := <-failed:
		if err != nil {
			return none, broken
		}
	default:
	}
	return r, err
}

// receiving hands what call writes to a pipe to dst.
func receiving(ctx context.Context, e *Engine, dst io.Writer, call func(ctx context.Context, pipe string) error) error {
	name, err := pipe(ctx, e, false)
	if err != nil {
		return err
	}
	defer os.Remove(name)
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(dst, struct{ io.Reader }{f})
		if err != nil {
			cancel()
		}
		copied <- err
	}()
	if err = call(ctx, name); err != nil {
		f.Close()
	}
	if broken := <-copied; broken != nil && !errors.Is(broken, os.ErrClosed) {
		return broken
	}
	return err
}

func pipe(ctx context.Context, e *Engine, write bool) (string, error) {
	return call[string](ctx, e, "pipe", helper.PipeArgs{Write: write})
}

// Load takes in an archive of images, as it comes.
func (e *Engine) Load(ctx context.Context, archive io.Reader) ([]string, error) {
	return sending(listening(ctx), e, archive, func(ctx context.Context, pipe string) ([]string, error) {
		return call[[]string](ctx, e, "load", helper.LoadArgs{Pipe: pipe})
	})
}

// Save writes an archive of images.
func (e *Engine) Save(ctx context.Context, refs []string, archive io.Writer) error {
	return receiving(ctx, e, archive, func(ctx context.Context, pipe string) error {
		_, err := call[rpc.None](ctx, e, "save", helper.SaveArgs{Pipe: pipe, Refs: refs})
		return err
	})
}

// Import makes an image of a root file system, as it comes.
func (e *Engine) Import(ctx context.Context, i sim.Import) (sim.Image, error) {
	root := i.Root
	i.Root = nil
	text, err := json.Marshal(i)
	if err != nil {
		return sim.Image{}, err
	}
	p, err := sending(listening(ctx), e, root, func(ctx context.Context, pipe string) (helper.PackedImage, error) {
		return call[helper.PackedImage](ctx, e, "import", helper.ImportArgs{Pipe: pipe, Import: text})
	})
	if err != nil {
		return sim.Image{}, err
	}
	return p.Unpack()
}

// listening is ctx for calls that tell how far they are.
func listening(ctx context.Context) context.Context {
	if tell := sim.Telling(ctx); tell != nil {
		return rpc.Listen(ctx, tell)
	}
	return ctx
}
