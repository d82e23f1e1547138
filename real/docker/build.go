package docker

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

var _ sim.Builder = (*Engine)(nil)

// NoBuild says why the engine's own builder cannot perform b.
func (e *Engine) NoBuild(b sim.Build) say.Phrase {
	if e.cfg.Podman {
		return sayBuildahMute
	}
	if _, _, ok := besides(b.Context); !ok {
		return sayNoPlace
	}
	return say.Phrase{}
}

// Build lets Docker's classic builder perform b: POST /build with version 1
// (https://docs.docker.com/reference/api/engine, "Build an image"). Every
// image that comes of a step is marked as ours. Only ours are asked for cached
// ones: else a stranger's could become part of the build.
func (e *Engine) Build(ctx context.Context, b sim.Build) iter.Seq2[sim.Built, error] {
	return func(yield func(sim.Built, error) bool) {
		s, err := e.beginBuild(ctx, b)
		if err != nil {
			yield(sim.Built{}, err)
			return
		}
		defer s.body.Close()
		for {
			got, err := s.step(ctx)
			if err == io.EOF || !yield(got, err) || err != nil {
				return
			}
		}
	}
}

// classicBuild is a build under way.
type classicBuild struct {
	e         *Engine
	all       []image // ours, when it began
	body      io.ReadCloser
	in        *json.Decoder
	from      bool          // the step is a FROM
	last      digest.Digest // the image of the step before
	container string        // of the step, while it is there; the first digits of its id
	out, errs sim.Printed
}

func (e *Engine) beginBuild(ctx context.Context, b sim.Build) (*classicBuild, error) {
	all, err := e.own(ctx)
	if err != nil {
		return nil, err
	}
	options := client.ImageBuildOptions{
		Version: build.BuilderV1, Remove: true, Target: b.Target, Labels: b.Labels, NetworkMode: string(b.Network),
		BuildArgs: map[string]*string{}, NoCache: b.NoCache || len(all) == 0,
	}
	if b.Network == sim.NoNetwork {
		options.NetworkMode = "none"
	}
	for key, value := range b.Args {
		options.BuildArgs[key] = &value
	}
	engine := map[digest.Digest]string{}
	for _, img := range all {
		engine[img.ID] = img.engine.String()
		options.CacheFrom = append(options.CacheFrom, img.engine.String())
	}
	name, ignore, _ := besides(b.Context)
	options.Dockerfile = name
	text := b.File(func(img sim.Image) string { return engine[img.ID] })
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeContext(w, b.Context, name, text, ignore)) }()
	made, err := e.client.ImageBuild(ctx, r, options)
	if err != nil {
		r.Close()
		return nil, e.cfg.Explain(err)
	}
	return &classicBuild{e: e, all: all, body: made.Body, in: json.NewDecoder(made.Body)}, nil
}

// besides is a name for the Dockerfile in the build context where nothing
// copies it: the daemon takes a Dockerfile away that .dockerignore matches. Where
// the context has no .dockerignore it is given one, which is taken away too;
// else it has to match a name that is not there.
func besides(context *fs.Tree) (name, ignore string, ok bool) {
	name = ".dockerfile." + strings.ToLower(rand.Text())
	node := context.Lookup("/.dockerignore")
	if node == nil || !node.IsRegular() {
		return name, name + "\n.dockerignore\n", node == nil
	}
	text, err := node.Data.Bytes()
	if err != nil {
		return "", "", false
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(string(text)))
	if err != nil {
		return "", "", false
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return "", "", false
	}
	for _, p := range patterns[:min(len(patterns), tries)] {
		name := strings.NewReplacer("**/", "", "*", name, "?", "x").Replace(p)
		ignored, err := matcher.MatchesOrParentMatches(name)
		if err == nil && ignored && !strings.ContainsAny(name, `/[\!`) && context.Lookup("/"+name) == nil {
			return name, "", true
		}
	}
	return "", "", false
}

// tries is how many patterns are tried: each takes longer the more there are.
const tries = 100

// writeContext writes a build context with its Dockerfile and, if it is not
// "", a .dockerignore.
func writeContext(w io.Writer, context *fs.Tree, name, text, ignore string) error {
	r, all := io.Pipe()
	go func() { all.CloseWithError(context.WriteTar(all)) }()
	defer r.Close()
	in, out := tar.NewReader(r), tar.NewWriter(w)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = out.WriteHeader(h)
		}
		if err == nil {
			_, err = io.Copy(out, in)
		}
		if err != nil {
			return fmt.Errorf("sending the build context: %w", err)
		}
	}
	return errors.Join(writeFile(out, textFile(name, text)), writeIgnore(out, ignore), out.Close())
}

func textFile(name, content string) file { return text(name, []byte(content)) }

func writeIgnore(out *tar.Writer, ignore string) error {
	if ignore == "" {
		return nil
	}
	return writeFile(out, textFile(".dockerignore", ignore))
}

// What the classic builder prints of a step, each in one message (moby,
// daemon/builder/dockerfile, and builder/dockerfile before it).
var (
	stepFrom  = regexp.MustCompile(`^Step \d+/\d+ : (?i:FROM)\b`)
	stepOther = regexp.MustCompile(`^Step \d+/\d+ : `)
	stepRuns  = regexp.MustCompile(`^ ---> Running in ([0-9a-f]+)\n$`)
	stepImage = regexp.MustCompile(`^ ---> ([0-9a-f]*)\n$`)
)

