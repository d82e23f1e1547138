package sim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// Session runs commands in both worlds side by side. The zero value of all
// but Model is useful: no real engine, the real clock, real randomness.
type Session struct {
	Model *Model
	Real  Engine // nil: there is none
	Clock func() time.Time
	Rand  func([]byte) // fills

	at     Attached
	broken error // why Real cannot be used any more
}

// Attached is the shell that lines go to.
type Attached struct {
	Shell     string // "": none; lines are docker commands
	Container string // its id
	Name      string // its name
}

// Attached is where the next line goes.
func (s *Session) Attached() Attached { return s.at }

// Detach leaves the shell waiting, as control-P control-Q does.
func (s *Session) Detach() { s.at = Attached{} }

// Broken is why the real engine cannot be used any more; nil while it can.
func (s *Session) Broken() error { return s.broken }

// Run runs a line in both worlds: in the shell that is attached, or as a
// docker command. An error means that the model broke. When the real engine
// breaks, Broken says so and the model goes on alone.
func (s *Session) Run(ctx context.Context, line string, getenv func(string) string) (Result, error) {
	cmd := Cmd{Text: line, Verb: VerbLine}
	if s.at.Shell == "" {
		var err error
		if cmd, err = Parse(line, getenv); err != nil {
			return s.refused(line, err)
		}
	}
	return s.Do(ctx, cmd)
}

// Hangup ends the attached shell, as the end of its input does.
func (s *Session) Hangup(ctx context.Context) (Result, error) {
	return s.Do(ctx, Cmd{Text: "exit", Verb: VerbHangup})
}

// refused is the result of a line that no engine gets to see.
func (s *Session) refused(line string, err error) (Result, error) {
	return s.Do(context.Background(), Cmd{Text: line, Verb: verbRefused, refusal: err})
}

// Do runs a command in both worlds at the same time.
func (s *Session) Do(ctx context.Context, cmd Cmd) (Result, error) {
	s.complete(&cmd)
	var wg sync.WaitGroup
	var real View
	var realErr error
	useReal := s.Real != nil && s.broken == nil
	if useReal {
		wg.Go(func() { real, realErr = World{s.Real}.Do(ctx, cmd) })
	}
	model, err := World{s.Model}.Do(ctx, cmd)
	wg.Wait()
	if err != nil {
		return Result{}, err
	}
	r := Result{Cmd: cmd.Text, Model: model, Steps: s.Model.Steps()}
	switch {
	case !useReal:
	case realErr != nil:
		s.broken = realErr
	default:
		real.Engine = s.Real.Name()
		r.Real = &real
	}
	s.judge(&r)
	if ctx.Err() != nil {
		r.forgive("it was interrupted, and the two worlds were not at the same point then")
	}
	s.follow(&r, cmd)
	return r, nil
}

// complete gives the command what is random or depends on the clock.
func (s *Session) complete(cmd *Cmd) {
	var seed [40]byte
	if s.Rand != nil {
		s.Rand(seed[:])
	} else {
		rand.Read(seed[:])
	}
	cmd.ID = hex.EncodeToString(seed[:32])
	cmd.Name = s.freeName(binary.LittleEndian.Uint64(seed[32:]))
	cmd.Now = time.Now()
	if s.Clock != nil {
		cmd.Now = s.Clock()
	}
	if cmd.Verb == VerbLine || cmd.Verb == VerbHangup {
		cmd.Shell, cmd.Container = s.at.Shell, s.at.Container
	}
}

// freeName is the first name from seed on that no container has.
func (s *Session) freeName(seed uint64) string {
	all := s.Model.State().Containers()
	for range len(all) {
		if CheckName(all, RandomName(seed)) == nil {
			break
		}
		seed++
	}
	return RandomName(seed)
}

func (s *Session) judge(r *Result) {
	r.Differences = []Difference{}
	if r.Steps == nil {
		r.Steps = []Step{}
	}
	if r.Real == nil {
		r.Differences = append(r.Differences, Difference{What: "real", Class: Limit, Reason: s.noReal()})
	} else {
		r.Differences = append(r.Differences, Compare(r.Model, *r.Real)...)
	}
	r.Verdict = Verdict(r.Differences)
}

// forgive declares every difference, with the reason.
func (r *Result) forgive(reason string) {
	for i, d := range r.Differences {
		if d.Class == Bug {
			r.Differences[i].Class, r.Differences[i].Reason = Expected, reason
		}
	}
	r.Verdict = Verdict(r.Differences)
}

func (s *Session) noReal() string {
	if s.broken != nil {
		return "the real engine has stopped: " + s.broken.Error()
	}
	return "there is no real engine to compare with"
}

// follow attaches to the shell that the command opened, and leaves the one
// that it ended. Where the worlds disagree, the real one decides.
func (s *Session) follow(r *Result, cmd Cmd) {
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
	case cmd.Verb == VerbLine || cmd.Verb == VerbHangup:
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
