package dockerfile

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Taken is an image that the file takes from, and where it says so.
type Taken struct {
	Ref  string // its variables replaced
	at   []parser.Range
	with func(text, name string) string // the instruction, with another name for it
}

// Taken are the images that stages begin on and that COPY takes from, in their
// order; stages and scratch are none.
func (f *File) Taken(s *Scope) (all []Taken, err error) {
	for i, stage := range f.Stages {
		name, _, err := s.Base(stage)
		if err != nil {
			return nil, err
		}
		if _, ok := instructions.HasStage(f.Stages[:i], name); !ok && name != "scratch" {
			all = append(all, Taken{name, stage.Location, func(_, name string) string { return from(name, stage.Name) }})
		}
		for _, cmd := range stage.Commands {
			c, ok := cmd.(*instructions.CopyCommand)
			if !ok || c.From == "" {
				continue
			}
			if _, ok := f.stage(c.From, i); !ok {
				all = append(all, Taken{c.From, c.Location(), func(text, name string) string {
					return strings.Replace(text, "--from="+c.From, "--from="+name, 1)
				}})
			}
		}
	}
	return all, nil
}

func from(base, name string) string {
	if name == "" {
		return "FROM " + base
	}
	return "FROM " + base + " AS " + name
}

// Renamed is the file's text with other names for the images that it takes
// from. Every instruction stays in its line.
func (f *File) Renamed(all []Taken, name func(ref string) string) string {
	lines := slices.Clone(f.lines)
	for _, t := range all {
		first, last := t.at[0].Start.Line-1, t.at[len(t.at)-1].End.Line
		text := t.with(strings.Join(lines[first:last], "\n"), name(t.Ref))
		for i := range lines[first:last] {
			lines[first+i] = ""
		}
		copy(lines[first:last], strings.Split(text, "\n"))
	}
	return strings.Join(lines, "\n")
}

// IsPlatformArg says whether every build has this ARG of its platform
// (Dockerfile reference, "Automatic platform ARGs").
func IsPlatformArg(name string) bool {
	_, ok := platformArgs("")[name]
	return ok
}
