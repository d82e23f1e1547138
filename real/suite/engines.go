//go:build linux

package suite

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
	"twinlayer/real/docker"
	"twinlayer/real/docker/daemon"
	"twinlayer/sim"
	"twinlayer/sim/compare"
	"twinlayer/sim/report"
	"twinlayer/sim/say"
)

// Contestant is an engine that the conformance suite runs on.
type Contestant struct {
	Name string // as the suite calls it
	Real string // as --real does
	User *syscall.Credential
	Env  []string

	lacks error // why it cannot take part
	left  bool  // another one is tried in its place
}

// Daemon says whether a daemon does the work, which takes its time.
func (c Contestant) Daemon() bool { return sim.KindOf(c.Real).Daemon }

// Lacks says why the engine is not there; nil where it is.
func (c Contestant) Lacks() error { return c.lacks }

// Run is a test of one engine, beside those of the others, for daemons are
// waited for more than they work. An engine that is not there is skipped, and
// in CI that fails.
func (c Contestant) Run(t *testing.T, test func(t *testing.T, p Program)) {
	t.Run(c.Name, func(t *testing.T) {
		if c.lacks != nil {
			testenv.Lacking(t, "%v", c.lacks)
		}
		if c.left {
			t.Skip("another engine has its turn: -full tries all, and -run whatever it names")
		}
		t.Parallel()
		test(t, Program{User: c.User, Home: HomeFor(t, c.User), Env: c.Env})
	})
}

// SomeContestants are Contestants, of which about half run, other ones in
// another test; all of them where everything is to be tried.
func SomeContestants(t *testing.T) []Contestant {
	all := Contestants(t)
	for i := range all {
		all[i].left = testenv.LeftOut((i+len(t.Name()))%len(all), len(all), (len(all)+1)/2)
	}
	return all
}

// Contestants are the five engines.
func Contestants(t *testing.T) []Contestant {
	all := []Contestant{{Name: sim.ModelName, Real: "none"}}
	for name, user := range Users() {
		all = append(all, Contestant{Name: sim.Embedded + " as " + name, Real: sim.Embedded, User: user})
	}
	for _, name := range sim.Daemons() {
		target, err := daemon.Find(name)
		if err == nil {
			target.Stop()
			_, err = docker.Clean(t.Context(), target)
		}
		all = append(all, Contestant{Name: name, Real: name, Env: EngineEnv(), lacks: err})
	}
	return all
}

// EngineEnv is what names an engine in this environment.
func EngineEnv() (env []string) {
	for _, key := range []string{"DOCKER_HOST", "CONTAINER_HOST", "CONTAINERS_CONF"} {
		if value := os.Getenv(key); value != "" {
			env = append(env, key+"="+value)
		}
	}
	return env
}

// Sessions that other tests have too.
const (
	mixed    = "sim/userland/testdata/mixed.txt" // lines of all kinds
	managers = "sim/userland/testdata/packages.txt"
	builds   = "sim/repl/testdata/builds.txt"
	steps    = "sim/repl/testdata/steps.txt"
)

// alike are the sessions on which the embedded engine differs from the model
// in nothing, and how many commands each has at least.
var alike = map[string]int{
	mixed: 200, managers: 70, steps: 10,
	"real/testdata/sessions/files.txt": 30, "real/testdata/sessions/detach.txt": 20,
}

// Sessions are the suite's: each file holds the lines of one.
func Sessions(t *testing.T) []string {
	files, err := filepath.Glob("real/testdata/sessions/*.txt")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	return append(files, mixed, managers, builds, steps)
}

// Furnish puts what the sessions build and import where they look for it.
func Furnish(t *testing.T, home string) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Lacking(t, "busybox-static is missing")
	}
	WriteRoot(t, busybox, filepath.Join(home, "root.tar"))
	require.NoError(t, os.CopyFS(filepath.Join(home, "context"), os.DirFS("real/testdata/context")))
	require.NoError(t, os.CopyFS(filepath.Join(home, "testdata/builds"), os.DirFS("sim/repl/testdata/builds")))
}

// Reasons are those of the differences that were seen.
type Reasons struct {
	mu   sync.Mutex
	Seen map[string]bool
}

func (r *Reasons) note(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Seen[reason] = true
}

// Conforms runs one session on one engine. A daemon under load may fail or
// answer late on its own; it is asked once more, and that is told.
func Conforms(t *testing.T, p Program, c Contestant, file string, used *Reasons) {
	began := time.Now()
	wrong := runSession(t, p, c, file, used)
	if len(wrong) > 0 && c.Daemon() {
		t.Logf("%s is asked once more:\n%s", c.Real, strings.Join(wrong, "\n"))
		wrong = runSession(t, p, c, file, used)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%s in %s", file, time.Since(began).Round(100*time.Millisecond))
}

// runSession runs the lines of a file and returns what is not as declared.
func runSession(t *testing.T, p Program, c Contestant, file string, used *Reasons) (wrong []string) {
	t.Helper()
	lines, err := os.ReadFile(file)
	require.NoError(t, err)
	stdout, stderr, exit := p.Run(t, string(lines), "--json", "--real", c.Real)
	if exit != StatusOK && exit != StatusBug {
		wrong = append(wrong, fmt.Sprintf("%s: exit status %d: %s", file, exit, stderr))
	}
	n := 0
	for _, e := range Events(t, stdout) {
		if e.Kind == "report" {
			n++
			var told report.Report
			require.NoError(t, json.Unmarshal(e.Text, &told), string(e.Text))
			if c.Real != "none" && told.Rows != nil && !told.Agree && !declaredStory(told, used) {
				wrong = append(wrong, fmt.Sprintf("%s: a story: %s: %s\nmodel: %v\nreal:  %v", file, told.Class, say.Text(told.Reason), told.Rows, told.Real))
			}
		}
	}
	for _, r := range ResultsIn(t, stdout) {
		n++
		for _, d := range r.Differences {
			if c.Real != "none" && (!declared(r, d, used) || alike[file] > 0 && c.Real == sim.Embedded) {
				wrong = append(wrong, fmt.Sprintf("%s: %.100s: %s: %s: %s\nmodel: %.1000s\nreal:  %.1000s", file, r.Cmd, d.What, d.Class, say.Text(d.Reason), d.Model, d.Real))
			}
		}
	}
	require.GreaterOrEqual(t, n, max(alike[file], 5), file)
	return wrong
}

// declared says whether a difference is known, and notes that it was seen.
func declared(r sim.Result, d sim.Difference, used *Reasons) bool {
	ok := d.Class != sim.Bug && (known(d) || d.Class == sim.Limit && r.Real != nil)
	if ok {
		used.note(d.Reason.Key)
	}
	return ok
}

// declaredStory is declared for a story that the worlds tell otherwise.
func declaredStory(told report.Report, used *Reasons) bool {
	return declared(sim.Result{}, sim.Difference{Class: told.Class, Reason: told.Reason}, used)
}

// known says whether a difference is in the table, or comes of the time that
// passes.
func known(d sim.Difference) bool {
	return slices.Contains([]string{"differ.other-ids", "world.program-goes-on", "world.detached-goes-on"}, d.Reason.Key) ||
		slices.ContainsFunc(compare.Declarations(), func(k compare.Declared) bool { return k.Reason.Key == d.Reason.Key && k.Class == d.Class })
}
