package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/sim"
	"twinlayer/sim/dockerfile"
	"twinlayer/sim/say"
)

// builder performs a Dockerfile: a container from the last image, one
// instruction in it, a commit, and so on to the end. It is the same over every
// engine, and prints what docker's classic builder prints.
type builder struct {
	context.Context
	sim.Cmd
	engine sim.Engine
	host   sim.Host
	view   *sim.View

	file  *dockerfile.File
	scope *dockerfile.Scope
	arch  string // of the engine's machine
	sources
	when   time.Time // of what is made; see [builder.clock]
	latest time.Time

	number, total int // steps
	stages        []sim.Image
	stage         *dockerfile.Stage
	image         sim.Image        // the last one; the zero Image before the first of a stage FROM scratch
	serial        int              // of instructions; each has one container at most
	own           *ownBuild        // nil: the loop performs it
	taken         map[string]taken // what the engine's own builder takes from
	known         []sim.Image
	missed        bool // the cache has had no answer in this stage
	explained     bool
	quiet         bool // triggers are performed
	roots         map[digest.Digest]*fs.Tree
	said          []sim.Piece // with --quiet: what is not printed unless it fails
}

// Perform is docker build over an engine. What is printed, and what there is
// to know beside it, goes into view.
func Perform(ctx context.Context, cmd sim.Cmd, engine sim.Engine, host sim.Host, view *sim.View) error {
	b := &builder{Context: ctx, Cmd: cmd, engine: engine, host: host, view: view, roots: map[digest.Digest]*fs.Tree{}, taken: map[string]taken{}}
	if err := b.prepare(); err != nil {
		return err
	}
	err := b.perform()
	if b.Quiet && err != nil {
		view.Complain(b.said...)
	}
	return err
}

// prepare reads all that the build begins with.
func (b *builder) prepare() error {
	if err := b.clock(); err != nil {
		return err
	}
	if err := b.read(); err != nil {
		return err
	}
	info, err := b.engine.Info(b)
	if err != nil {
		return err
	}
	b.arch = info.Arch
	if b.Target != "" {
		err = b.file.Target(b.Target)
	}
	if err == nil {
		b.scope, err = b.file.Scope(keyed(b.BuildArgs), platform.Linux(b.arch))
	}
	if err != nil {
		return sim.FromDaemon(refusal(err))
	}
	for _, kv := range b.Labels {
		key, value, _ := strings.Cut(kv, "=")
		b.file.Label(key, value)
	}
	b.total = b.file.Steps()
	b.known, err = b.engine.Images(b)
	return err
}

// clock sets the times of the build. Files younger than the build are given
// the time at which it began, in whole seconds, in every world: so the same
// steps make the same layers, and images with the same ids. The kernel's clock
// for files may be a few milliseconds behind. --timestamp, or
// SOURCE_DATE_EPOCH, takes the place of that time.
func (b *builder) clock() error {
	b.when = b.Now
	b.latest = b.Now.Add(-20 * time.Millisecond).Truncate(time.Second)
	if b.Timestamp == "" {
		return nil
	}
	at, err := ParseTimestamp(b.Timestamp)
	b.when, b.latest = at, at
	return err
}

// moment is the creation time of the next image: a little after the last's, so
// that lists keep their order.
func (b *builder) moment() time.Time {
	if b.Timestamp != "" {
		return b.when
	}
	b.when = b.when.Add(time.Microsecond)
	return b.when
}

// refusal is an error of a Dockerfile as what the learner got wrong.
func refusal(err error) error {
	var r *sim.Refusal
	var u *sim.Unknown
	if err == nil || errors.As(err, &r) || errors.As(err, &u) || sim.IsBroken(err) {
		return err
	}
	return &sim.Refusal{Text: err.Error(), Exit: 1}
}

// say prints, unless only the id is wanted.
func (b *builder) say(format string, args ...any) {
	b.put(sim.Piece{Text: fmt.Sprintf(format, args...)})
}

