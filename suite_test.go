//go:build linux

package main

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

	"twinlayer/real/docker"
	"twinlayer/sim"
)

// contestant is an engine that the conformance suite runs on.
type contestant struct {
	name string // as the suite calls it
	real string // as --real does
	user *syscall.Credential
	env  []string
}

// contestants are the five engines. One that is not there is skipped, and in
// CI that fails.
func contestants(t *testing.T) []contestant {
	all := []contestant{{name: "model", real: "none"}}
	for name, user := range users() {
		all = append(all, contestant{name: "embedded as " + name, real: "embedded", user: user})
	}
	for name, find := range map[string]func() (docker.Target, error){"docker": docker.FindDocker, "podman": docker.FindPodman} {
		target, err := find()
		if err == nil {
			target.Stop()
			_, err = docker.Clean(t.Context(), target)
		}
		if err != nil {
			lackingEngine(t, name, err)
			continue
		}
		all = append(all, contestant{name: name, real: name, env: engineEnv()})
	}
	return all
}

func lackingEngine(t *testing.T, name string, err error) {
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing, and in CI nothing may be: %v", name, err)
	}
	t.Logf("without %s: %v", name, err)
}

// engineEnv is what names an engine in this environment.
func engineEnv() (env []string) {
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

// sessions are the suite's: each file holds the lines of one.
func sessions(t *testing.T) []string {
	files, err := filepath.Glob("real/testdata/sessions/*.txt")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	return append(files, mixed, managers, builds, steps)
}

// TestConformance runs every session on every engine: no verdict is bug, and
// whatever differs from the model is declared in the table that learners are
// told from.
func TestConformance(t *testing.T) {
	needLinux(t)
	files, used, engines := sessions(t), &reasons{seen: map[string]bool{}}, contestants(t)
	t.Run("on", func(t *testing.T) { // ends when all that is parallel in it has ended
		for _, c := range engines {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel() // daemons are waited for more than they work
				p := program{user: c.user, home: homeFor(t, c.user), env: c.env}
				furnish(t, p.home)
				for _, file := range files {
					conforms(t, p, c, file, used)
				}
			})
		}
	})
	summary := fmt.Sprintf("%d sessions on %d engines; %d differences are declared, %d of them were seen\n", len(files), len(engines), len(sim.Declarations()), len(used.seen))
	t.Log(summary)
	if name := os.Getenv("TWINLAYER_SUMMARY"); name != "" { // go test prints nothing of what passes
		require.NoError(t, os.WriteFile(name, []byte(summary), 0o644))
	}
}

// furnish puts what the sessions build and import where they look for it.
func furnish(t *testing.T, home string) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		lacking(t, "busybox-static")
	}
	writeRoot(t, busybox, filepath.Join(home, "root.tar"))
	require.NoError(t, os.CopyFS(filepath.Join(home, "context"), os.DirFS("real/testdata/context")))
	require.NoError(t, os.CopyFS(filepath.Join(home, "testdata/builds"), os.DirFS("sim/repl/testdata/builds")))
}

// reasons are those of the differences that were seen.
type reasons struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (r *reasons) note(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[reason] = true
}

// conforms runs one session on one engine. A daemon under load may fail or
// answer late on its own; it is asked once more, and that is told.
func conforms(t *testing.T, p program, c contestant, file string, used *reasons) {
	began := time.Now()
	wrong := session(t, p, c, file, used)
	if len(wrong) > 0 && (c.real == "docker" || c.real == "podman") {
		t.Logf("%s is asked once more:\n%s", c.real, strings.Join(wrong, "\n"))
		wrong = session(t, p, c, file, used)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	t.Logf("%s in %s", file, time.Since(began).Round(100*time.Millisecond))
}

// session runs the lines of a file and returns what is not as declared.
func session(t *testing.T, p program, c contestant, file string, used *reasons) (wrong []string) {
	t.Helper()
	lines, err := os.ReadFile(file)
	require.NoError(t, err)
	stdout, stderr, exit := p.run(t, string(lines), "--json", "--real", c.real)
	if exit != exitOK && exit != exitBug {
		wrong = append(wrong, fmt.Sprintf("%s: exit status %d: %s", file, exit, stderr))
	}
	n := 0
	for line := range strings.Lines(stdout) {
		n++
		var told sim.Told
		if json.Unmarshal([]byte(line), &told) == nil && told.Rows != nil {
			if c.real != "none" && !told.Agree && !declaredStory(told, used) {
				wrong = append(wrong, fmt.Sprintf("%s: a story: %s: %s\nmodel: %v\nreal:  %v", file, told.Class, told.Reason, told.Rows, told.Real))
			}
			continue
		}
		var r sim.Result
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		for _, d := range r.Differences {
			if c.real != "none" && (!declared(r, d, used) || alike[file] > 0 && c.real == "embedded") {
				wrong = append(wrong, fmt.Sprintf("%s: %.100s: %s: %s: %s\nmodel: %.1000s\nreal:  %.1000s", file, r.Cmd, d.What, d.Class, d.Reason, d.Model, d.Real))
			}
		}
	}
	require.GreaterOrEqual(t, n, max(alike[file], 5), file)
	return wrong
}

// declared says whether a difference is known, and notes that it was seen.
func declared(r sim.Result, d sim.Difference, used *reasons) bool {
	ok := d.Class != sim.Bug && (known(d) || d.Class == sim.Limit && r.Real != nil)
	if ok {
		used.note(d.Reason)
	}
	return ok
}

// declaredStory is declared for a story that the worlds tell otherwise.
func declaredStory(told sim.Told, used *reasons) bool {
	return declared(sim.Result{}, sim.Difference{Class: told.Class, Reason: told.Reason}, used)
}

// known says whether a difference is in the table, or comes of the time that
// passes.
func known(d sim.Difference) bool {
	return strings.Contains(d.Reason, "has another id in each world") || strings.HasSuffix(d.Reason, "the two worlds look at it a moment apart") ||
		slices.ContainsFunc(sim.Declarations(), func(k sim.Declared) bool { return k.Reason == d.Reason && k.Class == d.Class })
}
