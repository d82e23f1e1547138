package sim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"twinlayer/fs"
)

// Compare holds what the model says against what the real world shows, and
// classes every difference.
func Compare(model, real View) []Difference {
	return comparison{&Pairs{}, func(text string) string { return text }}.of(model, real)
}

// comparison is what a session knows when it compares.
type comparison struct {
	pairs   *Pairs
	asTyped func(string) string
}

func (c comparison) of(model, real View) []Difference {
	var out []Difference
	for _, f := range fields {
		m, r := f.of(model), f.of(real)
		if m == r || f.name == "images" && c.sameImages(model, real) {
			continue
		}
		d := Difference{What: f.name, Model: m, Real: r}
		d.Class, d.Reason = c.judge(f, model, real)
		out = append(out, d)
	}
	if why := c.pairs.difference(model); why != "" {
		out = append(out, Difference{What: "images", Class: Bug, Reason: "an image that was made in both worlds is not the same: " + why})
	}
	return out
}

// sameImages says whether the worlds have the same images, whatever their ids.
func (c comparison) sameImages(model, real View) bool {
	return slices.Equal(sortedLines(c.pairs.Real(imagesText(model))), sortedLines(imagesText(real)))
}

func imagesText(v View) string {
	var b strings.Builder
	for _, img := range v.Images {
		b.WriteString(asText(img) + "\n")
	}
	return b.String()
}

func sortedLines(text string) []string {
	return slices.Sorted(strings.Lines(text))
}

// Verdict is the gravest class of the differences.
func Verdict(all []Difference) Class {
	rank := map[Class]int{Same: 0, Expected: 1, Limit: 2, Bug: 3}
	worst := Same
	for _, d := range all {
		if rank[d.Class] > rank[worst] {
			worst = d.Class
		}
	}
	return worst
}

// field is one thing that both worlds show, as text.
type field struct {
	name string
	of   func(View) string
	text bool // printed text, to which the declared differences of text apply
}

var fields = []field{
	{"exit", func(v View) string { return asText(v.Exit) }, false},
	{"stdout", func(v View) string { return v.Stdout }, true},
	{"stderr", func(v View) string { return v.Stderr }, true},
	{"images", func(v View) string { return asText(v.Images) }, false},
	{"containers", func(v View) string { return asText(v.Containers) }, false},
	{"changes", func(v View) string { return changesText(v.Changes) }, false},
	{"layer", func(v View) string { return v.Layer }, false},
}

func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func changesText(all []fs.Change) string {
	var b strings.Builder
	for _, c := range all {
		b.WriteString(c.Kind.Letter() + " " + c.Path + "\n")
	}
	return b.String()
}

// otherIDs is why the ids of images that were made here differ.
const otherIDs = "an image that was made here has another id in each world: its configuration names its layers by digest, and the files in them carry each world's own times; their contents are equal"

// judge classes a difference in this field.
func (c comparison) judge(f field, model, real View) (Class, string) {
	if model.Unknown != "" {
		return Limit, "the model cannot know: " + model.Unknown
	}
	if !f.text {
		return Bug, "the worlds should agree here"
	}
	m, r := c.asTyped(c.pairs.Real(f.of(model))), c.asTyped(f.of(real))
	if m == r {
		return Expected, otherIDs
	}
	for _, d := range declared {
		if d.when != nil && !(d.when.MatchString(m) && d.when.MatchString(r)) {
			continue
		}
		m, r = d.blank(m), d.blank(r)
		if m == r {
			return d.class, d.reason
		}
	}
	return Bug, "the worlds should agree here"
}

// declaration is a difference of printed text that is known and explained.
// Blanking out what matches must make the texts equal.
type declaration struct {
	when   *regexp.Regexp // what both texts must have for it to apply; nil: anything
	match  *regexp.Regexp
	class  Class
	reason string
}

// declared is every difference between the worlds that is not a fault. They
// apply one after another, so the reason given is that of the last needed.
var declared = []declaration{
	{nil, regexp.MustCompile(`(?m)^[0-9a-f]{12}: (Already exists|Pull complete)$`), Expected,
		"the real store has kept this layer from an earlier session, so it need not be pulled again; the model starts empty"},
	{nil, regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4}|Z)?|\b\d\d:\d\d(:\d\d)?\b|\b(About )?(a|an|\d+|Less than a) (nano|micro|milli)?(second|minute|hour)s?\b`), Expected,
		"the two worlds do the same thing a moment apart, so the clock shows different times"},
	{regexp.MustCompile(`^PID `), regexp.MustCompile(`(?m)^ *\d+ `), Expected,
		"every process and every thread takes the next number, and how many the real ones have had is the kernel's affair"},
	{nil, regexp.MustCompile(`(?m)^(overlay|proc|tmpfs|devpts|sysfs|mqueue|shm|/dev/\S+|udev|none) .*$`), Limit,
		"the real mounts and their options depend on the machine; the model shows their shape only"},
}

func (d declaration) blank(text string) string { return d.match.ReplaceAllString(text, "…") }
