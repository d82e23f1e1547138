package build

import (
	"encoding/json"
	"slices"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// The build cache is the images there are: what is made of the last image by
// the same instruction, as the history tells of it, with the same
// configuration, is what a build would make again. The history's line holds
// all that decides: the command, the ARGs in scope, and the digest of the
// content of copied files.

// cached makes the image that an earlier build has left for this instruction
// the last one. Where there is none, it says why, once.
func (b *builder) cached(line string) (bool, error) {
	return b.cachedOr(line, func(sim.Image) bool { return false })
}

// cachedRun takes for a RUN's image also one that docker commit made of a
// container that ran the same command on the last image, as docker's cache
// does: nothing in it tells that the command had failed there.
func (b *builder) cachedRun(line string, ran sim.Spec) (bool, error) {
	ran.Entrypoint = []string{""}
	left := sim.ContainerConfig(b.stage.Config, ran)
	return b.cachedOr(line, func(img sim.Image) bool {
		if lastLine(img) != line || !sameJSON(img.Config.Config, left) {
			return false
		}
		b.view.Hint(sayCommittedTaken(b.number, sim.Short(img.ID)))
		return true
	})
}

func (b *builder) cachedOr(line string, or func(sim.Image) bool) (bool, error) {
	if b.NoCache {
		b.explain(sayNoCache)
		return false, nil
	}
	if b.missed {
		return false, nil
	}
	children := imagesOf(b.known, b.image.ID)
	for _, img := range children {
		if b.hits(img, line) || or(img) {
			b.say(" ---> Using cache\n")
			b.noteAs("cached", sayUsedAgain(sim.Short(img.ID)))
			b.image = img
			b.arrive()
			return true, nil
		}
	}
	b.missed = true
	b.explain(missReason(children, line))
	return false, nil
}

func (b *builder) hits(img sim.Image, line string) bool {
	return lastLine(img) == line && sameJSON(img.Config.Config, b.stage.Config) &&
		(b.stage.Author == "" || img.Config.Author == b.stage.Author) &&
		(b.Timestamp == "" || img.CreatedAt().Equal(b.when))
}

func lastLine(img sim.Image) string { return img.Config.History[len(img.Config.History)-1].CreatedBy }

func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// explain says why the cache has no answer, where a build before has left
// something that could have been one.
func (b *builder) explain(why say.Phrase) {
	if !b.explained && !why.Empty() {
		b.explained = true
		b.view.Hint(sayNoAnswer(b.number, why))
	}
}

// missReason is in what the instruction differs from those that were
// performed on the same image before; empty where none was.
func missReason(children []sim.Image, line string) say.Phrase {
	if len(children) == 0 {
		return say.Phrase{}
	}
	old := lastLine(children[0])
	if i := slices.IndexFunc(children, func(img sim.Image) bool { return sim.WithoutContent(lastLine(img)) == sim.WithoutContent(line) }); i >= 0 {
		old = lastLine(children[i])
	}
	oldArgs, oldCmd := sim.SplitArgs(old)
	args, cmd := sim.SplitArgs(line)
	switch {
	case old == line:
		return sayOtherConfig
	case sim.WithoutContent(old) == sim.WithoutContent(line):
		return sayOtherContent
	case oldCmd == cmd:
		return sayOtherArgs(quoted(oldArgs), quoted(args))
	}
	return sayNewInstruction(shown(old))
}

func quoted(args string) say.Phrase {
	if args == "" {
		return sayNoArgs
	}
	return say.Verbatim(args)
}

// shown is a line of the history as the Dockerfile has it.
func shown(line string) say.Phrase {
	made, _ := sim.Instruction(line, "")
	return made
}

// changedFiles are the first paths in which what is to be copied differs from
// the layer of an image that the same instruction made before.
func changedFiles(files, old *fs.Tree) (out []string) {
	const most = 3
	for f := range files.All() {
		if o := old.Lookup(f.Path); !f.IsDir() && (o == nil || !sim.SameContent(f.Node, o)) {
			out = append(out, f.Path)
		}
	}
	for f := range old.All() {
		if !f.IsDir() && files.Lookup(f.Path) == nil {
			out = append(out, f.Path)
		}
	}
	if len(out) > most {
		out = append(out[:most], "…")
	}
	return out
}
