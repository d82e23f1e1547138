package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded/wire"
	"twinlayer/sim"
)

func served(t *testing.T, methods map[string]wire.Method) (*wire.Client, net.Conn) {
	near, far := net.Pipe()
	go wire.Serve(far, methods)
	c := wire.NewClient(near)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, far
}

func TestCall(t *testing.T) {
	c, _ := served(t, map[string]wire.Method{
		"twice": wire.Func(func(_ context.Context, s string) (string, error) { return s + s, nil }),
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := wire.Call[string](context.Background(), c, "twice", "a\x00\xff")
			if err != nil || got != "a\x00\xffa\x00\xff" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	all.Wait()
	_, err := wire.Call[string](context.Background(), c, "nosuch", "")
	require.EqualError(t, err, "wire: no method nosuch")
}

func TestErrors(t *testing.T) {
	c, _ := served(t, map[string]wire.Method{
		"refuse": wire.Func(func(context.Context, wire.None) (wire.None, error) {
			return false, &sim.Refusal{Text: "no", Exit: 127}
		}),
		"fail": wire.Func(func(context.Context, wire.None) (wire.None, error) { return false, errors.New("broken") }),
	})
	_, err := wire.Call[wire.None](context.Background(), c, "refuse", wire.None(true))
	require.Equal(t, &sim.Refusal{Text: "no", Exit: 127}, err)
	_, err = wire.Call[wire.None](context.Background(), c, "fail", wire.None(true))
	require.EqualError(t, err, "broken")
}

func TestCancel(t *testing.T) {
	begun := make(chan struct{})
	c, _ := served(t, map[string]wire.Method{
		"wait": wire.Func(func(ctx context.Context, _ wire.None) (string, error) {
			close(begun)
			<-ctx.Done()
			return "stopped", nil
		}),
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	got, err := wire.Call[string](ctx, c, "wait", wire.None(true))
	require.NoError(t, err)
	require.Equal(t, "stopped", got, "what the function still returns is not lost")
	_, err = wire.Call[string](ctx, c, "wait", wire.None(true))
	require.ErrorIs(t, err, context.Canceled)
}

// An error is an answer, whatever kind it has.
func TestErrorsAreAnswers(t *testing.T) {
	refusal := &sim.Refusal{Text: "no", Exit: 125}
	c, _ := served(t, map[string]wire.Method{
		"fail":   wire.Func(func(context.Context, wire.None) (string, error) { return "", io.ErrUnexpectedEOF }),
		"refuse": wire.Func(func(context.Context, wire.None) (string, error) { return "", fmt.Errorf("loading: %w", refusal) }),
	})
	for method, want := range map[string]*sim.Refusal{"fail": {Text: "unexpected EOF", Exit: 1}, "refuse": refusal, "nosuch": {Text: "wire: no method nosuch", Exit: 1}} {
		_, err := wire.Call[string](context.Background(), c, method, wire.None(true))
		require.Equal(t, want, err, method)
	}
}

func TestGone(t *testing.T) {
	begun := make(chan struct{})
	var far net.Conn
	c, far := served(t, map[string]wire.Method{
		"wait": wire.Func(func(ctx context.Context, _ wire.None) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", ctx.Err()
		}),
	})
	go func() { <-begun; far.Close() }()
	_, err := wire.Call[string](context.Background(), c, "wait", wire.None(true))
	require.ErrorIs(t, err, wire.ErrGone)
	_, err = wire.Call[string](context.Background(), c, "wait", wire.None(true))
	require.ErrorIs(t, err, wire.ErrGone)
}

func TestNews(t *testing.T) {
	c, _ := served(t, map[string]wire.Method{
		"count": wire.Func(func(ctx context.Context, n int) (string, error) {
			for i := range n {
				wire.Tell(ctx, i)
			}
			return "done", nil
		}),
	})
	var heard []int
	ctx := wire.Listen(context.Background(), func(i int) { heard = append(heard, i) })
	got, err := wire.Call[string](ctx, c, "count", 3)
	require.NoError(t, err)
	require.Equal(t, "done", got)
	require.Equal(t, []int{0, 1, 2}, heard)
	got, err = wire.Call[string](context.Background(), c, "count", 3)
	require.NoError(t, err)
	require.Equal(t, "done", got, "who does not listen gets the answer all the same")
}
