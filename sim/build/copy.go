package build

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/dockerfile"
)

func (b *builder) copy(c *instructions.CopyCommand) error {
	from, inContext, err := b.copyFrom(c.From)
	if err != nil {
		return err
	}
	return b.place(copyStep{
		Copy: dockerfile.Copy{Name: "COPY", Context: inContext, Parents: c.Parents, Exclude: c.ExcludePatterns},
		from: from, words: c.SourcesAndDest, chown: c.Chown, chmod: c.Chmod, link: c.Link,
	})
}

// copyFrom is the tree that COPY takes from: the context, a stage before, or
// an image.
func (b *builder) copyFrom(name string) (from *fs.Tree, inContext bool, err error) {
	if name == "" {
		return b.context, true, nil
	}
	img, err := b.copyImage(name)
	if err != nil {
		return nil, false, err
	}
	from, err = b.root(img)
	return from, false, err
}

func (b *builder) copyImage(name string) (sim.Image, error) {
	if i, ok := b.file.Stage(name, len(b.stages)); ok {
		return b.stages[i], nil
	}
	img, err := b.imageOrPull(name)
	if err != nil && !sim.IsBroken(err) {
		return img, fmt.Errorf("invalid from flag value %s: %w", name, err)
	}
	return img, err
}

func (b *builder) add(c *instructions.AddCommand) error {
	for _, src := range c.SourcePaths {
		if isRemote(src) {
			return notFetched(src, c.Checksum)
		}
	}
	if c.Checksum != "" {
		return fmt.Errorf("checksum can't be specified for non-HTTP(S) sources")
	}
	add := dockerfile.Copy{Name: "ADD", Context: true, Exclude: c.ExcludePatterns}
	if c.Unpack == nil || *c.Unpack {
		add.Unpack = b.unpack
	}
	return b.place(copyStep{Copy: add, from: b.context, words: c.SourcesAndDest, chown: c.Chown, chmod: c.Chmod, link: c.Link})
}

// isRemote says whether ADD is to fetch a source.
func isRemote(src string) bool {
	for _, prefix := range []string{"http://", "https://", "git://", "ssh://", "git@"} {
		if strings.HasPrefix(src, prefix) {
			return true
		}
	}
	return false
}

func notFetched(src, checksum string) error {
	check := ""
	if checksum != "" {
		check = ", check that its digest is " + checksum
	}
	return fmt.Errorf("ADD failed: %s: a build here has no network, so that it is the same each time; download it%s, and ADD it from the build context", src, check)
}

// copyStep is a COPY or ADD with its words as they are written.
type copyStep struct {
	dockerfile.Copy
	from         *fs.Tree
	words        instructions.SourcesAndDest
	chown, chmod string
	link         bool
}

// place performs a COPY or an ADD: what it puts into the image is worked out
// over trees, and then put into a new container that is committed.
func (b *builder) place(c copyStep) error {
	root, err := b.root(b.image)
	if err != nil {
		return err
	}
	if err := b.resolve(&c, root); err != nil {
		return err
	}
	if c.link {
		root = fs.Merge() // what is below does not matter: no symlink of it is followed
	}
	files, content, err := c.Plan(c.from, root)
	if err != nil {
		return err
	}
	told := c.Name + " " + flag("chown", c.chown) + flag("chmod", c.chmod) + content + " in " + c.words.DestPath + " "
	line := b.stage.Nop(told)
	before := b.missed
	if hit, err := b.cached(line); hit || err != nil {
		return err
	}
	if !before {
		b.explainContent(line, files)
	}
	k, err := b.create(sim.Spec{NoVolumes: true, Args: append(slices.Clone(b.stage.Shell()), "#(nop) "+told)})
	if err != nil {
		return err
	}
	if err := b.engine.CopyIn(b, k.ID, "/", files); err != nil {
		return err
	}
	return b.commit(k, line, false)
}

func flag(name, value string) string {
	if value == "" {
		return ""
	}
	return "--" + name + "=" + value + " "
}

// resolve fills in what the flags and paths of an instruction mean here.
func (b *builder) resolve(c *copyStep, root *fs.Tree) (err error) {
	c.Sources, c.Inline, c.Dest = c.words.SourcePaths, c.words.SourceContents, b.stage.Abs(c.words.DestPath)
	c.Now = b.latest.UnixNano()
	if c.Owner, err = dockerfile.Chown(c.chown, root); err != nil {
		return err
	}
	c.Copy.Mode, err = dockerfile.Mode(c.chmod)
	return err
}

// explainContent names the files whose content is the reason of the first
// miss: against the layer that the same instruction made before.
func (b *builder) explainContent(line string, files *fs.Tree) {
	for _, img := range imagesOf(b.known, b.image.ID) {
		if sim.WithoutContent(lastLine(img)) != sim.WithoutContent(line) || len(img.Layers) == 0 {
			continue
		}
		layers, err := b.engine.Layers(b, img.ID.String())
		if err != nil || len(layers) == 0 {
			return
		}
		if changed := changedFiles(files, layers[len(layers)-1]); len(changed) > 0 {
			b.view.Hint(sayChangedFiles(strings.Join(changed, ", ")))
		}
		return
	}
}
