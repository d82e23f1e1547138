package conform

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/real"
	"twinlayer/sim"
)

// arrows says which rooms of the house each room may import; a room's own
// parts may import what it may, and each other. What is not listed may not
// exist.
var arrows = map[string][]string{
	".":              {"fs", "kernel", "sim", "sim/userland", "sim/bundle", "sim/cli", "sim/model", "sim/session", "sim/play", "sim/repl", "lessons", "real", "real/embedded", "real/registry"},
	"fs":             {},
	"fs/vfs":         {"fs"},
	"kernel":         {"fs", "fs/vfs"},
	"sim":            {"fs", "fs/vfs", "kernel", "sim/say"},
	"sim/say":        {"fs"},
	"sim/userland":   {"fs"},
	"sim/dockerfile": {"fs"},
	"sim/build":      {"fs", "sim", "sim/dockerfile", "sim/say"},
	"sim/cli":        {"fs", "sim", "sim/build", "sim/dockerfile", "sim/say"},
	"sim/model":      {"fs", "fs/vfs", "kernel", "sim", "sim/userland", "sim/say"},
	"sim/compare":    {"fs", "sim", "sim/say"},
	"sim/report":     {"fs", "sim", "sim/say"},
	"sim/session":    {"fs", "fs/vfs", "sim", "sim/cli", "sim/model", "sim/compare", "sim/report", "sim/say"},
	"sim/simtest":    {"fs", "kernel", "sim", "sim/bundle", "sim/model", "sim/session", "sim/userland"},
	"sim/bundle":     {"fs", "fs/vfs", "sim", "sim/userland"},
	"sim/play":       {"fs", "kernel", "sim", "sim/cli", "sim/model", "sim/report", "sim/say", "sim/session", "sim/userland", "lessons"},
	"sim/scene":      {"kernel", "sim", "sim/play", "sim/say"},
	"sim/repl":       {"fs", "sim", "sim/play", "sim/report", "sim/say", "sim/scene", "lessons"},
	"lessons":        {"fs", "sim", "sim/say", "sim/cli", "sim/session"},
	"real":           {"fs", "fs/vfs", "kernel", "sim", "sim/say", "real/docker", "real/embedded", "real/registry", "real/store"},
	"real/docker":    {"fs", "sim", "sim/say", "real/registry", "real/shell", "real/store"},
	"real/embedded":  {"fs", "sim", "sim/say", "real/shell", "real/store"},
	"real/store":     {"fs", "sim"},
	"real/registry":  {"fs", "sim"},
	"real/shell":     {"sim"},
	"real/suite":     {"fs", "kernel", "sim", "sim/bundle", "sim/model", "sim/session", "sim/report", "sim/cli", "sim/compare", "sim/userland", "sim/say", "lessons", "real", "real/docker", "real/embedded"},
}

// TestArrows reads every import itself, so that a bad one fails even where
// the rest comes from the test cache. Tests may import what they need.
func TestArrows(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range imported(t) {
		room := roomOf(filepath.ToSlash(filepath.Dir(file)))
		allowed, known := arrows[room]
		require.True(t, known, "%s: %s is no room of the house", file, room)
		seen[room] = true
		for _, to := range imports {
			target := roomOf(to)
			require.True(t, target == room || slices.Contains(allowed, target), "%s imports twinlayer/%s: %s may import only %v", file, to, room, allowed)
		}
	}
	require.Len(t, seen, len(arrows), "a room is missing")
}

// TestNoBackDoor: these rooms reach the machine by what they are given, and by
// nothing else.
func TestNoBackDoor(t *testing.T) {
	inside := []string{"sim/say", "sim/cli", "sim/model", "sim/compare", "sim/report", "sim/session", "sim/play", "sim/build", "lessons"}
	seen := map[string]bool{}
	for file, imports := range importing(t) {
		room := roomOf(filepath.ToSlash(filepath.Dir(file)))
		if !slices.Contains(inside, room) {
			continue
		}
		seen[room] = true
		for _, host := range []string{"os", "os/exec", "os/signal", "os/user", "net", "net/http", "syscall", "runtime"} {
			require.NotContains(t, imports, host, file)
		}
	}
	require.Len(t, seen, len(inside), "a room is missing")
}

// roomOf is the longest listed directory that dir is or lies in.
func roomOf(dir string) string {
	for at := dir; at != "." && at != "/"; at = path.Dir(at) {
		if _, ok := arrows[at]; ok {
			return at
		}
	}
	if dir == "." {
		return "."
	}
	return dir
}

// imported is what each Go file outside of tests imports of this module.
func imported(t *testing.T) map[string][]string {
	out := map[string][]string{}
	for file, all := range importing(t) {
		out[file] = []string{}
		for _, target := range all {
			if room, ours := strings.CutPrefix(target, "twinlayer/"); ours {
				out[file] = append(out[file], room)
			}
		}
	}
	return out
}

// importing is all that each Go file outside of tests imports.
func importing(t *testing.T) map[string][]string {
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		out[name] = []string{}
		for _, spec := range parsed.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[name] = append(out[name], target)
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

// TestEngineNames: sim.Kinds is the one table of engines. No other code has a
// name of its own for one, but package docker for Podman's program and socket.
func TestEngineNames(t *testing.T) {
	for file := range imported(t) {
		if file == "sim/kind.go" || file == "real/docker/daemon/find.go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok {
				text, _ := strconv.Unquote(l.Value)
				require.NotContains(t, []string{sim.Embedded, sim.Podman}, text, "%s names an engine: see sim.Kinds", file)
			}
			return true
		})
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), "`--real "+strings.Join(real.Choices, `\|`)+"`")
}

// TestTopLevel holds the layout to what was agreed.
func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	agreed := []string{"main.go", "sim", "lessons", "fs", "kernel", "real", "go.mod", "go.sum", "README.md", "LICENSE", "twinlayer"}
	for _, e := range entries {
		name := e.Name()
		require.True(t, strings.HasPrefix(name, ".") || slices.Contains(agreed, name), "%s does not belong at the top level", name)
	}
}

// TestFlagsOfTests: what go test ./... is given, each package's tests take.
func TestFlagsOfTests(t *testing.T) {
	takes := map[string]bool{} // by directory
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		takes[filepath.Dir(name)] = takes[filepath.Dir(name)] || strings.Contains(string(text), `"twinlayer/fs/testenv"`)
		return err
	})
	require.NoError(t, err)
	require.Greater(t, len(takes), 20)
	for dir, ok := range takes {
		require.True(t, ok, "no test of %s imports twinlayer/fs/testenv", dir)
	}
}
