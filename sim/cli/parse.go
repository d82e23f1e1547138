package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"mvdan.cc/sh/v3/shell"

	"twinlayer/sim"
)

// Verb describes a docker command.
type Verb struct {
	Name  string
	Usage string // what follows "docker "
	Short string
	min   int
	max   int // -1: no limit
	flags func(*pflag.FlagSet, *sim.Options)
	run   func(*invocation) error
}

func verb(name string) (Verb, bool) {
	i := slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == name })
	if i < 0 {
		return Verb{}, false
	}
	return verbs[i], true
}

// Parse parses a docker command line, which may begin with "docker". Words are
// split as the shell splits them; getenv gives its variables. What docker
// would refuse is a *Refusal.
func Parse(line string, getenv func(string) string) (sim.Cmd, error) {
	if strings.ContainsRune(line, 0) {
		return sim.Cmd{}, sim.Refuse("docker: the command line holds a NUL byte")
	}
	words, err := shell.Fields(line, getenv)
	if err != nil {
		return sim.Cmd{}, sim.Refuse("docker: the command line cannot be read: %v", err)
	}
	if len(words) > 0 && words[0] == "docker" {
		words = words[1:]
	}
	words = withoutGroup(words)
	switch {
	case len(words) > 1 && isVerb(words[0]+" "+words[1]):
		words = append([]string{words[0] + " " + words[1]}, words[2:]...)
	case len(words) > 0 && len(inGroup(words[0])) > 0 && !isVerb(words[0]):
		return ofGroup(line, words)
	}
	switch {
	case len(words) == 0 || words[0] == "--help" || words[0] == "-h":
		return sim.Cmd{Text: line, Verb: "help"}, nil
	case words[0] == "help":
		return sim.Cmd{Text: line, Verb: "help", Args: words[1:]}, nil
	}
	c, ok := verb(words[0])
	if !ok {
		return sim.Cmd{}, sim.Refuse("docker: unknown command: docker %s\n\nRun 'docker --help' for more information", words[0]).About(sim.UnknownCommand, words[0])
	}
	cmd, err := c.parse(line, words[1:], getenv)
	for i, kv := range cmd.Env {
		if value := getenv(kv); !strings.Contains(kv, "=") && value != "" {
			cmd.Env[i] = kv + "=" + value
		}
	}
	return cmd, err
}

func isVerb(name string) bool { _, ok := verb(name); return ok }

// inGroup are the verbs of a group, such as "volume".
func inGroup(group string) (all []Verb) {
	for _, v := range verbs {
		if strings.HasPrefix(v.Name, group+" ") {
			all = append(all, v)
		}
	}
	return all
}

// ofGroup is a group's name without a verb of it.
func ofGroup(line string, words []string) (sim.Cmd, error) {
	if len(words) == 1 || words[1] == "--help" || words[1] == "-h" {
		return sim.Cmd{Text: line, Verb: "help", Args: words[:1]}, nil
	}
	return sim.Cmd{}, sim.Refuse("docker: unknown command: docker %s %s\n\nRun 'docker %s --help' for more information", words[0], words[1], words[0]).About(sim.UnknownCommand, words[0])
}

// withoutGroup turns "container run" into "run" and "image ls" into "images".
func withoutGroup(words []string) []string {
	if len(words) < 2 {
		return words
	}
	long := words[0] + " " + words[1]
	if short, ok := groups[long]; ok {
		return append([]string{short}, words[2:]...)
	}
	return words
}

var groups = map[string]string{
	"container ls": "ps", "container ps": "ps", "container list": "ps",
	"image ls": "images", "image list": "images", "image rm": "rmi", "image remove": "rmi", "container remove": "rm",
	"builder build": "build",
	"volume list":   "volume ls", "volume remove": "volume rm", "system info": "info",
}

func init() {
	for _, name := range []string{
		"attach", "commit", "cp", "create", "diff", "exec", "export", "inspect", "kill", "logs", "pause", "rename", "restart", "rm", "run",
		"start", "stop", "top", "unpause", "wait",
	} {
		groups["container "+name] = name
	}
	for _, name := range []string{"build", "history", "import", "inspect", "load", "pull", "push", "save", "tag"} {
		groups["image "+name] = name
	}
}

func (v Verb) parse(line string, words []string, getenv func(string) string) (sim.Cmd, error) {
	cmd := sim.Cmd{Text: line, Verb: v.Name}
	set := v.flagSet(&cmd.Options)
	err := set.Parse(words)
	if err == pflag.ErrHelp {
		return sim.Cmd{Text: line, Verb: "help", Args: []string{v.Name}}, nil
	}
	if err != nil {
		return sim.Cmd{}, &sim.Refusal{Exit: 125, Text: fmt.Sprintf("%v\n\nUsage:  docker %s\n\nRun 'docker %s --help' for more information", err, v.Usage, v.Name)}
	}
	cmd.Args = set.Args()
	cmd.EntrypointSet = set.Changed("entrypoint")
	if cmd.Timestamp == "" {
		cmd.Timestamp = getenv("SOURCE_DATE_EPOCH")
	}
	if v.wrongCount(len(cmd.Args)) {
		return sim.Cmd{}, sim.Refuse("docker: 'docker %s' %s\n\nUsage:  docker %s\n\n%s 'docker %s --help' for more information", v.Name, v.wants(), v.Usage, v.pointer(), v.Name)
	}
	return cmd, nil
}

func (v Verb) flagSet(o *sim.Options) *pflag.FlagSet {
	set := pflag.NewFlagSet(v.Name, pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	set.SetInterspersed(v.Name != "run" && v.Name != "create" && v.Name != "exec")
	if v.flags != nil {
		v.flags(set, o)
	}
	return set
}

func (v Verb) wrongCount(n int) bool { return n < v.min || v.max >= 0 && n > v.max }

// wants says how many arguments the command takes, in docker's words.
func (v Verb) wants() string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	switch {
	case v.max == 0:
		return "accepts no arguments"
	case v.min == v.max:
		return "requires " + plural(v.min)
	case v.max > 0 && v.min == 0:
		return "requires at most " + plural(v.max)
	}
	return "requires at least " + plural(v.min)
}

// pointer is how docker points at the help: it says "See" where arguments
// have no upper limit.
func (v Verb) pointer() string {
	if v.max < 0 {
		return "See"
	}
	return "Run"
}

// Help is the help text of the named command, or of docker as a whole.
func Help(name string) string {
	c, ok := verb(name)
	if group := inGroup(name); !ok && len(group) > 0 {
		return overviewOf("docker "+name, group)
	}
	if !ok {
		return overviewOf("docker [OPTIONS]", verbs)
	}
	text := fmt.Sprintf("Usage:  docker %s\n\n%s\n", c.Usage, c.Short)
	if flags := c.flagSet(&sim.Options{}).FlagUsages(); flags != "" {
		text += "\nOptions:\n" + flags
	}
	return text
}

func overviewOf(what string, list []Verb) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage:  %s COMMAND\n\nCommands:\n", what)
	for _, c := range list {
		fmt.Fprintf(&b, "  %-16s  %s\n", c.Name, c.Short)
	}
	fmt.Fprintf(&b, "\nRun '%s COMMAND --help' for more information on a command.\n", strings.TrimSuffix(what, " [OPTIONS]"))
	return b.String()
}
