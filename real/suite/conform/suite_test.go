//go:build linux

package conform

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"twinlayer/fs/testenv"
	"twinlayer/real/suite"
	"twinlayer/sim"
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
		c.Run(t, func(t *testing.T, p suite.Program) {
			suite.Furnish(t, p.Home)
			for i, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
					switch {
					case c.Daemon():
						testenv.Sample(t, i, len(files), 2)
					case c.Name == "embedded as root": // nearly what an ordinary user has, who tries more
						testenv.Sample(t, i, len(files), 4)
					case c.Real == sim.Embedded:
						testenv.Sample(t, i, len(files), 10)
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
