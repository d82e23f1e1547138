package repl

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/model"
	"twinlayer/sim/report"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// word is a command of the REPL itself. In a container's shell it is typed
// with a colon in front, because there everything else is the shell's.
type word struct {
	name  string
	args  string
	short string
	run   func(*REPL, context.Context, []string) error
}

// words is the table that dispatch, help and completion go by. It is filled
// in init because help refers to it.
var words []word

func init() {
	words = []word{
		{"help", "[COMMAND]", "this list, or the help of a docker command", help},
		{"next", "", "the model's next step, or the lesson's", next},
		{"back", "", "back to the step before; the real world cannot go back, and says so", back},
		{"forward", "", "forward again, as next", next},
		{"end", "", "to the last step, which is the present", toEnd},
		{"steps", "[on|off]", "all steps of the last command; on holds the steps of each command, off does not", steps},
		{"boot", "", "the steps by which the machine came up", boot},
		{"layers", "[CONTAINER|IMAGE]", "a picture of a container's layers; of an image, their sizes, sharing and waste", layers},
		{"why", "IMAGE|CONTAINER PATH", "which layer provides a path, which hide it, and who made them", why},
		{"audit", "IMAGE|CONTAINER", "who made each layer, and what it added, modified and deleted", audit},
		{"diff", "IMAGE IMAGE", "what two images differ in (of one container: docker diff)", diffImages},
		{"evidence", "[CONTAINER]", "what can be seen of a container from outside, and how to see it by hand", evidence},
		{"detach", "", "leave a container's shell waiting (docker attach goes back)", detach},
		{"lessons", "", "the lessons there are", listLessons},
		{"lesson", "N|DIR", "begin a lesson; Enter goes on", startLesson},
		{"hint", "", "a push in a lesson's step; the last one is the solution", hint},
		{"goals", "", "what the lesson's step is for, and how it stands in each world", goals},
		{"answer", "TEXT", "answer what the lesson asks; at a terminal the answer alone does", answer},
		{"skip", "", "go on to the lesson's next step", skip},
		{"restart", "", "begin the lesson afresh", restart},
		{"resume", "", "go on where you were, in this lesson or the last", resume},
		{"files", "[NAME]", "the lesson's files, or one of them", files},
		{"edit", "FILE", "edit one of the lesson's files", edit},
		{"file", "NAME", "write a file of the lesson: its lines follow, and a single dot ends them", nil},
		{"lang", strings.Join(lessons.Languages, "|"), "the language of the lessons", speak},
		{"engines", "", "the real engines, their versions, and why one cannot be used", machine(Machine.Engines)},
		{"reconnect", "", "a fresh real engine, which runs the session's commands again", reconnect},
		{"clean", "", "remove what sessions of twinlayer that died left in Docker and Podman", machine(Machine.Clean)},
		{"bench", "", "the same work on every engine, timed", machine(Machine.Bench)},
		{"verify", "", "hold all that is in the data directory against its digests", machine(Machine.Verify)},
		{"quit", "", "leave; containers and their changes go, downloaded layers stay", quit},
	}
}

// isWord tells a word with its colon from the shell's own command ":".
func isWord(line string) bool {
	rest, colon := strings.CutPrefix(strings.TrimSpace(line), ":")
	return colon && rest != "" && !strings.ContainsAny(rest[:1], " \t>;&|")
}

// word is the REPL's own word that a line begins with.
func (r *REPL) word(line string) (word, []string, bool) {
	inShell := r.Session.Attached().Shell != ""
	colon := isWord(line)
	if colon {
		line = line[1:]
	}
	fields := strings.Fields(line)
	if inShell && !colon || len(fields) == 0 {
		return word{}, nil, false
	}
	if fields[0] == "exit" && !inShell {
		fields[0] = "quit"
	}
	if fields[0] == "diff" && !colon && len(fields) != 3 {
		return word{}, nil, false // docker diff, without docker
	}
	i := slices.IndexFunc(words, func(w word) bool { return w.name == fields[0] })
	if i < 0 && colon {
		return word{run: unknownWord}, fields, true
	}
	if i < 0 {
		return word{}, nil, false
	}
	if words[i].run == nil { // file, without its name
		return word{run: edit}, nil, true
	}
	return words[i], fields[1:], true
}

func unknownWord(r *REPL, _ context.Context, fields []string) error {
	if like := lessons.Closest(fields[0], wordNames("")); like != "" {
		r.tellWarn("Did you mean `%s`?", ":"+like)
		return nil
	}
	r.draw.warn(":%s is no word of twinlayer; help has them all", fields[0])
	return nil
}

// isOwn says whether a line begins with one of the REPL's own words.
func isOwn(line string) bool {
	first, _, _ := strings.Cut(line, " ")
	return slices.Contains(wordNames(""), first)
}

// noImage is what docker says of an image that it then pulls.
var noImage = regexp.MustCompile(`Unable to find image '([^':]+)(:latest)?' locally`)