func (b *builder) put(pieces ...sim.Piece) {
	if b.Quiet {
		b.said = append(b.said, pieces...)
		return
	}
	b.view.Put(pieces...)
}

// putOutput prints what a process has printed.
func (b *builder) putOutput(out sim.Output) {
	b.put(sim.Piece{Kind: sim.Words, Text: out.Stdout + out.Stderr})
}

func (b *builder) perform() error {
	b.say("Sending build context to Docker daemon  %s\n", b.sent())
	if err := b.begin(); err != nil {
		return err
	}
	if b.own != nil {
		defer b.own.stop()
	}
	for _, arg := range b.file.Args() {
		b.announce(arg)
	}
	for i := range b.file.Stages {
		if err := b.perStage(i); err != nil {
			return err
		}
	}
	if err := b.ended(); err != nil {
		return err
	}
	return b.finish()
}

// announce says which step comes.
func (b *builder) announce(code string) {
	b.number++
	b.say("Step %d/%d : %s\n", b.number, b.total, code)
	b.note(sayStep(b.number, b.total, code))
}

// note records a step of the build where the engine records steps.
func (b *builder) note(why say.Phrase) { b.noteAs("build", why) }

func (b *builder) noteAs(op string, why say.Phrase) {
	if n, ok := b.engine.(interface {
		Note(op, path string, why say.Phrase)
	}); ok {
		n.Note(op, "/", why)
	}
}

func (b *builder) perStage(i int) error {
	s := b.file.Stages[i]
	b.announce(s.SourceCode)
	b.missed = false
	if err := b.from(s, i); err != nil {
		return refusal(err)
	}
	if err := b.triggers(s); err != nil {
		return err
	}
	if b.quiet {
		b.quiet = false
		b.arrive()
	}
	for _, cmd := range s.Commands {
		if err := b.Err(); err != nil {
			return err
		}
		b.announce(dockerfile.Code(cmd))
		if err := b.instruction(cmd); err != nil {
			return b.failed(cmd, err)
		}
	}
	b.stages = append(b.stages, b.image)
	return nil
}

// from makes a stage's base the last image.
func (b *builder) from(s instructions.Stage, number int) error {
	name, want, err := b.scope.Base(s)
	if err != nil {
		return err
	}
	if want != "" && want != platform.Linux(b.arch) {
		return b.file.Fault(fmt.Errorf("platform %s: this engine builds for %s alone", want, platform.Linux(b.arch)), s.Location)
	}
	if b.image, err = b.base(name, number); err != nil {
		return err
	}
	b.stage = b.scope.Begin(b.image.Config.Config)
	if b.own != nil {
		if _, err := b.own.step(); err != nil {
			return err
		}
	}
	if b.quiet = len(b.image.Config.Config.OnBuild) > 0; !b.quiet {
		b.arrive()
	}
	return nil
}

// arrive tells of the last image. Of those that triggers make docker tells the
// last alone.
func (b *builder) arrive() {
	if !b.quiet {
		b.say(" ---> %s\n", sim.Short(b.image.ID))
	}
}

// base is the image that FROM names: scratch, a stage before, or one that the
// engine has or can pull.
func (b *builder) base(name string, number int) (sim.Image, error) {
	if name == "scratch" {
		return sim.ScratchImage(b.arch), nil
	}
	if i, ok := instructions.HasStage(b.file.Stages[:number], name); ok {
		return b.stages[i], nil
	}
	return b.imageOrPull(name)
}

func (b *builder) imageOrPull(ref string) (sim.Image, error) {
	if t, ok := b.taken[ref]; ok {
		b.tellTaken(ref)
		return t.Image, nil
	}
	img, told, err := b.fetch(ref)
	b.put(told...)
	return img, err
}

// fetch is the image that ref names, and what its pull told, if there was one.
func (b *builder) fetch(ref string) (img sim.Image, told []sim.Piece, err error) {
	img, err = b.engine.Image(b, ref)
	if err != nil && !sim.IsRefusal(err, sim.MissingImage) || err == nil && !b.Pull {
		return img, nil, err
	}
	p, err := b.engine.Pull(b, ref)
	if err != nil {
		return sim.Image{}, nil, err
	}
	img, err = b.engine.Image(b, ref)
	return img, p.Printed(), err
}

