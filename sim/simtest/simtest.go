// Package simtest has the sessions that tests of several rooms begin with:
// the model alone, with a clock and a chance that repeat.
package simtest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/bundle"
	"twinlayer/sim/model"
	"twinlayer/sim/session"
	"twinlayer/sim/userland"
)

// Images are the images that all sessions pull. To make busybox, the test's
// own program, anew takes longer than all else that a session does.
var Images = sync.OnceValue(func() *bundle.Bundle {
	return ImagesFor(platform.Host())
})

// ImagesFor are such images for a machine of another architecture.
func ImagesFor(arch string) *bundle.Bundle {
	return bundle.New(arch, executable, userland.Applets())
}

// executable is the test's own program, or one in its place where programs
// cannot read themselves, as in a browser: the model never runs machine code.
func executable() (bundle.Executable, error) {
	exe, err := os.Executable()
	if err != nil {
		return bundle.Executable{Content: fs.DataOf(bundle.Hello("amd64")).WriteAt([]byte{1}, 1<<20)}, nil
	}
	return bundle.File(exe)()
}

// Session is a session without a real engine, whose model is as cfg says, with
// the bundled images on this machine where it names none.
func Session(t testing.TB, cfg model.Config) *session.Session {
	t.Helper()
	if cfg.Registry == nil {
		images := Images()
		cfg.Facts, cfg.Registry, cfg.Programs = kernel.Teaching(platform.Machine(platform.Host())), images, images.Programs
	}
	if cfg.Sleep == nil {
		cfg.Sleep = userland.SleepFor
	}
	var mu sync.Mutex
	now, n := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), byte(0)
	return &session.Session{
		Model: model.New(cfg),
		Clock: func() time.Time {
			mu.Lock() // commands can run beside each other
			defer mu.Unlock()
			now = now.Add(time.Second)
			return now
		},
		Rand: func(b []byte) {
			mu.Lock()
			defer mu.Unlock()
			for i := range b {
				n++
				b[i] = n
			}
		},
	}
}

// Do runs a line, which must not lose the real engine.
func Do(t testing.TB, s *session.Session, line string) sim.Result {
	t.Helper()
	r, err := s.Run(context.Background(), line, func(string) string { return "" })
	require.NoError(t, err)
	return r
}
