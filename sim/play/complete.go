package play

import (
	"context"
	"slices"
	"strings"

	"twinlayer/sim/cli"
)

func (q Complete) do(_ context.Context, c *Conversation) error {
	runes := []rune(q.Line)
	at := min(max(q.At, 0), len(runes))
	head := string(runes[:at])
	cut := strings.LastIndexAny(head, " \t") + 1
	head, part := head[:cut], head[cut:]
	c.tell(Completion{head, c.candidates(strings.Fields(head), part), string(runes[at:])})
	return nil
}

// candidates are what a word that begins with part can become.
func (c *Conversation) candidates(before []string, part string) []string {
	if at := c.Session.Attached(); at.Shell != "" {
		if strings.HasPrefix(part, ":") && len(before) == 0 {
			return prefixed(wordNames(":"), part)
		}
		return c.inShell(before, part, at.Shell)
	}
	if len(before) > 0 && before[0] == "docker" {
		before = before[1:]
	} else if len(before) == 0 {
		return prefixed(append([]string{"docker "}, append(wordNames(""), cli.VerbNames()...)...), part)
	}
	if len(before) == 0 {
		return prefixed(cli.VerbNames(), part)
	}
	return prefixed(c.objects(before[0]), part)
}

// inShell completes a program's name, or a path.
func (c *Conversation) inShell(before []string, part, shell string) []string {
	if len(before) > 0 || strings.Contains(part, "/") {
		return prefixed(c.Session.Model.Paths(shell, part), part)
	}
	var out []string
	for _, file := range c.Session.Model.Paths(shell, "/bin/"+part) {
		out = append(out, strings.TrimPrefix(file, "/bin/"))
	}
	return prefixed(out, part)
}

// objects are what a docker verb is used on.
func (c *Conversation) objects(verb string) []string {
	st := c.Session.Model.State()
	var containers, images []string
	for _, k := range st.Containers() {
		containers = append(containers, k.Name)
	}
	for _, img := range st.Images() {
		images = append(images, img.Tags...)
	}
	switch verb {
	case "exec", "attach", "diff", "rm", "start", "stop", "restart", "kill", "wait", "logs", "top", "export", "commit", "evidence", "layers":
		return containers
	case "run", "create", "pull":
		return append(images, c.Pullable...)
	case "rmi", "tag", "history", "images", "push", "save":
		return images
	case "cp":
		for i := range containers {
			containers[i] += ":"
		}
		return containers
	case "inspect":
		return append(containers, images...)
	}
	return nil
}

// prefixed are those that begin with part, each once.
func prefixed(all []string, part string) []string {
	out := []string{}
	for _, s := range all {
		if strings.HasPrefix(s, part) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
