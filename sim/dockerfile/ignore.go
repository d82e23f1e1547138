package dockerfile

import (
	"fmt"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"twinlayer/fs"
)

// Context is the build context that a directory is, without what its
// .dockerignore leaves out: host holds the directory as its root's one entry.
// Its files belong to root, whoever owns them on the host.
func Context(host *fs.Tree) (*fs.Tree, error) {
	dir := "/"
	for f := range host.All() {
		dir = f.Path
		break
	}
	ignored, err := ignoreFile(text(host, path.Join(dir, ".dockerignore")))
	if err != nil {
		return nil, err
	}
	out := fs.NewBuilder()
	for f := range under(host, dir) {
		if leaveOut, err := ignored.MatchesOrParentMatches(f.Path); err != nil || leaveOut || f.Type() == fs.S_IFSOCK {
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

func ignoreFile(text string) (*patternmatcher.PatternMatcher, error) {
	patterns, err := ignorefile.ReadAll(strings.NewReader(strings.TrimPrefix(text, string([]byte{0xef, 0xbb, 0xbf}))))
	if err == nil {
		var m *patternmatcher.PatternMatcher
		if m, err = patternmatcher.New(patterns); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("error checking context: error reading .dockerignore: %w", err)
}
