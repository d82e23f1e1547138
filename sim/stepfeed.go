package sim

import (
	"context"
	"sync"
	"time"

	"twinlayer/fs"
)

// A StepFeed is how the model learns, in the middle of a command, what it cannot
// predict: the real world's build tells of each container that it ran, and the
// model's asks for the same one; docker logs -f tells when it was given up.
// The real world never waits for the model.
type StepFeed struct {
	mu    sync.Mutex
	steps map[int]chan Performed
	over  bool
}

// Performed is what a container of the real world did.
type Performed struct {
	Out   Output
	Err   error
	At    time.Time                               // of docker logs -f: when it ended
	Layer func(context.Context) (*fs.Tree, error) // its writable layer
}

// NewStepFeed is a feed that nothing was told to.
func NewStepFeed() *StepFeed { return &StepFeed{steps: map[int]chan Performed{}} }

func (x *StepFeed) step(n int) chan Performed {
	x.mu.Lock()
	defer x.mu.Unlock()
	c, ok := x.steps[n]
	if !ok {
		c = make(chan Performed, 1)
		x.steps[n] = c
		if x.over {
			close(c)
		}
	}
	return c
}

// Tell says what the container of step n did.
func (x *StepFeed) Tell(n int, t Performed) { x.step(n) <- t }

// Ask waits for the real world's container n; false where it made none.
func (x *StepFeed) Ask(ctx context.Context, n int) (Performed, bool) {
	if x == nil {
		return Performed{}, false
	}
	select {
	case t, ok := <-x.step(n):
		return t, ok
	case <-ctx.Done():
		return Performed{}, false
	}
}

// End says that the real world tells no more.
func (x *StepFeed) End() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	for _, c := range x.steps {
		close(c)
	}
}
