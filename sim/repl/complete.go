package repl

import (
	"slices"
	"strings"

	"twinlayer/sim/cli"
	"twinlayer/sim/repl/ink"
)

// Complete completes commands, images, containers and, inside a container,
// paths, as liner's WordCompleter.
func (r *REPL) Complete(line string, pos int) (head string, candidates []string, tail string) {
	runes := []rune(line)
	head, tail = string(runes[:pos]), string(runes[pos:])
	cut := strings.LastIndexAny(head, " \t") + 1
	head, part := head[:cut], head[cut:]
	return head, r.candidates(strings.Fields(head), part), tail
}

func (r *REPL) candidates(before []string, part string) []string {
	if at := r.Session.Attached(); at.Shell != "" {
		if strings.HasPrefix(part, ":") && len(before) == 0 {
			return prefixed(wordNames(":"), part)
		}
		return r.inShell(before, part, at.Shell)
	}
	if len(before) > 0 && before[0] == "docker" {
		before = before[1:]
	} else if len(before) == 0 {
		return prefixed(append([]string{"docker "}, append(wordNames(""), cli.VerbNames()...)...), part)
	}
	if len(before) == 0 {
		return prefixed(cli.VerbNames(), part)
	}
	return prefixed(r.objects(before[0]), part)
}

// inShell completes a program's name, or a path.
func (r *REPL) inShell(before []string, part, shell string) []string {
	if len(before) > 0 || strings.Contains(part, "/") {
		return prefixed(r.Session.Model.Paths(shell, part), part)
	}
	var out []string
	for _, file := range r.Session.Model.Paths(shell, "/bin/"+part) {
		out = append(out, strings.TrimPrefix(file, "/bin/"))
	}
	return prefixed(out, part)
}

// objects are what a docker verb is used on.
func (r *REPL) objects(verb string) []string {
	st := r.Session.Model.State()
	var containers, images []string
	for _, c := range st.Containers() {
		containers = append(containers, c.Name)
	}
	for _, img := range st.Images() {
		images = append(images, img.Tags...)
	}
	switch verb {
	case "exec", "attach", "diff", "rm", "start", "stop", "restart", "kill", "wait", "logs", "top", "export", "commit", "evidence", "layers":
		return containers
	case "run", "create", "pull":
		return append(images, r.Pullable...)
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

func wordNames(prefix string) []string {
	var out []string
	for _, w := range words {
		out = append(out, prefix+w.name)
	}
	return out
}

// prefixed are those that begin with part, and can be typed.
func prefixed(all []string, part string) []string {
	var out []string
	for _, s := range all {
		if strings.HasPrefix(s, part) && !slices.Contains(out, s) && ink.Visible(s) == s {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
