package model

import (
	"context"
	"errors"
	"path"
	"sync"
	"sync/atomic"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/model/contents"
	"twinlayer/sim/say"
	"twinlayer/sim/userland"
)

// Model is the modelled engine. What it is like is all in its [State]; an
// operation is a pure transition from one State to the next, which it records
// as [Step]s.
type Model struct {
	sim.Solitary
	cfg Config

	turn     sync.Mutex  // of the operation under way
	mu       sync.Mutex  // of what follows
	live     *transition // the operation under way; nil: none is
	state    State
	steps    []sim.Step
	now      time.Time
	timed    bool      // since the last Steps, a detached process went on by the clock
	asked    bool      // a program has asked for the time
	seen     overview  // of the containers, as it was asked for last
	listed   imageList // of the images, likewise
	known    sync.Map  // what Programs said, by content
	contents contents.Store
	// elsewhere are the containers of other sessions that the real engine
	// shares its images with; no State has them: what is undone is not theirs.
	elsewhere []sim.Container
}

// Config is what the model takes from the world outside.
type Config struct {
	Facts    kernel.Facts
	Registry sim.Registry
	// Programs tells what an executable with this content does; nil where
	// the model cannot know. Only programs it knows can run in the model.
	Programs func(content *fs.Data) userland.Program
	// Spool makes a place outside the memory for the contents of files that
	// an archive brings; nil: they stay in memory.
	Spool func() (fs.Spool, error)
	// Room is how many bytes the programs of one command may write to files,
	// which are in memory, before the disk is full; 0: [DefaultRoom].
	Room int64
	// LocalRegistry is the name of twinlayer's own registry, which takes pushes; "":
	// the engine at hand cannot reach it.
	LocalRegistry string
	// IDs are the user ids that containers know. The model does as the real
	// engine does, so that both fail alike.
	IDs fs.IDMap
	// Sleep lets real time pass: for a program in the foreground that sleeps,
	// and before one that does not end is given up; nil: none passes, so that
	// who sleeps goes on at once and nothing is given up.
	Sleep func(ctx context.Context, d time.Duration) error
	// Dialect is how layers are made; "": [fs.DockerNative]. The model speaks
	// the real engine's.
	Dialect fs.Dialect
}

// DefaultRoom is enough for what one does to learn, and little enough for a
// small machine.
const DefaultRoom = 256 << 20

var _ sim.Engine = (*Model)(nil)

// New is a model whose machine is up, with no images. Steps has the
// steps of the boot.
func New(cfg Config) *Model {
	m := &Model{cfg: cfg, state: State{Machine: kernel.New(cfg.Facts)}, seen: overview{views: []sim.ContainerView{}}}
	for {
		machine, event, ok := m.state.Machine.Boot()
		if !ok {
			return m
		}
		m.state.Machine = machine
		m.steps = append(m.steps, sim.Step{Event: event, After: m.state})
	}
}

// At sets the time at which the next operations happen, to which detached
// processes go on, unless an operation is under way.
func (m *Model) At(now time.Time) {
	m.mu.Lock()
	m.now = now
	m.mu.Unlock()
	if m.turn.TryLock() {
		defer m.turn.Unlock()
		must(m.perform(func(t *transition) error { t.catchUp(); t.wakeJobs(); return nil }))
	}
}

// Restore makes an earlier state the state now.
func (m *Model) Restore(s State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
}

// State is the state now.
func (m *Model) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Steps are the steps since the last call.
func (m *Model) Steps() []sim.Step {
	m.mu.Lock()
	defer m.mu.Unlock()
	steps := m.steps
	m.steps = nil
	return steps
}

// Timed says whether a detached process has gone on by the clock since the
// last call.
func (m *Model) Timed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	timed := m.timed
	m.timed = false
	return timed
}

// NameOf is the name of the container id; "" if there is none any more.
func (m *Model) NameOf(id string) string {
	if c, err := m.State().container(id); err == nil {
		return c.Name
	}
	return ""
}

// transition is an operation under way: the state so far and the steps that
// led to it.
type transition struct {
	*Config
	model *Model
	mu    sync.Mutex // programs of one pipeline run at the same time
	state State
	steps []sim.Step
	now   time.Time
	timed bool           // a detached process went on
	asked atomic.Bool    // a program has asked for the time
	wrote atomic.Int64   // bytes that programs have asked room for
	jobs  sync.WaitGroup // commands in the background, of the shells that run now
	// removed is the last container that has removed itself.
	removed container
	runs    map[string]*underway // by container
	waiting []func()             // what is to be done beside, as soon as it can
	killed  []string             // containers that were killed beside
	closed  bool
	// killers end the processes that run now, by their ids inside.
	killers map[int]func(signal int)
}