// pointAtWord helps somebody whose line was no command, but is near to one, or
// is a word that lacks its colon in a container's shell.
func (r *REPL) pointAtWord(at session.Attached, result sim.Result) {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(result.Cmd), "docker "), " ")
	_, number := strconv.Atoi(first)
	unknown := strings.Contains(result.Model.Stderr, "unknown command: docker "+first)
	notFound := at.Shell != "" && strings.Contains(strings.ReplaceAll(result.Model.Stderr, ": command not", ": not"), first+": not found")
	missing := noImage.FindStringSubmatch(result.Model.Stderr)
	switch {
	case missing != nil && result.Model.Exit != 0:
		if like := lessons.Closest(missing[1], r.Pullable); like != "" {
			r.tell("Did you mean `%s`?", like)
		}
	case notFound && isOwn(first):
		r.tell("In a container twinlayer's own words have a colon in front: `%s`.", ":"+first)
	case notFound:
		if like := lessons.Closest(first, wordNames("")); like != "" {
			r.tell("Did you mean `%s`?", ":"+like)
		}
	case unknown && r.lesson != nil && (number == nil || lessons.IsLetter(first) || lessons.IsNothing(first)):
		r.tell("No question is open now.")
	case unknown && slices.Contains(userland.Applets(), first):
		r.tell("`%[1]s` is for a container's shell: `docker exec CONTAINER %[1]s` runs it in one, `docker attach CONTAINER` goes back to a shell.", first)
	case unknown:
		if like := lessons.Closest(first, append(append(wordNames(""), cli.VerbNames()...), "docker")); like != "" {
			r.tell("Did you mean `%s`?", like)
		}
	}
}

func help(r *REPL, _ context.Context, args []string) error {
	if len(args) > 0 && args[0] == "docker" {
		args = args[1:]
	}
	if len(args) > 0 {
		r.draw.text(cli.Help(args[0]))
		return nil
	}
	r.draw.printed(screenLines(cli.Help("")))
	r.draw.text("\n" + r.draw.tr("twinlayer's own words (inside a container with a colon in front, as :next):") + "\n" + r.wordList())
	return nil
}

func (r *REPL) wordList() string {
	const column = 27
	var b strings.Builder
	for _, w := range words {
		for i, line := range wrapWords(r.draw.tr(w.short), r.draw.width-column-2) {
			head := strings.TrimSpace(w.name + " " + w.args)
			if i > 0 {
				head = ""
			}
			fmt.Fprintf(&b, "  %-*s%s\n", column, head, line)
		}
	}
	return b.String()
}

func next(r *REPL, ctx context.Context, _ []string) error {
	m, ok := r.timeline.Forward()
	switch {
	case ok:
		r.draw.moment(m, r.stale())
	case r.lesson != nil:
		return r.goOn(ctx)
	default:
		r.draw.say("This is the present: no step is ahead.")
	}
	return nil
}

func back(r *REPL, _ context.Context, _ []string) error {
	m, ok := r.timeline.Back()
	switch {
	case ok:
		r.draw.moment(m, r.stale())
	case r.timeline.Cut():
		r.draw.say("This is as far back as one can go: of a long session the oldest steps are not kept.")
	default:
		r.draw.say("This is where it all began: no step is before it.")
	}
	return nil
}

// stale says how the real world relates to the step that is looked at.
func (r *REPL) stale() string {
	switch ahead := r.timeline.Ahead(); {
	case r.Real == "":
		return ""
	case ahead == 0:
		return "the real world is here too"
	default:
		return fmt.Sprintf("the real world cannot go back: it is %d step(s) ahead; the next command runs in the present", ahead)
	}
}

func toEnd(r *REPL, _ context.Context, _ []string) error {
	r.timeline.End()
	r.draw.say("This is the present.")
	return nil
}

func steps(r *REPL, _ context.Context, args []string) error {
	if len(args) == 1 && (args[0] == "on" || args[0] == "off") {
		r.Step = args[0] == "on"
		r.draw.say("steps are %s", map[bool]string{true: "held until next", false: "not held"}[r.Step])
		return nil
	}
	for _, m := range r.timeline.Last() {
		r.draw.step(m)
	}
	return nil
}

func layers(r *REPL, ctx context.Context, args []string) error {
	key := r.Session.Attached().Container
	if len(args) > 0 {
		key = args[0]
	}
	if key == "" {
		r.draw.warn("layers needs a container or an image: its name or id, as docker ps -a and docker images have them")
		return nil
	}
	stack, err := r.Session.Model.State().Layers(key)
	if err != nil {
		return r.recount(ctx, report.Layers(key))
	}
	r.draw.stack(stack)
	return nil
}

// evidence draws what each world can show of a container: the one named, or
// that of the last command.
func evidence(r *REPL, ctx context.Context, args []string) error {
	key := firstOf(append(args, r.Session.Attached().Container, r.last)...)
	if key == "" {
		r.draw.warn("evidence needs a container: its name or id, as docker ps -a has them")
		return nil
	}
	for _, e := range r.Session.Engines() {
		list, err := e.Evidence(ctx, key)
		if err != nil {
			r.draw.warn("%s: %v", e.Name(), err)
			continue
		}
		r.draw.title(worldName(e.Name(), r.Lang))
		r.draw.evidence(list)
	}
	return nil
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func detach(r *REPL, _ context.Context, _ []string) error {
	at := r.Session.Attached()
	if at.Shell == "" {
		r.draw.warn("no container's shell is attached")
		return nil
	}
	r.Session.Detach()
	r.draw.say("%s goes on without you; docker attach %s goes back.", at.Name, at.Name)
	return nil
}

func quit(*REPL, context.Context, []string) error { return errQuit }

func boot(r *REPL, _ context.Context, _ []string) error {
	for i, s := range r.booted {
		r.draw.step(model.Moment{Step: s, Index: i + 1, Of: len(r.booted)})
	}
	return nil
}