// triggers performs what the base image's ONBUILD has left.
func (b *builder) triggers(s instructions.Stage) error {
	all := b.stage.Triggers()
	if len(all) == 0 {
		return nil
	}
	plural := "s"
	if len(all) == 1 {
		plural = ""
	}
	b.say("# Executing %d build trigger%s\n", len(all), plural)
	for _, text := range all {
		b.note(sayTrigger(text))
		cmd, err := dockerfile.Trigger(text)
		if err == nil {
			err = b.instruction(cmd)
		}
		if err != nil {
			return refusal(b.file.Fault(err, s.Location))
		}
	}
	return nil
}

// instruction performs one instruction.
func (b *builder) instruction(cmd instructions.Command) error {
	b.serial++
	if err := b.stage.Expand(cmd); err != nil {
		return err
	}
	if b.own != nil {
		return b.follow(cmd)
	}
	switch c := cmd.(type) {
	case *instructions.RunCommand:
		return b.run(c)
	case *instructions.CopyCommand:
		return b.copy(c)
	case *instructions.AddCommand:
		return b.add(c)
	}
	told, err := b.stage.Apply(cmd)
	if err != nil {
		return err
	}
	if _, ok := cmd.(*instructions.WorkdirCommand); ok {
		return b.workdir(told)
	}
	return b.configure(told)
}

// finish names the image.
func (b *builder) finish() error {
	if b.image.ID == "" {
		return sim.Refuse("No image was generated. Is your Dockerfile empty?")
	}
	if unused := b.scope.Unused(); len(unused) > 0 {
		b.say("[Warning] One or more build-args %v were not consumed\n", unused)
	}
	b.say("Successfully built %s\n", sim.Short(b.image.ID))
	if b.Quiet {
		b.view.Print("%s\n", b.image.ID)
	}
	for _, tag := range b.Tags {
		if err := b.engine.Tag(b, b.image.ID.String(), tag); err != nil {
			return sim.FromDaemon(err)
		}
		familiar, err := sim.Familiar(tag)
		if err != nil {
			return err
		}
		b.say("Successfully tagged %s\n", familiar)
	}
	return nil
}

// failed is a failed instruction as docker tells of it, with the place in the
// Dockerfile; and what can be looked at now.
func (b *builder) failed(cmd instructions.Command, err error) error {
	err = refusal(err)
	var r *sim.Refusal
	if !errors.As(err, &r) {
		return err
	}
	if b.image.ID != "" {
		b.view.Hint(sayStepFailed(b.number, sim.Short(b.image.ID)))
	}
	at := b.file.Fault(errors.New(r.Text), cmd.Location())
	return &sim.Refusal{Text: at.Error(), Exit: r.Exit}
}

// ParseTimestamp is a time that --timestamp or SOURCE_DATE_EPOCH gives: the
// seconds since 1970 (reproducible-builds.org, SOURCE_DATE_EPOCH).
func ParseTimestamp(text string) (time.Time, error) {
	var sec int64
	var rest string
	if n, _ := fmt.Sscanf(text+" .", "%d %s", &sec, &rest); n != 2 || rest != "." || sec < 0 || sec > 1<<36 {
		return time.Time{}, sim.Refuse("invalid timestamp %q: it is a number of seconds since 1970 (--timestamp, or SOURCE_DATE_EPOCH in the environment)", text)
	}
	return time.Unix(sec, 0).UTC(), nil
}

// imagesOf are the images that were made of parent, newest first.
func imagesOf(all []sim.Image, parent digest.Digest) []sim.Image {
	out := slices.DeleteFunc(slices.Clone(all), func(img sim.Image) bool {
		lines := len(img.Config.History)
		return img.Parent != parent || lines == 0 || parent == "" && lines > 1
	})
	slices.SortStableFunc(out, sim.CompareImages)
	return out
}
