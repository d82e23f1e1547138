package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
	"twinlayer/real/embedded/rpc"
	"twinlayer/sim"
)

func served(t *testing.T, methods map[string]rpc.Method) (*rpc.Client, net.Conn) {
	near, far := net.Pipe()
	go rpc.Serve(far, methods)
	c := rpc.NewClient(near)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, far
}

func TestCall(t *testing.T) {
	c, _ := served(t, map[string]rpc.Method{
		"twice": rpc.Func(func(_ context.Context, s string) (string, error) { return s + s, nil }),
	})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := rpc.Call[string](context.Background(), c, "twice", "a\x00\xff")
			if err != nil || got != "a\x00\xffa\x00\xff" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	all.Wait()
	_, err := rpc.Call[string](context.Background(), c, "nosuch", "")
	require.EqualError(t, err, "rpc: no method nosuch")
}

func TestErrors(t *testing.T) {
	c, _ := served(t, map[string]rpc.Method{
		"refuse": rpc.Func(func(context.Context, rpc.None) (rpc.None, error) {
			return false, &sim.Refusal{Text: "no", Exit: 127}
		}),
		"fail": rpc.Func(func(context.Context, rpc.None) (rpc.None, error) { return false, errors.New("broken") }),
	})
	_, err := rpc.Call[rpc.None](context.Background(), c, "refuse", rpc.None(true))
	require.Equal(t, &sim.Refusal{Text: "no", Exit: 127}, err)
	_, err = rpc.Call[rpc.None](context.Background(), c, "fail", rpc.None(true))
	require.EqualError(t, err, "broken")
}

func TestCancel(t *testing.T) {
	begun := make(chan struct{})
	c, _ := served(t, map[string]rpc.Method{
		"wait": rpc.Func(func(ctx context.Context, _ rpc.None) (string, error) {
			close(begun)
			<-ctx.Done()
			return "stopped", nil
		}),
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-begun; cancel() }()
	got, err := rpc.Call[string](ctx, c, "wait", rpc.None(true))
	require.NoError(t, err)
	require.Equal(t, "stopped", got, "what the function still returns is not lost")
	_, err = rpc.Call[string](ctx, c, "wait", rpc.None(true))
	require.ErrorIs(t, err, context.Canceled)
}

// An error is an answer, whatever kind it has.
func TestErrorsAreAnswers(t *testing.T) {
	refusal := &sim.Refusal{Text: "no", Exit: 125}
	c, _ := served(t, map[string]rpc.Method{
		"fail":   rpc.Func(func(context.Context, rpc.None) (string, error) { return "", io.ErrUnexpectedEOF }),
		"refuse": rpc.Func(func(context.Context, rpc.None) (string, error) { return "", fmt.Errorf("loading: %w", refusal) }),
	})
	for method, want := range map[string]*sim.Refusal{"fail": {Text: "unexpected EOF", Exit: 1}, "refuse": refusal, "nosuch": {Text: "rpc: no method nosuch", Exit: 1}} {
		_, err := rpc.Call[string](context.Background(), c, method, rpc.None(true))
		require.Equal(t, want, err, method)
	}
}

func TestGone(t *testing.T) {
	begun := make(chan struct{})
	var far net.Conn
	c, far := served(t, map[string]rpc.Method{
		"wait": rpc.Func(func(ctx context.Context, _ rpc.None) (string, error) {
			close(begun)
			<-ctx.Done()
			return "", ctx.Err()
		}),
	})
	go func() { <-begun; far.Close() }()
	_, err := rpc.Call[string](context.Background(), c, "wait", rpc.None(true))
	require.ErrorIs(t, err, rpc.ErrGone)
	_, err = rpc.Call[string](context.Background(), c, "wait", rpc.None(true))
	require.ErrorIs(t, err, rpc.ErrGone)
}

func TestNews(t *testing.T) {
	c, _ := served(t, map[string]rpc.Method{
		"count": rpc.Func(func(ctx context.Context, n int) (string, error) {
			for i := range n {
				rpc.Tell(ctx, i)
			}
			return "done", nil
		}),
	})
	var heard []int
	ctx := rpc.Listen(context.Background(), func(i int) { heard = append(heard, i) })
	got, err := rpc.Call[string](ctx, c, "count", 3)
	require.NoError(t, err)
	require.Equal(t, "done", got)
	require.Equal(t, []int{0, 1, 2}, heard)
	got, err = rpc.Call[string](context.Background(), c, "count", 3)
	require.NoError(t, err)
	require.Equal(t, "done", got, "who does not listen gets the answer all the same")
}
