package sim

import (
	"regexp"
	"slices"
	"strings"

	"twinlayer/sim/say"
)

// Instruction is a line of an image's history as a Dockerfile has it, and
// whether it says how the layer was made: of a committed container the history
// has nothing but the command that ran in it.
func Instruction(line, comment string) (made say.Phrase, known bool) {
	_, cmd := SplitArgs(line)
	if nop, ok := nopText(cmd); ok {
		return say.Verbatim(nop), true
	}
	if text, ok := strings.CutSuffix(line, "# buildkit"); ok || isInstruction(line) {
		return say.Verbatim(strings.Replace(strings.TrimSpace(text), "RUN /bin/sh -c ", "RUN ", 1)), true
	}
	shell, isRun := strings.CutPrefix(cmd, "/bin/sh -c ")
	words := strings.Fields(cmd)
	switch {
	case isRun:
		return say.Verbatim("RUN " + strings.TrimSpace(shell)), true
	case len(words) == 0 && comment != "":
		return saySaysOfItself(comment), false
	case len(words) == 0:
		return Unrecorded, false
	case IsInteractiveShell(words, true):
		return saySomebodyWorked(words[0]), false
	case slices.Contains(words, "-c") || slices.Contains(words, "-ec"):
		return say.Verbatim("RUN " + cmd), true
	}
	return sayRanSomewhere(cmd), false
}

// isInstruction says whether a line of the history is an instruction as
// BuildKit writes it.
func isInstruction(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return slices.Contains([]string{"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}, word)
}

// nopText is the instruction behind "#(nop)".
func nopText(cmd string) (string, bool) {
	_, nop, ok := strings.Cut(cmd, "#(nop) ")
	nop = strings.TrimSpace(nop)
	return contentDigest.ReplaceAllString(nop, " $1 in "), ok
}

var argsPrefix = regexp.MustCompile(`^\|\d+ `)

// SplitArgs takes the ARGs, "|1 A=b ", off a line; where they end is told by
// what every shell form begins with.
func SplitArgs(line string) (args, cmd string) {
	head := argsPrefix.FindString(line)
	if head == "" {
		return "", line
	}
	rest := line[len(head):]
	if i := strings.Index(rest, " /"); i >= 0 {
		return rest[:i], rest[i+1:]
	}
	return "", rest
}

// contentDigest is what the history tells of the content of copied files;
// Docker 20.10 leaves out the space between that and --chown.
var contentDigest = regexp.MustCompile(` *(file|dir|multi):[0-9a-f]{64} in `)

// WithoutContent is the line without the digests of what was copied.
func WithoutContent(line string) string { return contentDigest.ReplaceAllString(line, " … in ") }
