//go:build linux

package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { suite.Conforms(t, p, c, file, used) })
			}
		})
	}
}

func summarise(t *testing.T, files, engines int, used *suite.Reasons) {
	summary := fmt.Sprintf("%d sessions on %d engines; %d differences are declared, %d of them were seen\n", files, engines, len(compare.Declarations()), len(used.Seen))
	t.Log(summary)
	if name := os.Getenv("TWINLAYER_SUMMARY"); name != "" { // go test prints nothing of what passes
		require.NoError(t, os.WriteFile(name, []byte(summary), 0o644))
	}
}
