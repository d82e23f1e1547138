//go:build linux

package conform

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
)

var (
	randomSessions = flag.Int("sessions", 0, "how many sessions of random commands to run; 0: 1, or 3 with -full")
	randomSeed     = flag.Uint64("sessionseed", 1, "the seed of the first of them")
	randomEngine   = flag.String("sessionengine", "embedded", "the real engine that they run on")
)

// TestRandomSessions runs sessions of random commands, sensible and senseless
// ones, in both worlds: no verdict is bug.
func TestRandomSessions(t *testing.T) {
	suite.NeedLinux(t)
	for i := range testenv.Count(*randomSessions, 1, 3) {
		seed := *randomSeed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := suite.Program{Home: t.TempDir(), Env: suite.EngineEnv()}
			script := suite.RandomSession(seed, 80)
			stdout, stderr, exit := p.Run(t, script, "--json", "--real", *randomEngine)
			for _, r := range suite.ResultsIn(t, stdout) {
				for _, d := range r.Differences {
					require.NotEqual(t, sim.Bug, d.Class, "%s: %s\nmodel: %s\nreal:  %s\nof:\n%s", r.Cmd, d.What, d.Model, d.Real, script)
				}
			}
			require.Zero(t, exit, stderr)
			require.Greater(t, strings.Count(stdout, "\n"), 80)
		})
	}
}
