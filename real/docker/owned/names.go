// Package owned names what a session of twinlayer makes in an engine that others
// use too, so that its own is told from theirs.
package owned

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
	LabelSession = "twinlayer.session"
	LabelName    = "twinlayer.name" // what it is called in twinlayer
	LabelID      = "twinlayer.id"   // of a container: its id in twinlayer
	LabelLone    = "twinlayer.anonymous"
)

// home is the registry, which does not exist, of the references of
// twinlayer's own images.
const home = "twinlayer.local"

// session names a run of twinlayer, in an engine that others use too. It
// begins with the process that it belongs to.
type Session string

func NewSession() Session {
	return Session(fmt.Sprintf("%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:10])))
}

// pid is the process that the session belongs to.
func (s Session) PID() int {
	text, _, _ := strings.Cut(string(s), "-")
	pid, _ := strconv.Atoi(text)
	return pid
}

func (s Session) Prefix() string { return home + "/" + string(s) + "/" }

// Inside is what the reference ref, "busybox:latest", is called in the
// engine. A registry's port and a digest cannot stand where they would have
// to, so they are spelled otherwise.
func (s Session) Inside(ref string) string {
	ref = strings.Replace(ref, "@sha256:", ":sha256.", 1)
	if host, rest, ok := strings.Cut(ref, "/"); ok {
		ref = strings.ToLower(strings.Replace(host, ":", ".port.", 1)) + "/" + rest
	}
	return s.Prefix() + ref
}

// Shown is the reference that inside spelled; false where ref is a
// stranger's, or marks an image that has no tag.
func (s Session) Shown(ref string) (string, bool) {
	ref, ours := strings.CutPrefix(ref, s.Prefix())
	if !ours || strings.HasPrefix(ref, Untagged) || strings.HasPrefix(ref, Held) {
		return "", false
	}
	if host, rest, ok := strings.Cut(ref, "/"); ok {
		ref = strings.Replace(host, ".port.", ":", 1) + "/" + rest
	}
	return strings.Replace(ref, ":sha256.", "@sha256:", 1), true
}

// untagged begins the reference that marks an image without a tag as ours.
const Untagged = "untagged.image:"

func (s Session) Mark(id digest.Digest) string { return s.Prefix() + Untagged + id.Encoded() }

// held begins the reference of an image that is removed, and stays in the
// engine because a container needs it.
const Held = "held.image:"

func (s Session) Hold(id digest.Digest) string { return s.Prefix() + Held + id.Encoded() }

// Owner is the session that made the image with this reference.
func Owner(ref string) (Session, bool) {
	rest, ours := strings.CutPrefix(ref, home+"/")
	name, _, whole := strings.Cut(rest, "/")
	return Session(name), ours && whole
}

// objectNames are the names that object makes.
var objectNames = regexp.MustCompile(`^twinlayer-(\d+-[a-z2-7]{10})-.`)

// ObjectOf is the session that gave an object its name.
func ObjectOf(name string) (Session, bool) {
	found := objectNames.FindStringSubmatch(name)
	if found == nil {
		return "", false
	}
	return Session(found[1]), true
}

// Object is what a container or a volume is called in the engine where its
// own name is taken, and a volume always.
func (s Session) Object(name string) string { return "twinlayer-" + string(s) + "-" + name }
