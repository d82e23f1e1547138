package cli

import (
	"cmp"
	"io"
	"path"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim"
)

// cp copies between a container and the host.
func (c *invocation) cp() error {
	from, fromPath, fromIn := containerPath(c.Args[0])
	to, toPath, toIn := containerPath(c.Args[1])
	switch {
	case c.Args[0] == "-" || c.Args[1] == "-":
		return sim.Refuse("docker cp: a tar stream on \"-\" has no place here: name a file or a directory")
	case fromIn && toIn:
		return sim.Refuse("copying between containers is not supported")
	case !fromIn && !toIn:
		return sim.Refuse("must specify at least one container source")
	case fromIn:
		return c.copyOut(from, fromPath, c.Args[1])
	}
	return c.copyIn(c.Args[0], to, toPath)
}

// containerPath takes CONTAINER:PATH apart; what begins like a path of the
// host is one, whatever colons are in it (docker/cli, splitCpArg).
func containerPath(arg string) (container, name string, ok bool) {
	if strings.HasPrefix(arg, "/") || strings.HasPrefix(arg, ".") {
		return "", arg, false
	}
	container, name, ok = strings.Cut(arg, ":")
	return container, name, ok
}

// contents says whether a path means what is in a directory, not the
// directory.
func contents(name string) bool { return name == "." || strings.HasSuffix(name, "/.") }

func (c *invocation) copyOut(container, name, dest string) error {
	if dir := path.Dir(c.host.Abs(dest)); !c.hostHas(dir) {
		return sim.Refuse("invalid output path: directory %q does not exist", dir)
	}
	k, err := c.find(container)
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	tree, err := c.engine.CopyOut(c, k.ID, path.Join("/", name))
	if err != nil {
		return sim.FromDaemon(err)
	}
	kind, err := c.host.Kind(dest)
	if err != nil {
		return sim.HostError(err)
	}
	dir, ready, err := placed(tree, name, dest, kind, path.Clean("/"+name) == "/")
	if err != nil {
		return err
	}
	return sim.HostError(c.host.Put(dir, ready))
}

// placed is where a copied entry goes, by docker's rules: into a directory
// that is there, in the place of a file, or under a new name.
func placed(tree *fs.Tree, src, dest string, kind sim.HostKind, whole bool) (dir string, ready *fs.Tree, err error) {
	isDir := whole || onlyEntry(tree).IsDir()
	switch {
	case kind == sim.HostDir && (whole || contents(src)):
		return dest, inner(tree, whole), nil
	case kind == sim.HostDir:
		return dest, tree, nil
	case kind == sim.HostFile && isDir:
		return "", nil, sim.Refuse("cannot copy directory")
	case strings.HasSuffix(dest, "/") && !isDir:
		return "", nil, sim.Refuse("the destination directory must exist: %s", dest)
	}
	return path.Dir(strings.TrimRight(dest, "/")), renamed(tree, path.Base(dest), whole), nil
}

func onlyEntry(t *fs.Tree) *fs.Node {
	for p := range t.All() {
		return p.Node
	}
	return t.Root()
}

// inner is what is in the one directory of a tree's root.
func inner(t *fs.Tree, whole bool) *fs.Tree {
	if whole {
		return t
	}
	for p := range t.All() {
		return t.Subtree(p.Path)
	}
	return t
}

// renamed is a tree whose one entry, or which itself, is called name.
func renamed(t *fs.Tree, name string, whole bool) *fs.Tree {
	b, first := fs.NewCopy(), ""
	if whole {
		b.MustPut("/"+name, *t.Root())
	}
	for p := range t.All() {
		if first == "" && !whole {
			first = p.Path
		}
		b.Add(p, "/"+name+strings.TrimPrefix(p.Path, first), *p.Node)
	}
	return b.Tree()
}

func (c *invocation) copyIn(src, container, dest string) error {
	k, err := c.find(container)
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	kind, err := c.host.Kind(src)
	switch {
	case err != nil:
		return sim.HostError(err)
	case kind == sim.HostNothing:
		return sim.Refuse("lstat %s: no such file or directory", c.host.Abs(src))
	}
	tree, err := c.host.Tree(c, src)
	if err != nil {
		return sim.HostError(err)
	}
	if !c.Archive {
		tree = ofRoot(tree)
	}
	return c.putIn(k, tree, src, path.Join("/", dest), strings.HasSuffix(dest, "/"))
}

