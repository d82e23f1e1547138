package docker

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"twinlayer/fs"
)

// Podman has no init layer: what it makes for itself in a container's root is
// in the container's own layer. Its own diff and commit leave it out, and so
// must we. What cannot be told is a directory that was only touched beside
// such an entry.

// podmanOwn are what Podman makes in every container.
var podmanOwn = []string{"/dev", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf", "/proc", "/run", "/run/.containerenv", "/run/secrets", "/sys"}

// withoutMountPoints is layer without what Podman put into it, and without
// the directories that were copied up for nothing else.
func withoutMountPoints(layer, image *fs.Tree) *fs.Tree {
	keep := map[string]bool{}
	for p := range layer.All() {
		if own(p.Path, p.Node, image) {
			continue
		}
		for at := p.Path; !keep[at]; at = path.Dir(at) {
			keep[at] = true
		}
	}
	b := fs.NewBuilder()
	names := map[fs.Ino]string{}
	for p := range layer.All() {
		switch first, again := names[p.Ino]; {
		case !keep[p.Path] && p.Path != "/":
		case again && !p.Node.IsDir():
			b.Link(p.Path, first)
		default:
			names[p.Ino] = p.Path
			b.Put(p.Path, withoutOverlay(*p.Node))
		}
	}
	return b.Tree()
}

// withoutOverlay is a node without overlayfs's own attributes, which a rootless
// Podman leaves in its tars.
func withoutOverlay(n fs.Node) fs.Node {
	const prefix = "user.overlay."
	opaque, _ := n.Xattrs.Get(prefix + "opaque")
	n.Opaque = n.Opaque || opaque == "y"
	n.Xattrs = slices.DeleteFunc(slices.Clone(n.Xattrs), func(x fs.Xattr) bool { return strings.HasPrefix(x.Name, prefix) })
	return n
}

// own says whether Podman made a path, or copied a directory up to make
// something in it.
func own(name string, n *fs.Node, image *fs.Tree) bool {
	below := image.Lookup(name)
	switch {
	case slices.Contains(podmanOwn, name) && below == nil:
		return n.IsDir() || n.Size() == 0 || name == "/run/.containerenv" || name == "/etc/mtab"
	case !n.IsDir() || n.Opaque || !isAbove(name):
		return false
	}
	return below == nil || below.Mode == n.Mode && below.UID == n.UID && below.GID == n.GID
}

func isAbove(name string) bool {
	return slices.ContainsFunc(podmanOwn, func(own string) bool { return strings.HasPrefix(own, strings.TrimSuffix(name, "/")+"/") })
}

// withoutOwn takes the same out of a list of changes.
func (e *Engine) withoutOwn(ctx context.Context, c *record, all []fs.Change) ([]fs.Change, error) {
	lower, err := e.layers(ctx, c.image)
	if err != nil {
		return nil, err
	}
	image := fs.Merge(lower...)
	layer, err := e.Layer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(change fs.Change) bool {
		if change.Kind == fs.Delete {
			return false
		}
		mine := slices.Contains(podmanOwn, change.Path) && image.Lookup(change.Path) == nil || isAbove(change.Path)
		return mine && layer.Lookup(change.Path) == nil
	}), nil
}

// podmanTop asks Podman for the columns of "ps -ef", by the names of its own
// ps: of others it has the container's ps tell, if there is one (podman-top(1)).
const podmanTop = "user,hpid,ppid,pcpu,stime,tty,time,args"

// asPs writes what Podman answers to that as ps does.
func asPs(titles []string, rows [][]string) {
	if len(titles) != 8 {
		return
	}
	copy(titles, []string{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"})
	for _, row := range rows {
		row[3], _, _ = strings.Cut(row[3], ".")
		if day, clock, ok := strings.Cut(row[4], " "); ok && len(clock) > 5 {
			row[4] = clock[:5]
			if day != time.Now().UTC().Format(time.DateOnly) {
				row[4] = day
			}
		}
		if d, err := time.ParseDuration(row[6]); err == nil {
			row[6] = fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
		}
	}
}
