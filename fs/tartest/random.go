package tartest

import (
	"math/rand/v2"
	"strings"
)

// Random is a small tar whose entries are in each other's way: the names are
// few and spelled in many ways, and links lead anywhere.
func Random(r *rand.Rand) []Entry {
	entries := make([]Entry, 1+r.IntN(8))
	for i := range entries {
		entries[i] = randomEntry(r)
		if i > 0 && r.IntN(4) != 0 {
			entries[i].about(entries[r.IntN(i)].Name, r)
		}
	}
	return entries
}

// about gives an entry to do with what an earlier one has named.
func (e *Entry) about(name string, r *rand.Rand) {
	switch {
	case e.Type == 'h':
		e.To = name
	case e.Type == 'l' && r.IntN(2) == 0:
		e.To = "/" + name
	case e.Type != 'g' && !strings.HasSuffix(e.Name, "/") && r.IntN(3) == 0:
		e.Name = strings.TrimSuffix(name, "/") + "/" + pick(r, "a", "b", "c", "d", "e")
	}
}

func randomEntry(r *rand.Rand) Entry {
	e := Entry{
		Type: "dddddfffffflllhhhcpg"[r.IntN(20)], Name: spelled(r), Mode: pick(r, int64(0o644), 0o755, 0o600, 0o4755, 0o1777, 0),
		UID: pick(r, 0, 0, 0, 5), GID: pick(r, 0, 0, 0, 7), Mtime: pick(r, int64(1000), 2000, -5),
	}
	if strings.HasSuffix(e.Name, "/") {
		e.Type = 'd' // of nothing else is it written so
	}
	switch e.Type {
	case 'f':
		e.Body = strings.Repeat("x", r.IntN(4))
	case 'l':
		e.To = pick(r, name(r), "/"+name(r), "../"+name(r), "..", ".", "/", "a/../"+name(r), "b/.", "c", "d", "")
	case 'h':
		e.To = pick(r, name(r), name(r), "/"+name(r), "../"+name(r), "", "a/../"+name(r))
	case 'c':
		e.Dev = pick(r, [2]int64{1, 3}, [2]int64{0, 0}, [2]int64{4097, 70000})
	}
	if r.IntN(8) == 0 && e.Type != 'g' {
		e.Xattrs = map[string]string{pick(r, "user.k", "user.k", "user.k", "user.", "nospace", "user.overlay.opaque", "trusted.overlay.opaque", "security.capability"): "y"}
	}
	return e
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// name is a clean relative name.
func name(r *rand.Rand) string {
	parts := make([]string, 1+r.IntN(3)*r.IntN(2))
	for i := range parts {
		parts[i] = pick(r, "a", "b", "c", "d", "e")
	}
	return strings.Join(parts, "/")
}

func spelled(r *rand.Rand) string {
	n := name(r)
	switch r.IntN(40) {
	case 0, 1, 2:
		return hide(n)
	case 3:
		return n + "/.wh..wh..opq"
	case 4:
		return n + "/" + pick(r, ".wh.", ".wh..", ".wh...", ".wh..wh.plnk", ".wh..wh..opq/x", ".wh.a/b")
	case 5:
		return "/" + n
	case 6:
		return "./" + n
	case 7:
		return "../" + n
	case 8:
		return n + "/../" + name(r)
	case 9:
		return n + "/"
	case 10:
		return pick(r, "./", "/", ".", "..", "a/..")
	}
	return n
}

// hide is the name of a whiteout for a name.
func hide(name string) string {
	i := strings.LastIndex(name, "/") + 1
	return name[:i] + ".wh." + name[i:]
}

// Choices are a source of randomness whose beginning a fuzzer chooses.
type Choices struct {
	chosen []byte
	rest   *rand.PCG
}

// NewChoices has one byte for each choice; what comes after them is always the
// same.
func NewChoices(b []byte) *Choices { return &Choices{b, rand.NewPCG(1, 2)} }

// Uint64 is the next choice.
func (c *Choices) Uint64() uint64 {
	if len(c.chosen) == 0 {
		return c.rest.Uint64()
	}
	next := c.chosen[0]
	c.chosen = c.chosen[1:]
	return uint64(next) * 0x0101010101010101
}