// putIn copies into the directory dest, or, where there is none, under this
// name.
func (c *invocation) putIn(k sim.Container, tree *fs.Tree, src, dest string, mustBeDir bool) error {
	into := tree
	if contents(src) {
		into = inner(tree, false)
	}
	err := c.engine.CopyIn(c, k.ID, dest, into)
	if !sim.IsRefusal(err, sim.MissingPath) || dest == "/" {
		return sim.FromDaemon(err)
	}
	if mustBeDir && !onlyEntry(tree).IsDir() {
		return sim.FromDaemon(err)
	}
	if there, err := c.engine.CopyOut(c, k.ID, dest); err == nil && onlyEntry(tree).IsDir() && !onlyEntry(there).IsDir() {
		return sim.Refuse("cannot copy directory")
	}
	return sim.FromDaemon(c.engine.CopyIn(c, k.ID, path.Dir(dest), renamed(tree, path.Base(dest), false)))
}

// ofRoot is a tree whose files are root's, as docker cp makes them in a
// container.
func ofRoot(t *fs.Tree) *fs.Tree {
	b := fs.NewCopy()
	for p := range t.All() {
		n := *p.Node
		n.UID, n.GID = 0, 0
		b.Add(p, p.Path, n)
	}
	return b.Tree()
}

const toTerminal = "cowardly refusing to save to a terminal. Use the -o flag or redirect"

// export writes a container's file system as a tar.
func (c *invocation) export() error {
	if err := c.checkOutput("export container"); err != nil {
		return err
	}
	k, err := c.find(c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Container = k.ID
	tree, err := c.engine.CopyOut(c, k.ID, "/")
	if err != nil {
		return sim.FromDaemon(err)
	}
	return sim.HostError(c.host.Create(c.Output, func(w io.Writer) error { return tree.WriteTar(w) }))
}

// hostHas says whether there is something of this name on the host; where that
// cannot be known, that it is.
func (c *invocation) hostHas(name string) bool {
	kind, err := c.host.Kind(name)
	return err != nil || kind != sim.HostNothing
}

// checkOutput refuses a file to write that has no directory (docker/cli,
// ValidateOutputPath).
func (c *invocation) checkOutput(doing string) error {
	if c.Output == "" {
		return sim.Refuse(toTerminal)
	}
	if dir := path.Dir(c.Output); !c.hostHas(dir) {
		return sim.Refuse("failed to %s: invalid output path: stat %s: no such file or directory", doing, dir)
	}
	return nil
}

func (c *invocation) save() error {
	if err := c.checkOutput("save image"); err != nil {
		return err
	}
	err := c.host.Create(c.Output, func(w io.Writer) error { return c.engine.Save(c, c.Args, w) })
	return sim.HostError(sim.FromDaemon(err))
}

func (c *invocation) load() error {
	if c.Input == "" {
		return sim.Refuse("requested load from stdin, but stdin is empty: name the archive with -i")
	}
	f, err := c.host.Open(c.Input)
	if err != nil {
		return sim.HostError(err)
	}
	defer f.Close()
	refs, err := c.engine.Load(c, f)
	for _, ref := range refs {
		word := "Loaded image: "
		if strings.HasPrefix(ref, "sha256:") {
			word = "Loaded image ID: "
		}
		c.view.Print("%s%s\n", word, ref)
	}
	return sim.FromDaemon(err)
}

// importTar makes an image of a root file system's tar.
func (c *invocation) importTar() error {
	src := c.Args[0]
	if src == "-" || strings.Contains(src, "://") {
		return sim.Refuse("docker import: name a file of this machine; standard input and addresses have no place here")
	}
	if err := c.onPlatform(src); err != nil {
		return sim.FromDaemon(err)
	}
	f, err := c.host.Open(src)
	if err != nil {
		return sim.HostError(err)
	}
	defer f.Close()
	i := sim.Import{Root: f, Comment: cmp.Or(c.Message, "Imported from -"), Created: c.Now}
	if len(c.Args) == 2 {
		i.Ref = c.Args[1]
		if _, err := sim.Familiar(i.Ref); err != nil {
			return sim.FromDaemon(err)
		}
	}
	if i.Config, err = changed(i.Config, c.Changes); err != nil {
		return sim.FromDaemon(err)
	}
	img, err := c.engine.Import(c, i)
	if err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Print("%s\n", img.ID)
	return nil
}
