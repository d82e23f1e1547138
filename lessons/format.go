package lessons

import (
	_ "embed"
	"strings"
)

//go:embed doc.go
var doc string

// Format tells a teacher what may stand in a lesson's files: the part of this
// package's comment that does.
func Format() string {
	text, _, _ := strings.Cut(doc, "// The REPL and the tests")
	_, text, _ = strings.Cut(text, "//\n")
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimPrefix(strings.TrimPrefix(line, "//"), " "))
	}
	return strings.TrimSpace(out.String()) + "\n"
}
