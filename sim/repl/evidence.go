package repl

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"twinlayer/sim"
)

// evidence draws what was seen of a container in one world.
func (p painter) evidence(all []sim.Evidence) {
	names, short := shortPaths(all)
	for _, name := range names {
		p.text("  " + name)
	}
	for _, e := range short {
		p.paragraph(p.bold, "", p.in(e.What))
		for _, line := range p.evidenceLines(e) {
			p.hanging(p.prose, "  ", line)
		}
		if e.Again != "" {
			p.hanging(p.faint, "  ", "$ "+e.Again)
		}
	}
}

// evidenceLines are what was seen, and what is told of it.
func (p painter) evidenceLines(e sim.Evidence) []string {
	lines := p.screenLines(e.Shown)
	for _, what := range e.Told {
		lines = append(lines, p.in(what))
	}
	return lines
}

// shortPaths gives the long directories that come up again and again a name,
// as a shell does: first A=/long/path, then $A/file.
func shortPaths(all []sim.Evidence) (names []string, out []sim.Evidence) {
	out = slices.Clone(all)
	for _, name := range []string{"A", "B", "C"} {
		dir := longest(out)
		if dir == "" {
			break
		}
		names = append(names, name+"="+dir)
		whole := regexp.MustCompile(regexp.QuoteMeta(dir) + `([^A-Za-z0-9._+-]|$)`)
		for i := range out {
			out[i].Shown = whole.ReplaceAllString(out[i].Shown, fmt.Sprintf("$$%s${1}", name))
			out[i].Again = whole.ReplaceAllString(out[i].Again, fmt.Sprintf("$$%s${1}", name))
		}
	}
	return names, out
}

var somePath = regexp.MustCompile(`/[A-Za-z0-9._+-][A-Za-z0-9._+/-]*`)

// longest is the directory whose name would save the most; "" if none saves
// much.
func longest(all []sim.Evidence) (best string) {
	const much = 100
	count := map[string]int{}
	for _, e := range all {
		for _, p := range somePath.FindAllString(e.Shown+"\n"+e.Again, -1) {
			for ; strings.Count(p, "/") > 1; p = p[:strings.LastIndexByte(p, '/')] {
				count[p]++
			}
		}
	}
	most := much
	for dir, n := range count {
		if saves := len(dir) * (n - 1); saves > most || saves == most && dir < best {
			best, most = dir, saves
		}
	}
	return best
}
