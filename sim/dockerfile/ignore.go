package dockerfile

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"twinlayer/fs"
)

// Context is the build context that a directory is, without what its
// .dockerignore leaves out: host holds the directory as its root's one entry.
// Its files belong to root, whoever owns them on the host. Expressions of a
// .dockerignore can take hours over a large directory; the end of ctx ends
// that.
func Context(ctx context.Context, host *fs.Tree) (*fs.Tree, error) {
	dir := "/"
	for f := range host.All() {
		dir = f.Path
		break
	}
	ignored, err := ignoreFile(host, path.Join(dir, ".dockerignore"))
	if err != nil {
		return nil, fmt.Errorf("error checking context: error reading .dockerignore: %w", err)
	}
	out := fs.NewBuilder()
	for f := range under(host, dir) {
		leaveOut, err := ignored.MatchesOrParentMatches(f.Path)
		switch err = cmp.Or(ctx.Err(), err); {
		case err != nil:
			return nil, fmt.Errorf("error checking context: what .dockerignore leaves out: %w", err)
		case leaveOut || f.Type() == fs.S_IFSOCK:
			continue
		}
		n := plain(f.Node)
		n.UID, n.GID, n.Xattrs = 0, 0, nil
		if err := out.Put(f.Path, n); err != nil {
			return nil, fmt.Errorf("reading the build context: %s: %w", f.Path, err)
		}
	}
	return out.Tree(), nil
}

// ignoreMost is how long a .dockerignore may be: holding one path against a
// longer one takes too long to be interrupted.
const ignoreMost = 256 << 10

func ignoreFile(host *fs.Tree, name string) (*patternmatcher.PatternMatcher, error) {
	if at, err := resolve(host, name, false); err == nil && host.Lookup(at) != nil && host.Lookup(at).Size() > ignoreMost {
		return nil, fmt.Errorf("it has more than the %d bytes that are taken here", ignoreMost)
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(strings.TrimPrefix(text(host, name), "\ufeff")))
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}
