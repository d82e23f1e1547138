package userland

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
)

// TestMain makes the test binary the multi-call program, when it is called by
// an applet's name.
func TestMain(m *testing.M) {
	if _, ok := applets[filepath.Base(os.Args[0])]; ok {
		os.Exit(Main(os.Args, Run))
	}
	os.Exit(m.Run())
}

//go:embed testdata/scripts.txt
var scriptsText string

// scriptCase is one script of testdata/scripts.txt. Differs is why busybox
// does otherwise; then want is what we print.
type scriptCase struct{ name, script, differs, want string }

func scriptCases() (list []scriptCase) {
	for _, section := range strings.Split("\n"+scriptsText, "\n== ")[1:] {
		name, script, _ := strings.Cut(section, "\n")
		c := scriptCase{name: name}
		script, c.want, _ = strings.Cut(script, "\n-- want\n")
		if rest, ok := strings.CutPrefix(script, "# differs: "); ok {
			c.differs, script, _ = strings.Cut(rest, "\n")
		}
		c.script = script
		list = append(list, c)
	}
	return list
}

// outcome is what can be seen of a script's run.
type outcome struct {
	Stdout, Stderr string
	Status         int
	Tree           []string
}

// text is the outcome for people, and for a difference by lines.
func (o outcome) text() string {
	return fmt.Sprintf("%s--- stderr\n%s--- status %d\n%s\n", o.Stdout, o.Stderr, o.Status, strings.Join(o.Tree, "\n"))
}

// world runs a script in an empty directory.
type world func(t *testing.T, script string) outcome

// hostWorld runs scripts as real processes: program is the multi-call binary.
func hostWorld(t *testing.T, program string) world {
	bin := t.TempDir()
	for _, name := range Applets() {
		require.NoError(t, os.Symlink(program, filepath.Join(bin, name)))
	}
	return func(t *testing.T, script string) outcome {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(bin, "sh"), "-c", script)
		cmd.Args[0], cmd.Dir = "sh", dir
		cmd.Env = []string{"PATH=" + bin, "HOME=/root", "LANG=C"}
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		cmd.Run()
		require.NoError(t, ctx.Err(), "the script hangs")
		clean := strings.NewReplacer(bin, "BIN", dir, "DIR").Replace
		return outcome{
			Stdout: clean(stdout.String()), Stderr: cleanErrors(clean(stderr.String())),
			Status: cmd.ProcessState.ExitCode(), Tree: treeOf(t, dir),
		}
	}
}

var (
	lineRE  = regexp.MustCompile(`(?m)^(\S+: )((?:[a-z.]+: )?)line \d+: `)
	evalRE  = regexp.MustCompile(`(?m)^(\S+: )eval: `)
	usageRE = regexp.MustCompile(`(?ms)^BusyBox v1.*?(\n\n[a-z]+: |\z)`)
)

// cleanErrors takes out what busybox prints and we do not: line numbers, that
// it was in an eval, and the text of a usage.
func cleanErrors(s string) string {
	s = evalRE.ReplaceAllString(lineRE.ReplaceAllString(s, "$1$2"), "$1")
	return usageRE.ReplaceAllString(s, "USAGE\n")
}

// treeOf lists what is below dir: modes, links, contents.
func treeOf(t *testing.T, dir string) (list []string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprint(info.Mode(), " ", strings.TrimPrefix(path, dir+"/"))
		switch {
		case info.Mode().IsRegular():
			data, _ := os.ReadFile(path)
			line += fmt.Sprintf(" %d %x", len(data), sha256.Sum256(data))[:20]
		case info.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			line += " -> " + target
		}
		list = append(list, line)
		return nil
	})
	require.NoError(t, err)
	return list
}

// TestScripts runs every script by our tools on the real system and by
// busybox, and expects the same.
func TestScripts(t *testing.T) {
	if raceEnabled {
		t.Skip("processes do not race with each other, and are slow under the detector")
	}
	ours := hostWorld(t, selfPath(t))
	var theirs world
	if _, err := os.Stat("/bin/busybox"); err == nil {
		theirs = hostWorld(t, "/bin/busybox")
	} else if testenv.CI() {
		t.Fatal("no /bin/busybox to compare with")
	} else {
		t.Log("no /bin/busybox to compare with: install busybox-static 1.35")
	}
	for _, c := range scriptCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			checkScript(t, c, ours, theirs)
		})
	}
}

// forRoot are the scripts that cannot be compared as an ordinary user.
var forRoot = map[string]string{
	"chown":          "busybox complains twice of a directory whose owner it may not change",
	"ls/modes":       "what has mode 0 cannot be read back",
	"tar/attributes": "busybox drops setuid where it may not set the owner",
}

func needsRoot(t *testing.T, c scriptCase) {
	if why := forRoot[c.name]; why != "" && os.Getuid() != 0 {
		t.Skip("needs root: " + why)
	}
}

func checkScript(t *testing.T, c scriptCase, ours, theirs world) {
	needsRoot(t, c)
	got := ours(t, c.script)
	switch {
	case c.differs != "":
		require.Equal(t, strings.TrimRight(c.want, "\n"), strings.TrimRight(got.Stdout+got.Stderr, "\n"), c.differs)
	case theirs != nil:
		require.Equal(t, theirs(t, c.script).text(), got.text())
	default:
		t.Skip("nothing to compare with")
	}
}
