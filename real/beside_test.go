//go:build linux

package real_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/sim"
)

// TestBeside: from a second terminal a run that goes on is looked at and ended
// in both worlds, and in the end they agree.
func TestBeside(t *testing.T) {
	for _, end := range []string{"docker kill it", "docker stop -t 1 it"} {
		t.Run(end, func(t *testing.T) {
			s := bothAt(t, t.TempDir())
			ran := make(chan sim.Result, 1)
			go func() {
				r, _ := s.Run(context.Background(), "docker run --name it busybox sh -c 'echo started; sleep 1000'", os.Getenv)
				ran <- r
			}()
			beside := func(line string) sim.Result {
				r, err := s.Beside(t.Context(), line, os.Getenv)
				require.NoError(t, err)
				require.NotNil(t, r.Real)
				return r
			}
			started := func(v sim.View) bool { return strings.HasPrefix(v.Stdout, "started\n") }
			require.Eventually(t, func() bool {
				r := beside("docker logs it")
				return started(r.Model) && started(*r.Real)
			}, 20*time.Second, 10*time.Millisecond)
			r := beside("docker ps --format {{.Names}}")
			require.Equal(t, []string{"it\n", "it\n"}, []string{r.Model.Stdout, r.Real.Stdout})
			r = beside("docker rm it")
			require.Contains(t, r.Model.Stderr, "has to wait until")
			require.Equal(t, 0, beside(end).Model.Exit)
			select {
			case r = <-ran:
			case <-time.After(20 * time.Second):
				t.Fatal("the run goes on")
			}
			require.NotEqual(t, sim.Bug, r.Verdict, "%v", r.Differences)
			require.Equal(t, []int{137, 137}, []int{r.Model.Exit, r.Real.Exit})
			agreed(t, s, "docker ps -a --format '{{.Names}} {{.State}}'")
			agreed(t, s, "docker rm it")
		})
	}
}
