package sim

import (
	"context"
	"sync"
	"time"

	"twinlayer/fs"
)

// exchange is how the model learns, in the middle of a command, what it cannot
// predict: the real world's build tells of each container that it ran, and the
// model's asks for the same one; docker logs -f tells when it was given up.
// The real world never waits for the model.
type exchange struct {
	mu    sync.Mutex
	steps map[int]chan told
	over  bool
}

// told is what a container of the real world did.
type told struct {
	out   Output
	err   error
	at    time.Time                               // of docker logs -f: when it ended
	layer func(context.Context) (*fs.Tree, error) // its writable layer
}

func newExchange() *exchange { return &exchange{steps: map[int]chan told{}} }

func (x *exchange) step(n int) chan told {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, ok := x.steps[n]
	if !ok {
		c = make(chan told, 1)
		x.steps[n] = c
		if x.over {
			close(c)
		}
	}
	return c
}

func (x *exchange) tell(n int, t told) { x.step(n) <- t }

// ask waits for the real world's container n; false where it made none.
func (x *exchange) ask(ctx context.Context, n int) (told, bool) {
	if x == nil {
		return told{}, false
	}
	select {
	case t, ok := <-x.step(n):
		return t, ok
	case <-ctx.Done():
		return told{}, false
	}
}

// end says that the real world tells no more.
func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for _, c := range x.steps {
		close(c)
	}
}
