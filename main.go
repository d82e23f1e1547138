// Twinlayer is a step-through simulator that teaches container images: every
// docker command runs in a model, which can be explained step by step, and in
// a real engine, and the two are held against each other.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"twinlayer/fs/platform"
	"twinlayer/lessons"
	"twinlayer/real"
	"twinlayer/real/embedded"
	"twinlayer/real/registry"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/cli"
	"twinlayer/sim/model"
	"twinlayer/sim/play"
	"twinlayer/sim/repl"
	"twinlayer/sim/repl/ink"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
	"twinlayer/sim/userland/packages"
)

// The exit statuses; README has them too.
const (
	exitOK     = 0
	exitBroken = 1 // an engine or a file could not be used
	exitUsage  = 2
	exitBug    = 3 // a verdict was bug
)

// stdout and stderr are for plain text; a session draws with the REPL's pen.
var stdout, stderr = ink.Writer(os.Stdout), ink.Writer(os.Stderr)

func main() {
	runApplet(os.Args)
	embedded.Init()
	os.Exit(run(os.Args[1:]))
}

// runApplet turns the program into the tool that it was called as, as in the
// bundled images, and then does not return. There only the packages that the
// tools need are initialised, so nothing else may be called before it.
func runApplet(args []string) {
	if packages.Has(filepath.Base(args[0])) || userland.Marked() {
		os.Exit(userland.Main(args, packages.Run))
	}
}

// flags are the command line.
type flags struct {
	real, dataDir, script, images string
	word                          string // engines, clean, bench or verify: do that alone
	insecure                      []string
	json, plain, step             bool
	schema                        bool

	lang  string
	auto  bool
	words []string // what is asked of lessons: "play", "9"
}

func parse(args []string) (flags, error) {
	var f flags
	set := pflag.NewFlagSet("twinlayer", pflag.ContinueOnError)
	set.StringVar(&f.real, "real", "auto", "the real engine: "+strings.Join(real.Choices, ", "))
	set.StringVar(&f.dataDir, "data-dir", "", "where the embedded engine keeps its layers (default ~/.local/share/twinlayer)")
	set.StringVar(&f.images, "images", "", "where short names such as busybox come from: docker.io, or a mirror's `ADDRESS` (default: the bundled images)")
	set.StringArrayVar(&f.insecure, "insecure-registry", nil, "a registry, `HOST:PORT`, that may be asked without encryption")
	set.StringVar(&f.script, "script", "", "read commands from `FILE`, one per line")
	set.BoolVar(&f.json, "json", false, "print what happens as JSON, one event per line")
	set.BoolVar(&f.schema, "json-schema", false, "print the JSON Schema of these events")
	set.BoolVar(&f.plain, "plain", false, "no colour, no box drawing")
	set.BoolVar(&f.step, "step", false, "hold the model's steps; Enter shows the next")
	set.StringVar(&f.lang, "lang", "", "the language of the lessons: "+strings.Join(lessons.Languages, ", ")+" (default: the environment's)")
	set.BoolVar(&f.auto, "auto", false, "with lesson play: play to the end without a learner")
	set.Usage = func() { fmt.Fprintf(stderr, "Usage of twinlayer:\n%s%s", set.FlagUsages(), repl.LessonUsage) }
	if err := set.Parse(args); err != nil {
		return f, err
	}
	f.word = set.Arg(0)
	switch {
	case set.Arg(0) == "lesson":
		f.word, f.words = "", set.Args()[1:]
		return f, repl.CheckLessonWords(f.words, f.auto)
	case f.auto:
		return f, errors.New("--auto is for lesson play")
	case set.NArg() > 1 || f.word != "" && machineWords[f.word] == nil:
		return f, fmt.Errorf("unexpected argument %q: commands come from the prompt, from --script FILE or from standard input; engines, clean, bench and verify stand alone", set.Arg(set.NArg()-1))
	case !slices.Contains(real.Choices, f.real):
		return f, fmt.Errorf("--real %s: choose one of %s", f.real, strings.Join(real.Choices, ", "))
	}
	return f, nil
}

func run(args []string) int {
	f, err := parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case err != nil:
		return fail(exitUsage, err)
	}
	if f.schema {
		fmt.Fprint(stdout, play.Schema)
		return exitOK
	}
	if done, err := repl.LessonFiles(real.Host{}, f.words, lessons.Language(f.lang, os.Getenv), stdout); done {
		if err != nil {
			return fail(exitBroken, err)
		}
		return exitOK
	}
	images := bundle.New(platform.Host(), bundle.File(executable()), userland.Applets())
	if f.word != "" {
		return machineWord(f, images)
	}
	engine, why, err := open(f, images)
	if err != nil {
		return fail(exitBroken, err)
	}
	session := &session.Session{Real: engine, Model: newModel(images, engine), Host: real.Host{}}
	if engine != nil {
		f.real = engine.Name()
		session.Open = func(context.Context) (sim.Engine, error) {
			fresh, _, err := open(f, images)
			return fresh, err
		}
	}
	defer session.Close()
	bugs, err := talk(f, session, images, why)
	switch {
	case err != nil:
		return fail(exitBroken, err)
	case session.Broken() != nil:
		return fail(exitBroken, session.Broken())
	case bugs > 0:
		return exitBug
	}
	return exitOK
}

func fail(status int, err error) int {
	fmt.Fprintln(stderr, "twinlayer:", err)
	return status
}

// executable is this program, as the bundled busybox holds it.
func executable() string {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return "/proc/self/exe"
	}
	name, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return name
}

