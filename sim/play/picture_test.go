package play_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim/play"
)

// TestPicture: a picture comes with all that it is made of, at the present or
// where one has gone back to, and of a name that nothing has there is none.
func TestPicture(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run -d --name box busybox sleep 1000"), play.Line("docker exec box sh -c 'echo hi > /etc/motd; rm /etc/passwd'"))
	p := one[play.Picture](t, s.do(play.Line("picture")))
	require.Equal(t, play.PictureUnion, p.Kind)
	require.Empty(t, p.Of)
	require.Nil(t, p.Moments[0].StepAt)
	require.True(t, p.Moments[0].Delta.Whole)
	require.NotEmpty(t, p.Steps)
	w := p.Moments[0].World
	require.Equal(t, w, apply(play.World{}, p.Moments[0].Delta))
}

// TestPictureNames: what a picture is of is told by names, as docker takes them.
func TestPictureNames(t *testing.T) {
	s := converse(t, play.Config{})
	s.do(play.Line("docker run -d --name box busybox sleep 1000"))
	box := one[play.Picture](t, s.do(play.Line("picture box /etc/group/")))
	require.Equal(t, []string{box.Moments[0].World.Focus}, box.Of)
	require.Equal(t, []string{"/etc/group"}, box.Paths)
	image := one[play.Picture](t, s.do(play.Line("picture tower busybox")))
	require.Equal(t, play.PictureTower, image.Kind)
	require.Equal(t, []string{image.Moments[0].World.Images[0].ID}, image.Of)
	for _, kind := range []string{"tree", "host", "boot", "bytes"} {
		require.Len(t, one[play.Picture](t, s.do(play.Line("picture "+kind))).Moments, 1)
	}
	for _, wrong := range []string{"picture nosuch", "picture tree nosuch", "picture sides", "picture sides box"} {
		require.Empty(t, each[play.Picture](s.do(play.Line(wrong))))
		one[play.Error](t, s.do(play.Line(wrong)))
	}
	s.do(play.Back{})
	back := one[play.Picture](t, s.do(play.Line("picture host")))
	require.NotNil(t, back.Moments[0].StepAt, "it is of where one has gone back to")
	require.Equal(t, len(back.Steps), back.Moments[0].Of)
	both := one[play.Picture](t, s.do(play.Line("picture sides busybox box")))
	require.Len(t, both.Moments, 1)
	require.Len(t, both.Of, 2)
}
