//go:build linux

package conform

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim/compare"
)

// TestConformance runs every session on every engine: no verdict is bug, and
// whatever differs from the model is declared in the table that learners are
// told from.
func TestConformance(t *testing.T) {
	suite.NeedLinux(t)
	files, used, engines := suite.Sessions(t), &suite.Reasons{Seen: map[string]bool{}}, suite.Contestants(t)
	t.Cleanup(func() { summarise(t, len(files), len(engines), used) }) // when all that is parallel has ended
	for _, c := range engines {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel() // daemons are waited for more than they work
			p := suite.Program{User: c.User, Home: suite.HomeFor(t, c.User), Env: c.Env}
			suite.Furnish(t, p.Home)
			for i, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
					switch {
					case c.Daemon():
						testenv.Sample(t, i, len(files), 3)
					case c.Name == "embedded as root": // nearly what an ordinary user has, who tries all
						testenv.Sample(t, i, len(files), 6)
					}
					suite.Conforms(t, p, c, file, used)
				})
			}
		})
	}
}

func summarise(t *testing.T, files, engines int, used *suite.Reasons) {
	summary := fmt.Sprintf("%d sessions on %d engines; %d differences are declared, %d of them were seen", files, engines, len(compare.Declarations()), len(used.Seen))
	testenv.Tell(t, summary)
}
