package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/compare"
	"twinlayer/sim/model"
	"twinlayer/sim/say"
)

// Session runs commands in both worlds side by side. The zero value of all
// but Model is useful: no real engine, the real clock, real randomness.
type Session struct {
	Model *model.Model
	Real  sim.Engine // nil: there is none
	Host  sim.Host   // nil: the machine's files cannot be reached
	Clock func() time.Time
	Rand  func([]byte) // fills
	// Open starts another engine like Real; nil: none can be had.
	Open func(context.Context) (sim.Engine, error)

	at      Attached
	mu      sync.Mutex      // of broken and stale
	broken  error           // why Real cannot be used any more; fell notes it
	behind  error           // what the model could not take over from Real
	stale   time.Time       // since when
	kept    []ran           // what was run
	lasts   int             // so many of kept were before BeginScratch
	begun   bool            // the model has what the real engine had at the start
	unread  map[string]bool // volumes of earlier sessions, of which the model has no more than the name
	scratch bool            // see BeginScratch

	scratches int        // how often it was called
	volumes   []string   // that were there before the first command
	left      leftBehind // what GoBack goes back behind
	pairs     compare.ImageMap
	images    struct{ model, real []sim.Image } // after the last command
}

// Attached is the shell that lines go to.
type Attached struct {
	Shell     string // "": none; lines are docker commands
	Container string // its id
	Name      string // its name
}

// Attached is where the next line goes.
func (s *Session) Attached() Attached { return s.at }

// Engines are the worlds that are in use, the model first.
func (s *Session) Engines() []sim.Engine {
	if s.Real == nil || s.broken != nil {
		return []sim.Engine{s.Model}
	}
	return []sim.Engine{s.Model, s.Real}
}

// Detach leaves the shell waiting, as control-P control-Q does.
func (s *Session) Detach() { s.at = Attached{} }

// Broken is why the real engine cannot be used any more; nil while it can.
func (s *Session) Broken() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Run runs a line in both worlds: in the shell that is attached, or as a
// docker command. Whatever goes wrong is in the result. When the real engine
// is lost, Broken says so and the model goes on alone; what the model cannot
// take, it takes over from the real engine.
func (s *Session) Run(ctx context.Context, line string, getenv func(string) string) (sim.Result, error) {
	cmd := sim.Cmd{Text: line, Verb: sim.VerbLine}
	if s.at.Shell == "" {
		var err error
		if cmd, err = cli.Parse(line, getenv); err != nil {
			return s.refused(line, err)
		}
	}
	return s.Do(ctx, cmd)
}

// Hangup ends the attached shell, as the end of its input does.
func (s *Session) Hangup(ctx context.Context) (sim.Result, error) {
	return s.Do(ctx, sim.Cmd{Text: "exit", Verb: sim.VerbHangup})
}

// refused is the result of a line that no engine gets to see.
func (s *Session) refused(line string, err error) (sim.Result, error) {
	return s.Do(context.Background(), sim.Cmd{Text: line, Verb: sim.VerbRefused, Refused: err})
}

// Do runs a command in both worlds at the same time.
func (s *Session) Do(ctx context.Context, cmd sim.Cmd) (sim.Result, error) {
	s.complete(&cmd)
	s.begin(ctx)
	notice := s.takeOver(context.WithoutCancel(ctx), cmd)
	s.adoptUnread(ctx, cmd)
	goesOn := s.adoptRunning(context.WithoutCancel(ctx))
	before := s.Model.State()
	b := s.both(cmd)
	r := s.perform(ctx, b)
	r.Notice = notice
	if b.seen.GivenUp {
		s.fell(s.undo(context.WithoutCancel(ctx), &r, before))
	}
	s.judge(context.WithoutCancel(ctx), &r, b)
	s.settle(ctx, &r, b)
	s.fell(s.excuse(context.WithoutCancel(ctx), &r, b))
	if r.Real != nil && !r.Model.Unknown.Empty() {
		if goesOn {
			s.adoptRunning(context.WithoutCancel(ctx)) // one that has ended meanwhile has printed before
		}
		s.fell(s.adopt(context.WithoutCancel(ctx), &r, b.modelCmd))
	}
	s.agreeOnTime(&r)
	if goesOn {
		r.Excuse(sayProgramGoesOn)
	}
	if ctx.Err() != nil {
		r.Excuse(sayInterrupted)
	}
	s.tellBehind(&r)
	s.tellTroubles(context.WithoutCancel(ctx), &r)
	s.remember(ctx, b)
	s.follow(&r, cmd)
	return r, nil
}

