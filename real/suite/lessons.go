//go:build linux

package suite

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// LessonsPassed are the ids of the lessons that pass lesson check.
func LessonsPassed(t *testing.T, p Program, c Contestant, ids ...string) (passed []string, output string) {
	stdout, stderr, exit := p.Run(t, "", append([]string{"lesson", "check", "--real", c.Real}, ids...)...)
	for line := range strings.Lines(stdout) {
		if id, ok := strings.CutPrefix(line, "ok "); ok {
			passed = append(passed, strings.TrimSpace(id))
		}
	}
	require.Contains(t, []int{StatusOK, StatusBroken}, exit, stderr)
	return passed, stdout + stderr
}
