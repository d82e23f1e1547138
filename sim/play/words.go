package play

import (
	"context"
	"errors"
	"slices"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim/cli"
	"twinlayer/sim/say"
)

// Word is a command of twinlayer's own. In a container's shell it is typed
// with a colon in front, because there everything else is the shell's.
type Word struct {
	Name  string `json:"name"`
	Args  string `json:"args"`
	Short Phrase `json:"short"` // what it does
	run   func(*Conversation, context.Context, []string) error
}

// words is the table that dispatch, help and completion go by. It is filled
// in init because help refers to it.
var words []Word

func init() {
	words = []Word{
		{"help", "[COMMAND|all]", helpHelp, help},
		{"next", "[N]", helpNext, forward},
		{"back", "[N]", helpBack, back},
		{"forward", "[N]", helpForward, forward},
		{"goto", "N", helpGoto, goTo},
		{"end", "", helpEnd, given(ToEnd{})},
		{"play", "[SPEED]", helpPlay, playSteps},
		{"timeline", "", helpTimeline, timeline},
		{"undo", "", helpUndo, undo},
		{"log", "", helpLog, logWord},
		{"look", "[PATH…]", helpLook, look},
		{"steps", "[on|off]", helpSteps, steps},
		{"boot", "", helpBoot, boot},
		{"picture", "[KIND] [NAME] [PATH…]", helpPicture, picture},
		{"layers", "[CONTAINER|IMAGE]", helpLayers, layers},
		{"why", "IMAGE|CONTAINER PATH", helpWhy, why},
		{"output", "", helpOutput, output},
		{"audit", "IMAGE|CONTAINER", helpAudit, audit},
		{"diff", "IMAGE IMAGE", helpDiff, diffImages},
		{"evidence", "[CONTAINER]", helpEvidence, evidence},
		{"detach", "", helpDetach, detach},
		{"lessons", "", helpLessons, listLessons},
		{"lesson", "N|DIR", helpLesson, startLesson},
		{"hint", "", helpHint, inLesson(hint)},
		{"goals", "", helpGoals, inLesson(goals)},
		{"answer", "TEXT", helpAnswer, answerWord},
		{"skip", "", helpSkip, inLesson(skip)},
		{"restart", "", helpRestart, inLesson(restart)},
		{"resume", "", helpResume, resume},
		{"files", "[NAME]", helpFiles, inLesson(files)},
		{"edit", "FILE", helpEdit, inLesson(edit)},
		{"file", "NAME", helpFile, nil},
		{"lang", strings.Join(lessons.Languages, "|"), helpLang, speak},
		{"engines", "", helpEngines, machine(Machine.Engines)},
		{"reconnect", "", helpReconnect, reconnect},
		{"clean", "", helpClean, machine(Machine.Clean)},
		{"bench", "", helpBench, machine(Machine.Bench)},
		{"verify", "", helpVerify, machine(Machine.Verify)},
		{"quit", "", helpQuit, given(Quit{})},
	}
}

// Words are all words of twinlayer's own.
func Words() []Word { return slices.Clone(words) }

// given is the word that does the same as an input.
func given(in Input) func(*Conversation, context.Context, []string) error {
	return func(c *Conversation, ctx context.Context, _ []string) error { return in.do(ctx, c) }
}

// isWord tells a word with its colon from the shell's own command ":".
func isWord(line string) bool {
	rest, colon := strings.CutPrefix(strings.TrimSpace(line), ":")
	return colon && rest != "" && !strings.ContainsAny(rest[:1], " \t>;&|")
}

// word is twinlayer's own word that a line begins with.
func (c *Conversation) word(line string) (Word, []string, bool) {
	inShell := c.Session.Attached().Shell != ""
	colon := isWord(line)
	if colon {
		line = line[1:]
	}
	fields := strings.Fields(line)
	if inShell && !colon || len(fields) == 0 {
		return Word{}, nil, false
	}
	if fields[0] == "exit" && !inShell {
		fields[0] = "quit"
	}
	if fields[0] == "diff" && !colon && len(fields) != 3 {
		return Word{}, nil, false // docker diff, without docker
	}
	i := slices.IndexFunc(words, func(w Word) bool { return w.Name == fields[0] })
	if i < 0 && colon {
		return Word{run: unknownWord}, fields, true
	}
	if i < 0 {
		return Word{}, nil, false
	}
	if words[i].run == nil { // file, without its name
		return Word{run: inLesson(edit)}, nil, true
	}
	return words[i], fields[1:], true
}

func unknownWord(c *Conversation, _ context.Context, fields []string) error {
	if like := lessons.Closest(fields[0], wordNames("")); like != "" {
		c.refuse(didYouMean(":" + like))
		return nil
	}
	c.refuse(noWord(":" + fields[0]))
	return nil
}

// isOwn says whether a line begins with one of twinlayer's own words.
func isOwn(line string) bool {
	first, _, _ := strings.Cut(line, " ")
	return slices.Contains(wordNames(""), first)
}

func wordNames(prefix string) []string {
	var out []string
	for _, w := range words {
		out = append(out, prefix+w.Name)
	}
	return out
}

// lessonWords are the words that matter in a lesson.
func lessonWords() (out []Word) {
	for _, w := range words {
		if slices.Contains([]string{"next", "hint", "goals", "answer", "skip", "restart", "files", "edit", "quit"}, w.Name) {
			out = append(out, w)
		}
	}
	return append(out, Word{Name: "help", Args: "all", Short: helpAll})
}

func help(c *Conversation, _ context.Context, args []string) error {
	if len(args) > 0 && args[0] == "docker" {
		args = args[1:]
	}
	var name string
	if len(args) > 0 {
		name = args[0]
	}
	own := slices.IndexFunc(words, func(w Word) bool { return w.Name == name })
	switch {
	case own >= 0 && !slices.Contains(cli.VerbNames(), name):
		c.tell(Help{Of: name, Words: words[own : own+1]})
		return nil
	case name != "" && name != "all":
		c.tell(Help{Of: name, Docker: cli.Help(name)})
		return nil
	case name == "" && c.lesson != nil:
		c.tell(Help{Of: "lesson", Words: lessonWords()})
		return nil
	}
	c.tell(Help{Docker: cli.Help(""), Words: Words()})
	return nil
}

func detach(c *Conversation, _ context.Context, _ []string) error {
	at := c.Session.Attached()
	if at.Shell == "" {
		c.refuse(noShell)
		return nil
	}
	c.Session.Detach()
	c.say(goesOnAlone(at.Name, at.Name))
	return nil
}

// speak switches the language, also in the middle of a lesson.
func speak(c *Conversation, ctx context.Context, args []string) error {
	if len(args) != 1 || !slices.Contains(lessons.Languages, args[0]) {
		c.refuse(langNeeds(strings.Join(lessons.Languages, ", ")))
		return nil
	}
	c.tell(Language{args[0]})
	c.keep(c.Course.Progress.Speak(args[0]))
	if c.lesson == nil {
		c.say(languageNow)
		return nil
	}
	return c.openStep(ctx)
}

// verbatim is an error in its own words, or in the learner's where it has them.
func verbatim(err error) Phrase {
	if own, ok := errors.AsType[*say.Error](err); ok {
		return own.Phrase
	}
	return say.Verbatim(err.Error())
}
