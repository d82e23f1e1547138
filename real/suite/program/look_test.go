//go:build linux

package program

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real/suite"
	"twinlayer/sim"
	"twinlayer/sim/play"
)

// TestLook: both worlds are told in the same terms, and tell the same of what
// they share.
func TestLook(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		stdout, stderr, exit := p.Run(t, "docker run -d --name box --tmpfs /memory busybox sleep 1000\n"+
			"docker exec box sh -c 'echo hi > /etc/motd; rm /etc/passwd; mkdir /new; ln -s /etc /new/link'\nlook /root\n", "--json", "--real", "embedded")
		require.Zero(t, exit, stderr)
		var all []play.Moment
		for _, e := range suite.Events(t, stdout) {
			if e.Kind == "moment" {
				var m play.Moment
				require.NoError(t, json.Unmarshal(e.Text, &m))
				all = append(all, m)
			}
		}
		require.Len(t, all, 2)
		model, real := all[0].Delta, all[1].Delta
		require.Equal(t, "embedded", all[1].Side)
		for _, d := range []play.Delta{model, real} {
			require.Len(t, d.Containers, 1)
			require.Equal(t, sim.Running, d.Containers[0].Status)
			require.NotZero(t, d.Containers[0].Processes[0].PID)
			for _, ns := range []string{"mnt", "pid", "uts", "ipc", "net"} {
				require.NotZero(t, d.Containers[0].Namespaces[ns], ns)
			}
		}
		require.Equal(t, model.Images, real.Images)
		require.Equal(t, model.Containers[0].Mounts, real.Containers[0].Mounts)
		require.Equal(t, model.Containers[0].Processes[0].Cmd, real.Containers[0].Processes[0].Cmd)
		model.Layers = slices.DeleteFunc(model.Layers, func(l play.Layer) bool { return l.Kind == play.OfEngine })
		require.Equal(t, model.Layers, real.Layers)
		require.Len(t, real.Layers, 2)
	})
}
