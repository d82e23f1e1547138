package play

import (
	"context"
	"sync"

	"twinlayer/sim"
)

// feed numbers events and tells them to those that listen.
type feed struct {
	mu      sync.Mutex
	seq     int
	next    int // of the screens' own numbers
	screens map[int]func(Event)
}

func (f *feed) listen(screen func(Event)) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.screens == nil {
		f.screens = map[int]func(Event){}
	}
	n := f.next
	f.next++
	f.screens[n] = screen
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.screens, n)
	}
}

func (f *feed) tell(b Body) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	for n := range f.next {
		if screen, ok := f.screens[n]; ok {
			screen(Event{f.seq, b})
		}
	}
}

// running is the input that is dealt with, so that another one can end it.
type running struct {
	mu  sync.Mutex
	end context.CancelFunc // nil: none is
}

func (r *running) begin(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	r.set(cancel)
	return ctx, func() {
		r.set(nil)
		cancel()
	}
}

func (r *running) set(end context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = end
}

// cancel ends the input that is dealt with; false where none is.
func (r *running) cancel() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.end == nil {
		return false
	}
	r.end()
	return true
}

// watched is ctx for a command whose progress is told until end is called.
func (c *Conversation) watched(ctx context.Context) (_ context.Context, end func()) {
	if !c.Progress {
		return ctx, func() {}
	}
	w := &watcher{tell: c.tell, last: map[string]sim.Progress{}}
	return sim.WithProgress(ctx, w.hear), w.end
}

// watcher tells of progress what is news to a screen: another action, or one
// more hundredth.
type watcher struct {
	tell func(Body)
	mu   sync.Mutex
	last map[string]sim.Progress // by layer
	over bool
}

func (w *watcher) hear(p sim.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was, known := w.last[p.ID]
	news := p.ID == "" || !known || was.Action != p.Action || p.Done == p.Total || (p.Done-was.Done)*100 >= p.Total
	if w.over || !news {
		return
	}
	w.last[p.ID] = p
	w.tell(Progress{p.ID, p.Action, p.Done, p.Total})
}

func (w *watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
}
