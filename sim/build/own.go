package build

import (
	"errors"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"twinlayer/sim"
	"twinlayer/sim/dockerfile"
	"twinlayer/sim/say"
)

// ownBuild is a build that the engine's own builder performs.
type ownBuild struct {
	sim.Builder
	next func() (sim.Built, error, bool)
	stop func()
}

// step waits for what came of the next step.
func (o *ownBuild) step() (sim.Built, error) {
	got, err, ok := o.next()
	if !ok {
		return got, sim.Refuse("the engine's builder ended before the last step: try again with --no-cache")
	}
	return got, err
}

// begin lets the engine's own builder begin, if it has one that can perform
// this Dockerfile, and makes sure that the images are there which it takes
// from. Otherwise the loop performs it; the view says why.
func (b *builder) begin() error {
	own, ok := b.engine.(sim.Builder)
	if !ok {
		return nil
	}
	all, err := b.takes()
	if sim.IsBroken(err) {
		return err
	}
	if err != nil {
		return nil // the loop comes to it in its place
	}
	request := b.request(all)
	why := b.beyond()
	if why.Empty() {
		why = own.NoBuild(request)
	}
	if !why.Empty() {
		b.view.Builder = why
		return nil
	}
	next, stop := iter.Pull2(own.Build(b, request))
	b.own = &ownBuild{own, next, stop}
	return nil
}

func (b *builder) request(taken []dockerfile.Taken) sim.Build {
	r := sim.Build{Context: b.context, Args: keyed(b.BuildArgs), Labels: keyed(b.Labels), Target: b.Target, NoCache: b.NoCache}
	if b.BuildNetwork == "host" {
		r.Network = sim.HostNetwork
	}
	r.File = func(name func(sim.Image) string) string {
		return b.file.Renamed(taken, func(ref string) string { return name(b.taken[ref].Image) })
	}
	return r
}

// keyed are the values of "key=value"s.
func keyed(all []string) map[string]string {
	out := map[string]string{}
	for _, kv := range all {
		key, value, _ := strings.Cut(kv, "=")
		out[key] = value
	}
	return out
}

// taken is an image that a build takes from, and what its pull has printed;
// that is for the step that it belongs to.
type taken struct {
	sim.Image
	told []sim.Piece
}

// takes makes sure that the images are there which the Dockerfile takes from.
func (b *builder) takes() ([]dockerfile.Taken, error) {
	all, err := b.file.Taken(b.scope)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if _, ok := b.taken[t.Ref]; ok {
			continue
		}
		img, told, err := b.fetch(t.Ref)
		if err != nil {
			return nil, err
		}
		b.taken[t.Ref] = taken{img, told}
	}
	return all, nil
}

// modern is what only BuildKit knows of an instruction.
var modern = regexp.MustCompile(`^(?i:RUN|COPY|ADD)(?: --\S+)* --(mount|network|security|device|chmod|link|parents|exclude|checksum|keep-git-dir|unpack)\b`)

// beyond is why no classic builder performs this build; "" where it can.
func (b *builder) beyond() say.Phrase {
	switch {
	case b.Timestamp != "":
		return sayNoOtherTime
	case b.Keep:
		return sayKeepsNamelessly
	}
	for _, img := range b.taken {
		if len(img.Config.Config.OnBuild) > 0 {
			return sayOnbuildOfBase
		}
	}
	for _, s := range b.file.Stages {
		for _, cmd := range s.Commands {
			if why := beyondClassic(cmd, len(b.file.Stages) > 1); !why.Empty() {
				return why
			}
		}
	}
	return say.Phrase{}
}

func beyondClassic(cmd instructions.Command, several bool) say.Phrase {
	if found := modern.FindStringSubmatch(dockerfile.Code(cmd)); found != nil {
		return sayBuildKitFlag(found[1])
	}
	switch c := cmd.(type) {
	case *instructions.OnbuildCommand:
		if several {
			return sayOnbuildOfStage
		}
	case *instructions.RunCommand:
		if len(c.Files) > 0 {
			return sayHereDocuments
		}
	case *instructions.CopyCommand:
		if len(c.SourceContents) > 0 {
			return sayHereDocuments
		}
	case *instructions.AddCommand:
		if len(c.SourceContents) > 0 {
			return sayHereDocuments
		}
		if slices.ContainsFunc(c.SourcePaths, isRemote) {
			return sayNoFetching
		}
		if slices.ContainsFunc(c.SourcePaths, func(src string) bool { return strings.HasSuffix(src, "zst") }) {
			return sayNoZstd
		}
	case *instructions.ArgCommand:
		if slices.ContainsFunc(c.Args, func(a instructions.KeyValuePairOptional) bool {
			return dockerfile.IsPlatformArg(a.Key) && a.Value == nil
		}) {
			return sayPlatformArgs
		}
	}
	return say.Phrase{}
}

// follow is instruction where the engine's own builder performs it.
func (b *builder) follow(cmd instructions.Command) error {
	spec, shown, err := b.planned(cmd)
	if err != nil {
		return err
	}
	if c, ok := cmd.(*instructions.CopyCommand); ok {
		b.tellTaken(c.From)
	}
	got, err := b.own.step()
	if got.Cached {
		b.say(" ---> Using cache\n")
		b.image = got.Image
		b.arrive()
		return nil
	}
	id := sim.Short(b.containerID())
	if shown && (err == nil || spec.Args != nil) {
		b.say(" ---> Running in %s\n", id)
		if spec.Args != nil {
			b.putOutput(got.Output)
		}
	}
	if err != nil {
		return b.unfinished(spec, got, err)
	}
	if shown {
		b.say("Removing intermediate container %s\n", id)
	}
	below := len(b.image.Layers)
	b.image = got.Image
	b.arrive()
	if spec.Args != nil {
		b.tellDone(got.Output, below)
	}
	return nil
}

// tellTaken prints what the pull of an image has printed, once.
func (b *builder) tellTaken(ref string) {
	if t, ok := b.taken[ref]; ok {
		b.put(t.told...)
		b.taken[ref] = taken{Image: t.Image}
	}
}

// planned is the container that an instruction is performed in, and whether
// docker tells of it.
func (b *builder) planned(cmd instructions.Command) (spec sim.Spec, shown bool, err error) {
	switch c := cmd.(type) {
	case *instructions.RunCommand:
		spec, err = b.runSpec(c)
		if err == nil {
			spec.Args, err = b.stage.RunArgv(c)
		}
		spec.Env, _ = b.stage.BuildEnv()
		return spec, true, err
	case *instructions.CopyCommand, *instructions.AddCommand:
		return spec, false, nil
	}
	_, err = b.stage.Apply(cmd)
	return spec, true, err
}

// unfinished is a step that failed. The container of a RUN becomes one of
// ours; whatever else has one leaves nothing.
func (b *builder) unfinished(spec sim.Spec, got sim.Built, err error) error {
	if got.Container == "" || sim.IsBroken(err) {
		return err
	}
	named, broke := b.described(spec)
	if broke != nil {
		return broke
	}
	k, broke := b.own.Keep(b, got.Container, named)
	if broke != nil {
		return broke
	}
	if spec.Args == nil {
		return errors.Join(b.remove(k), err)
	}
	b.tellFailed(k, got.Output, err)
	return b.leave(k, err)
}

// ended waits for the engine's own builder to be through.
func (b *builder) ended() error {
	if b.own == nil {
		return nil
	}
	defer b.own.stop()
	_, err, _ := b.own.next()
	return err
}
