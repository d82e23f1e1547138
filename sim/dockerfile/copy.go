package dockerfile

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
)

// Copy is a COPY or an ADD with all words resolved.
type Copy struct {
	Name    string // "COPY" or "ADD"
	Sources []string
	Inline  []instructions.SourceContent // here-documents
	Dest    string                       // absolute; see [Stage.Abs]
	Context bool                         // sources are a build context's: nothing leads out of it
	Owner   *Owner                       // nil: files keep theirs
	Mode    *uint32                      // nil: files keep theirs
	Exclude []string
	Parents bool // keep the sources' directories
	Now     int64
	// Unpack is what an archive holds, nil where a file is none; nil for an
	// instruction that does not unpack.
	Unpack func(*fs.Data) (*fs.Tree, error)
}

// Owner is who owns a copied file.
type Owner struct{ UID, GID uint32 }

// Mode is the permissions that --chmod gives.
func Mode(text string) (*uint32, error) {
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o7777 {
		return nil, fmt.Errorf("invalid chmod parameter: '%s'. it should be octal string and between 0 and 07777", text)
	}
	mode := uint32(n)
	return &mode, nil
}

// Plan is what the instruction puts into an image with the root file system
// root, as a tree from its root on, and a name for the content of the sources:
// "file:" or "dir:" or "multi:" and a digest that depends on nothing but what
// they hold.
func (c Copy) Plan(from, root *fs.Tree) (files *fs.Tree, content string, err error) {
	p := &plan{Copy: c, from: from, root: root, out: fs.NewBuilder(), links: map[fs.Ino]string{}}
	if p.excluded, err = patternmatcher.New(c.Exclude); err != nil {
		return nil, "", fmt.Errorf("invalid --exclude: %w", err)
	}
	sources, err := p.find()
	if err != nil {
		return nil, "", err
	}
	if content, err = p.content(sources); err != nil {
		return nil, "", err
	}
	for _, s := range sources {
		if err := p.place(s); err != nil {
			return nil, "", fmt.Errorf("failed to copy files: %w", err)
		}
	}
	return p.out.Tree(), content, nil
}

// source is one file or directory that is copied.
type source struct {
	name string // as it was found: its base is the name of a file's copy
	path string // where it is, symlinks followed; "" for a here-document
	node *fs.Node
}

type plan struct {
	Copy
	from, root *fs.Tree
	out        *fs.Builder
	excluded   *patternmatcher.PatternMatcher
	links      map[fs.Ino]string // of the source under way: inodes with several names
}

// find is what the patterns of the instruction name, in order.
func (p *plan) find() ([]source, error) {
	var all []source
	for _, pattern := range p.Sources {
		found, err := p.match(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s failed: %w", p.Name, err)
		}
		all = append(all, found...)
	}
	for _, doc := range p.Inline {
		node := &fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(doc.Data)), Mtime: p.Now, Ctime: p.Now, Nlink: 1}
		all = append(all, source{name: doc.Path, node: node})
	}
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%s failed: no source files were specified", p.Name)
	case len(all) > 1 && !strings.HasSuffix(p.Dest, "/"):
		return nil, says("When using %s with more than one source file, the destination must be a directory and end with a /", p.Name)
	}
	return all, nil
}

func (p *plan) match(pattern string) ([]source, error) {
	if p.Context && leadsOut(pattern) {
		return nil, fmt.Errorf("forbidden path outside the build context: %s ()", pattern)
	}
	pattern = strings.TrimPrefix(path.Clean("/"+pattern), "/")
	if !hasWildcard(pattern) {
		s, err := p.source(pattern)
		return []source{s}, err
	}
	var out []source
	for f := range p.from.All() {
		name := f.Path[1:]
		if ok, err := path.Match(pattern, name); err != nil {
			return nil, fmt.Errorf("%s: %w", pattern, err)
		} else if !ok || p.excludes(path.Base(name)) {
			continue
		}
		s, err := p.source(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// leadsOut says whether a path relative to a directory leaves it.
func leadsOut(name string) bool {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

func hasWildcard(name string) bool {
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

func (p *plan) source(name string) (source, error) {
	at, err := resolve(p.from, "/"+name, p.Context)
	if err != nil {
		return source{}, err
	}
	node := p.from.Lookup(at)
	switch {
	case node == nil && p.Context:
		return source{}, fmt.Errorf("file not found in build context or excluded by .dockerignore: stat %s: file does not exist", name)
	case node == nil:
		return source{}, fmt.Errorf("stat %s: file does not exist", name)
	}
	return source{name: name, path: at, node: node}, nil
}

var errLoop = errors.New("too many levels of symbolic links")

// resolve follows the symlinks of a path inside a tree, whose root is theirs
// too. What is missing is taken as it stands. Confined, a link that leads out
// is an error.
func resolve(t *fs.Tree, name string, confined bool) (string, error) {
	at, rest, links := "/", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		next := path.Join(at, part)
		node := t.Lookup(next)
		if node == nil || node.Type() != fs.S_IFLNK || part == ".." {
			at = next
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%s: %w", name, errLoop)
		}
		if confined && (path.IsAbs(node.Target) || leadsOut(path.Join(strings.TrimPrefix(at, "/"), "x/..")+"/"+node.Target)) {
			return "", fmt.Errorf("forbidden path outside the build context: %s is a symlink to %s", strings.TrimPrefix(next, "/"), node.Target)
		}
		if path.IsAbs(node.Target) {
			at = "/"
		}
		rest = append(strings.Split(node.Target, "/"), rest...)
	}
	return at, nil
}

// content names what the sources hold.
func (p *plan) content(all []source) (string, error) {
	var names []string
	for _, s := range all {
		kind, t := "file:", fs.NewBuilder()
		err := error(nil)
		if s.node.IsDir() {
			kind = "dir:"
			err = p.gather(t, s.path)
		} else {
			err = t.Put(path.Base(s.name), plain(s.node))
		}
		if err != nil {
			return "", err
		}
		d, err := t.Tree().Digest()
		if err != nil {
			return "", fmt.Errorf("reading the sources: %w", err)
		}
		names = append(names, kind+d.Encoded())
	}
	if len(names) == 1 {
		return names[0], nil
	}
	return "multi:" + digest.FromString(strings.Join(names, ",")).Encoded(), nil
}

func (p *plan) gather(t *fs.Builder, dir string) error {
	for f := range under(p.from, dir) {
		if p.excludes(f.Path) {
			continue
		}
		if err := t.Put(f.Path, plain(f.Node)); err != nil {
			return err
		}
	}
	return nil
}

// plain is a node that stands for itself in another tree.
func plain(n *fs.Node) fs.Node {
	return fs.Node{
		Mode: n.Mode, UID: n.UID, GID: n.GID, Rdev: n.Rdev, Mtime: n.Mtime, Ctime: n.Ctime,
		Target: n.Target, Data: n.Data, Xattrs: n.Xattrs,
	}
}

// under yields what is below a directory, with paths relative to it.
func under(t *fs.Tree, dir string) func(yield func(fs.Path) bool) {
	return func(yield func(fs.Path) bool) {
		prefix := strings.TrimSuffix(dir, "/") + "/"
		for f := range t.All() {
			if rel, ok := strings.CutPrefix(f.Path, prefix); ok && rel != "" {
				f.Path = rel
				if !yield(f) {
					return
				}
			}
		}
	}
}

func (p *plan) excludes(rel string) bool {
	if len(p.Exclude) == 0 {
		return false
	}
	out, err := p.excluded.MatchesOrParentMatches(rel)
	return err == nil && out
}
