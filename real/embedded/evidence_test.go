//go:build linux

package embedded_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/embedded"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

func TestEvidence(t *testing.T) {
	each(t, func(t *testing.T, e *embedded.Engine) {
		s := detached(t, e, spec("sh", "-c", "rm /etc/motd; rm -r /home; mkdir /home; sleep 1000"))
		other := detached(t, e, spec("sleep", "1000"))
		_, err := e.Exec(timeout(t), s.ID, sim.Process{Args: []string{"sh", "-c", "while [ -e /etc/motd ]; do sleep 0.01; done; while ! [ -e /home ]; do :; done; while ! [ -e /home ]; do :; done; cat /bin/busybox >/dev/null"}})
		require.NoError(t, err)
		facts, err := e.Evidence(timeout(t), s.ID)
		require.NoError(t, err)
		text := fmt.Sprint(facts)
		require.Contains(t, text, "mount -t overlay overlay -o lowerdir=")
		require.Contains(t, text, "c--------- 0:0     0, 0 etc/motd", "the whiteout, as ls -l has it")
		require.NotContains(t, text, "{pid}")
		find := func(what string) sim.Evidence {
			for _, f := range facts {
				if strings.Contains(say.Text(f.What), what) {
					return f
				}
			}
			t.Fatalf("no evidence of %s in %v", what, facts)
			return sim.Evidence{}
		}
		require.Equal(t, find("boot id, inside").Shown, find("boot id, outside").Shown)
		rows := strings.Split(find("one inode").Shown, "\n")
		require.Len(t, rows, 3, "the layer's file, and both containers'")
		for _, row := range rows {
			require.Equal(t, strings.Fields(rows[0])[1], strings.Fields(row)[1])
		}
		require.NotContains(t, find("page cache").Shown, "0 of ")
		require.Len(t, strings.Split(find("its namespaces").Shown, "\n"), 7)
		if os.Geteuid() == 0 {
			for _, what := range []string{"its namespaces", "one inode", "its cgroups", "boot id, inside", "root directory"} {
				out, err := exec.Command("sh", "-c", find(what).Again).CombinedOutput()
				require.NoError(t, err, "%s: %s", find(what).Again, out)
			}
		}
		require.NoError(t, e.Kill(timeout(t), s.ID, "KILL"))
		facts, err = e.Evidence(timeout(t), s.ID)
		require.NoError(t, err)
		require.Contains(t, fmt.Sprint(facts), "etc/motd")
		_ = other
	})
}