// perform runs a command in both worlds at the same time.
func (s *Session) perform(ctx context.Context, b *both) sim.Result {
	var wg sync.WaitGroup
	if b.real != nil {
		wg.Go(func() {
			defer b.modelCmd.Ask.End()
			b.seen, b.err = cli.Client{Engine: b.real.Engine, Host: b.host}.Do(ctx, b.realCmd)
		})
	}
	r := sim.Result{Cmd: b.modelCmd.Text, Model: s.predict(ctx, b)}
	wg.Wait()
	r.Steps = s.Model.Steps()
	switch {
	case b.real == nil:
	case b.err != nil:
		s.fell(b.err)
	default:
		b.seen.Engine = s.Real.Name()
		r.Real = &b.seen
	}
	if err := b.host.failed(); err != nil {
		r.Model.Unknown = r.Model.Unknown.Or(sayFilesWritable(err.Error()))
	}
	return r
}

// predict runs a command in the model. Where the model itself breaks, which is
// a fault of twinlayer's, it is as it was before.
func (s *Session) predict(ctx context.Context, b *both) (v sim.View) {
	before := s.Model.State()
	defer func() {
		if fault := recover(); fault != nil {
			s.Model.Restore(before)
			v, b.fault = sim.View{Unknown: sayBroken}, sayFault(fmt.Sprint(fault))
		}
	}()
	v, err := cli.Client{Engine: s.Model, Host: b.modelHost()}.Do(b.quietly(ctx), b.modelCmd)
	if err != nil {
		v.Unknown = say.Verbatim(err.Error())
	}
	return v
}

// fell notes an error of the real engine, beside those of commands: that it is
// lost, or that the model has fallen behind it.
func (s *Session) fell(err error) {
	switch {
	case err == nil:
	case errors.As(err, new(*sim.Lost)):
		now := s.now()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.broken, s.stale = err, now
	default:
		s.behind = errors.Join(s.behind, err)
	}
}

// tellBehind says what the model could not take over from the real engine.
func (s *Session) tellBehind(r *sim.Result) {
	if s.behind != nil {
		r.Differences = append(r.Differences, sim.Difference{What: "model", Class: sim.Limit, Reason: sayBehind(s.behind.Error())})
		r.Verdict = sim.Verdict(r.Differences)
	}
	s.behind = nil
}

// tellTroubles says what the real engine has found damaged.
func (s *Session) tellTroubles(ctx context.Context, r *sim.Result) {
	if r.Real == nil {
		return
	}
	troubles, err := s.Real.Troubles(ctx)
	s.fell(err)
	for _, trouble := range troubles {
		r.Differences = append(r.Differences, sim.Difference{What: "real", Class: sim.Limit, Reason: trouble})
	}
	r.Verdict = sim.Verdict(r.Differences)
}

// undo takes the model back to before a command that the real engine has given
// up: of that there is no more than what is in the store now.
func (s *Session) undo(ctx context.Context, r *sim.Result, before model.State) error {
	s.Model.Restore(before)
	if err := s.adoptStore(ctx, r.Real.Inventory); err != nil {
		return err
	}
	r.Steps, r.Model = s.Model.Steps(), sim.View{Exit: r.Real.Exit, Container: r.Real.Container}
	return cli.Client{Engine: s.Model}.Look(ctx, &r.Model)
}

// begin gives the model, before the first command, what the real engine has
// kept from earlier sessions.
func (s *Session) begin(ctx context.Context) {
	if s.begun || s.Real == nil || s.broken != nil {
		return
	}
	s.begun = true
	images, err := s.Real.Images(ctx)
	if err == nil {
		err = s.quietly(func() error { return s.adoptStore(ctx, images) })
	}
	if err != nil {
		s.fell(err)
		return
	}
	s.images.real, s.images.model = images, s.Model.State().Images()
	s.volumes = s.Model.State().VolumeNames()
	s.pairs.Learn(ctx, compare.Side{Engine: s.Model, Images: s.images.model}, compare.Side{Engine: s.Real, Images: images})
}

// settling is how long a detached process of the real world has to come as
// far as the model's, which takes no time.
const settling = 2 * time.Second

// settle looks at the real world again until it has come as far as the model,
// where a detached process is on its way.
func (s *Session) settle(ctx context.Context, r *sim.Result, b *both) {
	timed := s.Model.Timed()
	if r.Real == nil || !timed && !b.realCmd.Detaches() {
		return
	}
	for end := time.Now().Add(settling); r.Verdict == sim.Bug && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(20 * time.Millisecond)
		if err := (cli.Client{Engine: s.Real, Host: b.host}).Look(ctx, r.Real); err != nil {
			break
		}
		s.judge(ctx, r, b)
	}
	if timed {
		r.Excuse(sayDetachedGoesOn)
	}
}

// both is one command on its way through both worlds.
type both struct {
	real              *compare.Side // nil: there is no real engine
	host              *shared
	modelCmd, realCmd sim.Cmd
	asTyped           func(string) string // a text of either world, with the ids that were typed
	seen              sim.View
	err               error      // why the real engine is lost
	fault             say.Phrase // how the model broke; empty: it did not
}