// open starts the real engine. Where "auto" finds none, why says so and the
// model goes on alone.
func open(f flags, images sim.Registry) (engine sim.Engine, why string, err error) {
	if f.real == "none" {
		return nil, "--real none", nil
	}
	c, err := f.config(images)
	if err != nil {
		return nil, "", err
	}
	engine, err = real.Open(c)
	if err != nil && f.real == "auto" {
		return nil, err.Error(), nil
	}
	return engine, "", err
}

// config is what the flags say of the real engine.
func (f flags) config(images sim.Registry) (real.Config, error) {
	c := real.Config{Choice: f.real, DataDir: f.dataDir, Registry: images, Images: f.images, Insecure: f.insecure}
	var err error
	if c.DataDir == "" {
		c.DataDir, err = real.DefaultDataDir()
	}
	return c, err
}

// machineWords are what can be asked of the engines without a session.
var machineWords = map[string]func(play.Machine, context.Context, io.Writer) error{
	"engines": play.Machine.Engines, "clean": play.Machine.Clean, "bench": play.Machine.Bench, "verify": play.Machine.Verify,
}

// machine is what can be asked of this machine's engines, the model among
// them.
type machine struct {
	real.Machine
	images *bundle.Bundle
}

// Bench times the model and all real engines.
func (m machine) Bench(ctx context.Context, w io.Writer) error {
	return cli.Bench(ctx, w, func(yield func(sim.Engine) bool) {
		if yield(newModel(m.images, nil)) {
			m.Each(yield)
		}
	})
}

func machineWord(f flags, images *bundle.Bundle) int {
	c, err := f.config(images)
	if err == nil {
		err = machineWords[f.word](machine{real.Machine{Config: c}, images}, context.Background(), stdout)
	}
	if err != nil {
		return fail(exitBroken, err)
	}
	return exitOK
}

// newModel is the model of this machine, with the ids and the way of making
// layers that the real engine has.
func newModel(images *bundle.Bundle, engine sim.Engine) *model.Model {
	c := model.Config{Facts: real.Facts(), Registry: images, Programs: images.Programs, Spool: real.Spool, Sleep: userland.SleepFor, LocalRegistry: registry.Name}
	if engine != nil {
		if info, err := engine.Info(context.Background()); err == nil {
			c.IDs, c.Dialect = info.IDs, info.Dialect
		}
	}
	return model.New(c)
}

// talk reads commands to their end and returns how many verdicts were bug.
func talk(f flags, session *session.Session, images *bundle.Bundle, why string) (int, error) {
	lines, closeLines, err := source(f)
	if err != nil {
		return 0, err
	}
	defer closeLines()
	course, lang, err := f.course()
	if err != nil {
		return 0, err
	}
	c, err := f.config(images)
	if err != nil {
		return 0, err
	}
	terminal, live := lines.(*repl.Terminal)
	conversation := play.New(play.Config{
		Session: session, Getenv: os.Getenv, Engine: describe(session.Real), Missing: why, Pullable: images.Names(),
		Machine: machine{real.Machine{Config: c}, images}, Person: live, Step: f.step, Progress: live || f.json, Pause: pause, Course: course,
	})
	r := repl.New(repl.Config{
		Play: conversation, Lines: lines, Out: os.Stdout, JSON: f.json, Plain: f.plain || !isatty.IsTerminal(os.Stdout.Fd()),
		Lang: lang, Live: live && !f.plain, Width: columns(), Size: size, Editor: real.Editor(cmp.Or(os.Getenv("EDITOR"), "vi")),
	})
	if live {
		terminal.Complete(r.Complete)
	} else if why != "" {
		fmt.Fprintln(stderr, "twinlayer: model only:", why)
	}
	err = r.Run(context.Background())
	if err == nil && !live && conversation.Missed() > 0 { // a learner has seen it
		err = fmt.Errorf("%d of the lessons' steps did not lead where they should", conversation.Missed())
	}
	return conversation.Bugs(), err
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return ctx.Err()
}

func describe(engine sim.Engine) string {
	if engine == nil {
		return ""
	}
	info, err := engine.Info(context.Background())
	if err != nil {
		return engine.Name()
	}
	return info.Engine
}

// source is where commands come from: the terminal, a script, or a pipe.
func source(f flags) (repl.Lines, func() error, error) {
	if f.script != "" {
		file, err := os.Open(f.script)
		if err != nil {
			return nil, nil, fmt.Errorf("--script: %w", err)
		}
		return repl.NewScript(file), file.Close, nil
	}
	if f.json || !isatty.IsTerminal(os.Stdin.Fd()) || !isatty.IsTerminal(os.Stdout.Fd()) {
		return repl.NewScript(os.Stdin), io.NopCloser(os.Stdin).Close, nil
	}
	t := repl.NewTerminal(real.StateFile(stateFile("history")))
	return t, t.Close, nil
}

// course is what lessons need: what was asked of them, in which language, and
// how far the learner has come.
func (f flags) course() (c play.Course, lang string, err error) {
	progress := ""
	if f.script == "" && !f.json && len(f.words) == 0 || slices.Contains(f.words, "play") && !f.auto {
		progress = stateFile("progress.json")
	}
	if c.Progress, err = lessons.LoadProgress(real.StateFile(progress)); err != nil {
		fmt.Fprintln(stderr, "twinlayer:", err)
	}
	lang = lessons.Language(cmp.Or(f.lang, c.Progress.Lang), os.Getenv)
	c.Auto = f.auto
	c.Check, c.Play, err = repl.LessonsAsked(real.Host{}, f.words)
	return c, lang, err
}

// stateFile is a file of what is kept from session to session; "" where there
// is no place for it.
func stateFile(name string) string {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "twinlayer", name)
}

// size is the terminal's.
func size() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || columns == 0 || rows == 0 { // a terminal may not know its size
		return 80, 24
	}
	return columns, rows
}

// columns is the terminal's width.
func columns() int { columns, _ := size(); return columns }
