package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"twinlayer/fs"
	"twinlayer/sim"
)

// work is what is timed: docker commands, of which those under "before" set
// the stage.
var work = []struct {
	name          string
	before, timed []string
}{
	{"run", nil, []string{"run --rm busybox true"}},
	{"build", nil, []string{"build -q --no-cache bench"}},
	{"commit", []string{"run --name twl-bench busybox sh -c 'echo x > /x'"}, []string{"commit twl-bench"}},
	{"diff", []string{"run --name twl-bench busybox sh -c 'echo x > /x'"}, []string{"diff twl-bench"}},
}

// times is how often each is timed; the table has the median.
const times = 5

// Bench times the same work on every one of these engines, and writes a table
// of milliseconds. An engine's own clock starts at the command and ends when
// the view is whole, as a learner waits for it.
func Bench(ctx context.Context, w io.Writer, engines iter.Seq[sim.Engine]) error {
	out := tabwriter.NewWriter(w, 0, 1, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "ms\t")
	for _, job := range work {
		fmt.Fprintf(out, "%s\t", job.name)
	}
	fmt.Fprintln(out)
	var failed error
	for e := range engines {
		failed = errors.Join(failed, benchRow(ctx, out, e))
	}
	return errors.Join(failed, out.Flush())
}

func benchRow(ctx context.Context, w io.Writer, e sim.Engine) error {
	fmt.Fprintf(w, "%s\t", e.Name())
	defer fmt.Fprintln(w)
	if err := try(ctx, e, "pull busybox"); err != nil {
		return err
	}
	var failed []error
	for _, job := range work {
		took, err := median(ctx, e, job.before, job.timed)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s on %s: %w", job.name, e.Name(), err))
			fmt.Fprint(w, "failed\t")
			continue
		}
		fmt.Fprintf(w, "%.1f\t", float64(took)/float64(time.Millisecond))
	}
	return errors.Join(failed...)
}

// median times one job.
func median(ctx context.Context, e sim.Engine, before, timed []string) (time.Duration, error) {
	var all []time.Duration
	for range times {
		if err := try(ctx, e, before...); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := try(ctx, e, timed...); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
		if before != nil {
			if err := try(ctx, e, "rm -f twl-bench"); err != nil {
				return 0, err
			}
		}
	}
	slices.SortFunc(all, cmp.Compare)
	return all[len(all)/2], nil
}

// try runs docker commands that must succeed.
func try(ctx context.Context, e sim.Engine, lines ...string) error {
	for _, line := range lines {
		cmd, err := Parse(line, func(string) string { return "" })
		if err != nil {
			return err
		}
		complete(&cmd)
		view, err := Client{Engine: e, Host: benchHost{}}.Do(ctx, cmd)
		if err == nil && view.Exit != 0 {
			err = fmt.Errorf("%s: %s", line, view.Stderr)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// complete gives a command what a session would.
func complete(cmd *sim.Cmd) {
	var id [32]byte
	rand.Read(id[:])
	cmd.ID, cmd.Now = hex.EncodeToString(id[:]), time.Now()
	cmd.Name = "twl-bench-" + cmd.ID[:12]
}

// benchHost is a machine with one directory, which is built from.
type benchHost struct{ sim.Host }

const benchFile = "FROM busybox\nCOPY app /app\nRUN wc -l /app > /lines\nCMD [\"cat\", \"/lines\"]\n"

func (benchHost) Kind(string) (sim.HostKind, error) { return sim.HostDir, nil }

func (benchHost) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(benchFile)), nil
}

func (benchHost) Tree(context.Context, string) (*fs.Tree, error) {
	b := fs.NewBuilder()
	err := errors.Join(
		b.Put("/bench/Dockerfile", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(benchFile))}),
		b.Put("/bench/app", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte(strings.Repeat("a line\n", 1000)))}))
	return b.Tree(), err
}