// step reads on to the end of a step; io.EOF where no more come.
func (s *classicBuild) step(ctx context.Context) (sim.Built, error) {
	var got sim.Built
	s.out, s.errs = sim.Printed{}, sim.Printed{}
	for {
		var m jsonstream.Message
		err := s.in.Decode(&m)
		if err == io.EOF {
			return got, err
		}
		if err != nil {
			return got, s.e.cfg.Explain(errors.Join(ctx.Err(), err))
		}
		if m.Error != nil {
			return s.failed(ctx, m.Error)
		}
		if id, ended := s.hear(m.Stream, &got); ended {
			got.Output = sim.Output{Stdout: s.out.String(), Stderr: s.errs.String()}
			got.Image, err = s.image(ctx, id, got.Cached)
			s.last = got.Image.ID
			return got, err
		}
	}
}

// hear takes what the builder says next; an image's id ends the step.
func (s *classicBuild) hear(text string, got *sim.Built) (id string, ended bool) {
	if s.container != "" {
		if strings.HasSuffix(text, "intermediate container "+s.container+"\n") { // "Removing", and from 23.0 on " ---> Removed"
			s.container = ""
			return "", false
		}
		s.print(text)
		return "", false
	}
	if found := stepImage.FindStringSubmatch(text); found != nil {
		return found[1], true
	}
	switch found := stepRuns.FindStringSubmatch(text); {
	case found != nil:
		s.container = found[1]
	case text == " ---> Using cache\n":
		got.Cached = true
	case stepOther.MatchString(text):
		s.from = stepFrom.MatchString(text)
	}
	return "", false
}

// print takes what the step's command printed: what is red was written to its
// stderr (moby, pkg/streamformatter).
func (s *classicBuild) print(text string) {
	red, ok := strings.CutPrefix(text, "\x1b[91m")
	if !ok {
		io.WriteString(&s.out, text)
		return
	}
	io.WriteString(&s.errs, strings.TrimSuffix(red, "\x1b[0m"))
}

// failed is the step that ended the build, with what is left of it.
func (s *classicBuild) failed(ctx context.Context, said *jsonstream.Error) (sim.Built, error) {
	got := sim.Built{Output: sim.Output{Stdout: s.out.String(), Stderr: s.errs.String(), Exit: said.Code}}
	if s.container != "" {
		left, err := s.e.client.ContainerInspect(ctx, s.container, client.ContainerInspectOptions{})
		if err == nil {
			got.Container = left.Container.ID
		}
	}
	if said.Code != 0 {
		return got, &sim.Refusal{Text: said.Message, Exit: said.Code}
	}
	var refusal *sim.Refusal
	if err := s.e.refusedStart(said, sim.StartFailed); errors.As(err, &refusal) || strings.Contains(said.Message, "no space left on device") {
		return got, err
	}
	return got, &sim.Refusal{Text: said.Message, Exit: 1}
}

// image is what a step has made, marked as ours, or where its stage begins.
func (s *classicBuild) image(ctx context.Context, id string, cached bool) (sim.Image, error) {
	if id == "" {
		return sim.ScratchImage(platform.Host()), nil
	}
	made, err := s.e.client.ImageInspect(ctx, id)
	if err != nil {
		return sim.Image{}, s.e.cfg.Explain(err)
	}
	img, err := s.e.describe(ctx, whole(made.ID))
	if err != nil || s.from {
		return img.Image, err
	}
	if old, found := s.restored(img); found && cached {
		return old, nil
	}
	if err := s.e.mark(ctx, img.engine); err != nil {
		return sim.Image{}, err
	}
	plain(&img.Image)
	img.Parent = s.last
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	s.e.images[img.engine], s.e.parents[img.ID] = &img, s.last
	return img.Image, nil
}

// restored is the image of ours that a cached one is a copy of: of an image
// that was loaded Docker knows no parent, and restores it from its history
// (moby, image/cache).
func (s *classicBuild) restored(img image) (sim.Image, bool) {
	made := func(h ocispec.History) string { return fmt.Sprint(h.CreatedBy, h.Created) }
	for _, old := range s.all {
		if old.ID != img.ID && slices.Equal(old.Layers, img.Layers) && slices.EqualFunc(old.Config.History, img.Config.History,
			func(a, b ocispec.History) bool { return made(a) == made(b) }) {
			return old.Image, true
		}
	}
	return sim.Image{}, false
}

// plain says nothing where the builder says that there is nothing.
func plain(img *sim.Image) {
	c := &img.Config.Config
	for _, list := range []*[]string{&c.OnBuild, &c.Entrypoint, &c.Cmd, &c.Shell} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	if len(c.Volumes) == 0 {
		c.Volumes = nil
	}
	//lint:ignore SA1019 docker writes it still
	c.ArgsEscaped = false
}

// Keep makes the container that a failed step has left one of ours. It cannot
// have labels any more, so its name says that it is.
func (e *Engine) Keep(ctx context.Context, container string, spec sim.Spec) (sim.Container, error) {
	img, err := e.find(ctx, spec.Image)
	if err != nil {
		return sim.Container{}, err
	}
	_, err = e.client.ContainerRename(ctx, container, client.ContainerRenameOptions{NewName: e.session.Object(spec.Name)})
	if err != nil {
		return sim.Container{}, e.cfg.Explain(err)
	}
	c := &record{engine: container, image: img}
	c.Container = sim.Container{Spec: &spec, ImageID: img.ID, Path: spec.Args, Status: sim.Created}
	e.mu.Lock()
	e.containers[spec.ID] = c
	e.mu.Unlock()
	return e.status(ctx, c)
}
