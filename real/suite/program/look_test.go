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
	"twinlayer/sim/scene"
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

// TestSamePicture: of a container in both worlds the same is drawn, cell by
// cell.
func TestSamePicture(t *testing.T) {
	suite.EachUser(t, func(t *testing.T, p suite.Program) {
		stdout, stderr, exit := p.Run(t, "docker run -d --name box debian sleep 1000\n"+
			"docker exec box sh -c 'echo more >> /etc/motd; rm /etc/passwd; chmod 600 /etc/group; mkdir /new; ln -s /etc /new/link; rm -r /etc/apt; mkdir /etc/apt; echo 1 > /etc/apt/new'\n"+
			"picture sides box /etc/motd /etc/apt /etc/apt/sources.list /etc/passwd\n", "--json", "--real", "embedded")
		require.Zero(t, exit, stderr)
		var drawn []play.Picture
		for _, e := range suite.Events(t, stdout) {
			if e.Kind == "picture" {
				var picture play.Picture
				require.NoError(t, json.Unmarshal(e.Text, &picture))
				drawn = append(drawn, picture)
			}
		}
		require.Len(t, drawn, 1)
		require.Len(t, drawn[0].Moments, 2)
		var scenes []scene.Scene
		for i := range drawn[0].Moments {
			m := &drawn[0].Moments[i]
			m.World = play.World{Focus: m.Delta.Focus, Images: m.Delta.Images, Containers: m.Delta.Containers, Layers: m.Delta.Layers, PageCache: m.Delta.PageCache}
			scenes = append(scenes, scene.Union(*m, drawn[0].Of[0], drawn[0].Paths...))
		}
		require.Equal(t, scenes[0].Columns, scenes[1].Columns)
		require.Equal(t, scenes[0].Rows, scenes[1].Rows)
		require.Equal(t, scenes[0].Arrows, scenes[1].Arrows)
		cells := 0
		for _, r := range scenes[1].Rows {
			cells += len(r.Cells)
		}
		require.Greater(t, cells, 20)
		both := scene.Of(drawn[0])
		for _, r := range both.Rows {
			require.False(t, r.Has(scene.Differs))
		}
	})
}