func (s *Session) both(cmd sim.Cmd) *both {
	b := &both{host: share(s.Host), modelCmd: cmd, realCmd: cmd, asTyped: func(text string) string { return text }}
	if s.Real == nil || s.broken != nil {
		return b
	}
	model := compare.Side{Engine: s.Model, Images: s.images.model}
	b.real = &compare.Side{Engine: s.Real, Images: s.images.real}
	n := cmd.ImageArgs()
	toModel, inModel := s.pairs.Args(cmd.Args[:n], *b.real, model)
	toReal, inReal := s.pairs.Args(cmd.Args[:n], model, *b.real)
	b.modelCmd.Args = append(toModel, cmd.Args[n:]...)
	b.realCmd.Args = append(toReal, cmd.Args[n:]...)
	told := sim.NewStepFeed()
	b.modelCmd.Ask, b.realCmd.Tell = told, told
	b.asTyped = func(text string) string { return inReal(inModel(text)) }
	return b
}

// quietly is ctx for the model: where there is a real engine, that one tells
// what it is at.
func (b *both) quietly(ctx context.Context) context.Context {
	if b.real == nil {
		return ctx
	}
	return sim.WithProgress(ctx, nil)
}

// modelHost is the host as the model may use it: only one world writes.
func (b *both) modelHost() sim.Host {
	if b.real == nil {
		return b.host
	}
	return reader{b.host}
}

// complete gives the command what is random or depends on the clock.
func (s *Session) complete(cmd *sim.Cmd) {
	var seed [40]byte
	if s.Rand != nil {
		s.Rand(seed[:])
	} else {
		rand.Read(seed[:])
	}
	cmd.ID = hex.EncodeToString(seed[:32])
	cmd.Name = s.freeName(binary.LittleEndian.Uint64(seed[32:]))
	cmd.Now = s.now()
	if cmd.Verb == sim.VerbLine || cmd.Verb == sim.VerbHangup {
		cmd.Shell, cmd.Container = s.at.Shell, s.at.Container
	}
}

// freeName is the first name from seed on that no container has.
func (s *Session) freeName(seed uint64) string {
	state := s.Model.State()
	return sim.FreeName(seed, func(name string) bool { return state.Holder(name) != "" })
}

// machines is what is printed where the machine has no room, or does not let
// the real engine do what it is asked, of which the model knows nothing.
var machines = regexp.MustCompile(`this machine does not let twinlayer limit|this disk's file system takes no extended attribute|(?i)no space left on device|disk quota exceeded`)

// byMachine says whether it was the machine that made the real world's output
// another.
func byMachine(model, real sim.View) bool {
	return machines.MatchString(real.Stdout+real.Stderr) && !machines.MatchString(model.Stdout+model.Stderr)
}

func (s *Session) judge(ctx context.Context, r *sim.Result, b *both) {
	r.Differences = []sim.Difference{}
	if r.Steps == nil {
		r.Steps = []sim.Step{}
	}
	s.images.model = r.Model.Inventory
	if r.Real != nil && byMachine(r.Model, *r.Real) {
		r.Model.Unknown = r.Model.Unknown.Or(sayMachine)
	}
	if r.Real == nil {
		r.Differences = append(r.Differences, sim.Difference{What: "real", Class: sim.Limit, Reason: s.noReal()})
	} else {
		if r.Real.Unknown.Empty() {
			s.images.real = r.Real.Inventory
		}
		s.pairs.Learn(ctx, compare.Side{Engine: s.Model, Images: s.images.model}, compare.Side{Engine: s.Real, Images: s.images.real})
		r.Differences = append(r.Differences, compare.Comparison{Cmd: b.modelCmd, Pairs: &s.pairs, AsTyped: b.asTyped}.Of(r.Model, *r.Real)...)
	}
	if !r.Model.Unknown.Empty() && (r.Real == nil || sim.Verdict(r.Differences) != sim.Limit) {
		r.Differences = append(r.Differences, sim.Difference{What: "model", Class: sim.Limit, Reason: sim.CannotKnow(r.Model.Unknown)})
	}
	if !b.fault.Empty() {
		r.Differences = append(r.Differences, sim.Difference{What: "model", Class: sim.Bug, Reason: b.fault})
	}
	r.Verdict = sim.Verdict(r.Differences)
}

// follow attaches to the shell that the command opened, and leaves the one
// that it ended. Where the worlds disagree, the real one decides.
func (s *Session) follow(r *sim.Result, cmd sim.Cmd) {
	view := r.Model
	if r.Real != nil {
		view = *r.Real
	}
	if view.Container != "" {
		r.Container = s.name(view.Container)
	}
	switch {
	case view.Shell != "":
		s.at = Attached{Shell: view.Shell, Container: view.Container, Name: r.Container}
	case cmd.Verb == sim.VerbLine || cmd.Verb == sim.VerbHangup:
		s.at = Attached{}
	}
}

// name is the name of a container, also of one that was just removed.
func (s *Session) name(id string) string {
	if s.at.Container == id {
		return s.at.Name
	}
	return s.Model.NameOf(id)
}

// Close ends the real engine.
func (s *Session) Close() error {
	if s.Real == nil {
		return nil
	}
	return s.Real.Close()
}
