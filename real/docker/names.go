package docker

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The labels of what twinlayer makes.
const (
	labelSession = "twinlayer.session"
	labelName    = "twinlayer.name" // what it is called in twinlayer
	labelID      = "twinlayer.id"   // of a container: its id in twinlayer
	labelLone    = "twinlayer.anonymous"
)

// home is the registry, which does not exist, of the references of
// twinlayer's own images.
const home = "twinlayer.local"

// session names a run of twinlayer, in an engine that others use too. It
// begins with the process that it belongs to.
type session string

func newSession() session {
	return session(fmt.Sprintf("%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:10])))
}

// pid is the process that the session belongs to.
func (s session) pid() int {
	text, _, _ := strings.Cut(string(s), "-")
	pid, _ := strconv.Atoi(text)
	return pid
}

func (s session) prefix() string { return home + "/" + string(s) + "/" }

// inside is what the reference ref, "busybox:latest", is called in the
// engine. A registry's port and a digest cannot stand where they would have
// to, so they are spelled otherwise.
func (s session) inside(ref string) string {
	ref = strings.Replace(ref, "@sha256:", ":sha256.", 1)
	if host, rest, ok := strings.Cut(ref, "/"); ok {
		ref = strings.ToLower(strings.Replace(host, ":", ".port.", 1)) + "/" + rest
	}
	return s.prefix() + ref
}

// shown is the reference that inside spelled; false where ref is a
// stranger's, or marks an image that has no tag.
func (s session) shown(ref string) (string, bool) {
	ref, ours := strings.CutPrefix(ref, s.prefix())
	if !ours || strings.HasPrefix(ref, untagged) || strings.HasPrefix(ref, held) {
		return "", false
	}
	if host, rest, ok := strings.Cut(ref, "/"); ok {
		ref = strings.Replace(host, ".port.", ":", 1) + "/" + rest
	}
	return strings.Replace(ref, ":sha256.", "@sha256:", 1), true
}

// untagged begins the reference that marks an image without a tag as ours.
const untagged = "untagged.image:"

func (s session) mark(id digest.Digest) string { return s.prefix() + untagged + id.Encoded() }

// held begins the reference of an image that is removed, and stays in the
// engine because a container needs it.
const held = "held.image:"

func (s session) hold(id digest.Digest) string { return s.prefix() + held + id.Encoded() }

// owner is the session that made the image with this reference.
func owner(ref string) (session, bool) {
	rest, ours := strings.CutPrefix(ref, home+"/")
	name, _, whole := strings.Cut(rest, "/")
	return session(name), ours && whole
}

// objectNames are the names that object makes.
var objectNames = regexp.MustCompile(`^twinlayer-(\d+-[a-z2-7]{10})-.`)

// objectOf is the session that gave an object its name.
func objectOf(name string) (session, bool) {
	found := objectNames.FindStringSubmatch(name)
	if found == nil {
		return "", false
	}
	return session(found[1]), true
}

// object is what a container or a volume is called in the engine where its
// own name is taken, and a volume always.
func (s session) object(name string) string { return "twinlayer-" + string(s) + "-" + name }