// step records what was done.
func (t *transition) step(op, path string, why say.Phrase) {
	t.steps = append(t.steps, sim.Step{Event: fs.Event{Op: op, Path: path, Why: why}, After: t.state})
	t.publish()
}

// do runs an operation. What it did before it was refused stays done. Where it
// fails otherwise, the model cannot know what it would have done.
func (m *Model) do(op func(*transition) error) error {
	m.turn.Lock()
	defer m.turn.Unlock()
	return m.perform(op)
}

// perform is do for who has the turn.
func (m *Model) perform(op func(*transition) error) error {
	t := m.open()
	defer func() {
		t.close() // where it has broken, too
		m.mu.Lock()
		defer m.mu.Unlock()
		m.live = nil
	}()
	err := op(t)
	t.close()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.timed, m.asked = m.timed || t.timed, m.asked || t.asked.Load()
	m.state = t.state
	m.steps = append(m.steps, t.steps...)
	return unable(err)
}

// open begins an operation.
func (m *Model) open() *transition {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live = &transition{Config: &m.cfg, model: m, state: m.state, now: m.now}
	return m.live
}

// unable is an error of the model's own as what it cannot know.
func unable(err error) error {
	if err == nil || sim.IsBroken(err) || errors.As(err, new(*sim.Refusal)) || errors.As(err, new(*sim.Unknown)) {
		return err
	}
	return &sim.Unknown{Why: say.Verbatim(err.Error())}
}

// Name is "model".
func (m *Model) Name() string { return "model" }

// Info tells of the modelled kernel.
func (m *Model) Info(context.Context) (sim.Info, error) {
	return sim.Info{Engine: "model", Arch: m.cfg.Facts.Arch, IDs: m.cfg.IDs, Dialect: m.cfg.Dialect}, nil
}

// Containers are all containers, newest first.
func (m *Model) Containers(context.Context) ([]sim.Container, error) {
	return m.State().Containers(), nil
}

// Overview is what a view tells of all containers, newest first.
func (m *Model) Overview(context.Context) ([]sim.ContainerView, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = m.seen.next(m.state.containers.all)
	return m.seen.views, nil
}

// Container is the container that key names.
func (m *Model) Container(_ context.Context, key string) (sim.Container, error) {
	c, err := m.State().container(key)
	return c.Container, err
}

// Changes are what docker diff lists.
func (m *Model) Changes(_ context.Context, key string) ([]fs.Change, error) {
	c, err := m.State().container(key)
	if err != nil {
		return nil, err
	}
	if why := c.unread; !why.Empty() {
		return nil, &sim.Unknown{Why: why}
	}
	return c.root().Changes(), nil
}

// Layer is the container's writable layer.
func (m *Model) Layer(_ context.Context, key string) (*fs.Tree, error) {
	c, err := m.State().container(key)
	if err != nil {
		return nil, err
	}
	if m.cfg.Dialect == "" || m.cfg.Dialect == fs.DockerNative {
		return c.root().Upper(), nil
	}
	return c.root().Layer(m.cfg.Dialect)
}

// Paths completes a path in a container: the entries of its directory that
// begin with its last part.
func (m *Model) Paths(key, prefix string) []string {
	st := m.State()
	c, _, err := st.shell(key)
	if err != nil {
		return nil
	}
	full := prefix
	if !path.IsAbs(full) {
		full = m.Dir(key) + "/" + full
	}
	dir, base := path.Split(full)
	sys := &vfs.Sys{Mounts: c.mounts.Fork(), Clock: func() time.Time { return c.Created }}
	return sys.Matching(prefix[:len(prefix)-len(base)], dir, base)
}

// Dir is the directory that a waiting shell is in.
func (m *Model) Dir(key string) string {
	if _, sh, err := m.State().shell(key); err == nil {
		if !sh.foreign.Empty() {
			return sh.process.Dir
		}
		return sh.Dir()
	}
	return "/"
}

// Unseen calls f, and forgets the steps in it.
func (m *Model) Unseen(f func() error) error {
	before := m.Steps()
	err := f()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = before
	return err
}

// must is for what cannot fail by construction.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// ShareWith tells the model of other sessions.
func (m *Model) ShareWith(others sim.Others) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.elsewhere = others.Containers
	for _, ref := range others.Pushed {
		m.state.registry = m.state.registry.Without(ref) // what it is now only the real engine finds out
	}
}

// HasPushed says whether the model knows anything of twinlayer's own registry.
func (m *Model) HasPushed() bool { return m.State().registry.Len() > 0 }
