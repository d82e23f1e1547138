package lessons

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"twinlayer/sim"
	"twinlayer/sim/cli"
)

var (
	idForm        = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	containerForm = regexp.MustCompile(`^lesson(-[a-z0-9]+)+$`)
)

func (v *vetter) lesson(l Lesson, dir string) {
	if l.ID != dir {
		v.fault("$.id", "id must be %s, the directory's name", dir)
	}
	v.id("$.id", l.ID)
	if l.Order < 1 {
		v.fault("$.order", "order must be a number from 1")
	}
	v.own(l)
	if len(l.Steps) == 0 {
		v.fault("$.steps", "a lesson has steps")
	}
	for i, s := range l.Steps {
		v.step(l, i, s)
	}
	if len(l.Steps) > 0 && !slices.ContainsFunc(l.Steps, Step.Exercise) {
		v.fault("$.steps", "no step has a solution, so the learner has nothing to do")
	}
}

func (v *vetter) id(at, id string) {
	if !idForm.MatchString(id) {
		v.fault(at, "an id is of small letters, digits and dashes, not %q", id)
	}
}

// own vets what the lesson declares as its own.
func (v *vetter) own(l Lesson) {
	for i, name := range l.Containers {
		if !containerForm.MatchString(name) {
			v.fault(fmt.Sprintf("$.containers[%d]", i), "a lesson's container is called lesson-…, so that it is no one else's; not %q", name)
		}
	}
	for i, ref := range l.Images {
		if familiar, err := sim.Familiar(ref); err != nil || familiar != ref {
			v.fault(fmt.Sprintf("$.images[%d]", i), "an image is written as docker images has it, name:tag; not %q", ref)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Files)) {
		if !filepath.IsLocal(name) {
			v.fault("$.files", "a file is in the lesson's directory, not %q", name)
		}
	}
	for _, engine := range slices.Sorted(maps.Keys(l.Differs)) {
		v.differs("$.differs."+engine, l, engine)
	}
}

var engines = append([]string{sim.ModelName}, sim.EngineNames()...)

func (v *vetter) differs(at string, l Lesson, engine string) {
	if !slices.Contains(engines, engine) {
		v.fault(at, "an engine is %s; not %q", strings.Join(engines, ", "), engine)
	}
	d := l.Differs[engine]
	if class := d.Verdict; class != "" && class != sim.Expected && class != sim.Limit {
		v.fault(at+".verdict", "a declared verdict is expected or limit, not %q", class)
	}
	for i, line := range d.Lines {
		if !slices.ContainsFunc(l.Steps, func(s Step) bool { return slices.Contains(s.Lines(), line) }) {
			v.fault(fmt.Sprintf("%s.lines[%d]", at, i), "no step has this line")
		}
	}
}

func (v *vetter) step(l Lesson, i int, s Step) {
	at := fmt.Sprintf("$.steps[%d]", i)
	v.id(at+".id", s.ID)
	if first := slices.IndexFunc(l.Steps, func(o Step) bool { return o.ID == s.ID }); first < i {
		v.fault(at+".id", "step %d is called %s too", first+1, s.ID)
	}
	switch {
	case len(s.Run) > 0 && s.Exercise():
		v.fault(at+".solution", "a step either runs something or leaves it to the learner")
	case len(s.Lines()) == 0:
		v.fault(at+".run", "a step runs something, or has a solution")
	case s.Exercise() && len(s.Goals) == 0:
		v.fault(at, "a step that is left to the learner has a goal")
	case s.Exercise() && len(s.Wrong) == 0:
		v.fault(at, "a step that is left to the learner has a wrong attempt")
	}
	v.lines(at+".run", l, s.Run)
	v.lines(at+".solution", l, s.Solution)
	for k, g := range s.Goals {
		v.goal(fmt.Sprintf("%s.goals[%d]", at, k), l, g)
	}
	for k, w := range s.Wrong {
		v.wrong(fmt.Sprintf("%s.wrong[%d]", at, k), l, w)
	}
	if s.Predict != nil {
		v.prediction(at+".predict", l, s)
	}
}

func (v *vetter) wrong(at string, l Lesson, w Wrong) {
	v.id(at+".id", w.ID)
	if len(w.Run) == 0 {
		v.fault(at, "a wrong attempt runs something")
	}
	v.lines(at+".run", l, w.Run)
	if (w.Mistake == "") == (len(w.When) == 0) {
		v.fault(at, "a wrong attempt is recognised by a state, when, or it is a common mistake: %s", strings.Join(mistakeNames(), ", "))
	}
	if w.Mistake != "" && !isMistake(w.Mistake) {
		v.fault(at+".mistake", "a common mistake is %s; not %q", strings.Join(mistakeNames(), ", "), w.Mistake)
	}
	for k, g := range w.When {
		v.goal(fmt.Sprintf("%s.when[%d]", at, k), l, g)
	}
}

func (v *vetter) lines(at string, l Lesson, lines []string) {
	for k, line := range lines {
		v.line(fmt.Sprintf("%s[%d]", at, k), l, k, line)
	}
}

// line vets one line of a step, as far as it can be told without running it.
func (v *vetter) line(at string, l Lesson, k int, line string) {
	line, _ = mayFail(line)
	switch {
	case strings.TrimSpace(line) == "":
		v.fault(at, "the line is empty")
	case isDocker(line):
		v.docker(at, l, line)
	case isFile(line):
		if name, _ := fileOf(line); !filepath.IsLocal(name) {
			v.fault(at, "a file is in the lesson's directory, not %q", name)
		}
	case isWord(line) && line != wordDetach && !isShow(line):
		v.fault(at, "%s is no word of a lesson; %s, %s and %s are", line, wordDetach, wordFile, strings.Join(shows, ", "))
	case k == 0 && !isShow(line):
		v.fault(at, "a step begins outside of any container, so its first line is docker's, or a word of twinlayer's own as :files")
	}
}

func (v *vetter) docker(at string, l Lesson, line string) {
	cmd, err := cli.Parse(strings.NewReplacer(lastImage, "x", lastContainer, "x").Replace(line), noEnv)
	switch {
	case err != nil:
		text, _, _ := strings.Cut(err.Error(), "\n")
		v.fault(at, "%s", text)
	case cmd.Verb == "help":
		v.fault(at, "the line only asks for help")
	case cmd.Verb == "run" && !cmd.Remove && !slices.Contains(l.Containers, cmd.Options.Name):
		v.fault(at, "docker run needs --name with one of the lesson's containers, or --rm")
	}
}

func (v *vetter) goal(at string, l Lesson, g Goal) {
	if g.state == nil {
		v.fault(at, "the goal is empty")
		return
	}
	g.vet(l, func(field, format string, args ...any) { v.fault(at+"."+g.Kind+field, format, args...) })
}
