package packages

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	_ "twinlayer/fs/testenv"
	"twinlayer/sim/userland"
	"twinlayer/sim/userland/say"
)

// its flags are every package's

var families = []string{"debian", "centos"}

// TestRecipes holds every package to what the tools take for granted.
func TestRecipes(t *testing.T) {
	for _, family := range families {
		repo := repositories[family]()
		owner := map[string]string{}
		names := map[string]bool{}
		for _, r := range repo.list {
			require.False(t, names[r.name()], "%s is there twice", r.name())
			names[r.name()] = true
			for _, key := range []string{"Version", "Description", "Architecture", "Installed-Size"} {
				require.NotEmpty(t, r.get(key), "%s: %s", r.name(), key)
			}
			for _, need := range r.list("Depends") {
				require.NotNil(t, repo.byName[need], "%s needs %s", r.name(), need)
			}
			size := 0
			for _, f := range r.files {
				require.True(t, path.IsAbs(f.path) && path.Clean(f.path) == f.path, f.path)
				if f.mode&fs.S_IFMT != fs.S_IFDIR {
					require.Empty(t, owner[f.path], "%s and %s both have %s", owner[f.path], r.name(), f.path)
					owner[f.path] = r.name()
				}
				if f.content != nil {
					size += len(f.content())
				}
				if f.target == Multicall {
					require.True(t, Has(path.Base(f.path)), "nobody runs %s", f.path)
				}
			}
			require.InDelta(t, size/1024, number(r.stanza, "Installed-Size"), 2, r.name())
		}
	}
}

// TestPrograms: every script is one, in words that our shell knows.
func TestPrograms(t *testing.T) {
	entries, err := data.ReadDir("programs")
	require.NoError(t, err)
	for _, e := range entries {
		text, err := data.ReadFile("programs/" + e.Name())
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "#!/bin/sh\n"), e.Name())
		_, err = syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(bytes.NewReader(text), e.Name())
		require.NoError(t, err)
	}
}

// machine is a modelled root file system of a family.
type machine struct {
	t    *testing.T
	sys  *vfs.Sys
	root *vfs.Union
}

func newMachine(t *testing.T, family string) *machine {
	m := &machine{t: t, root: vfs.NewTmpfs(fs.NewBuilder().Tree())}
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	m.sys = &vfs.Sys{Mounts: vfs.NewMounts(vfs.Mount{Target: "/", FS: m.root}), Umask: 0o022, Clock: func() time.Time { return now }}
	require.NoError(t, Bootstrap(t.Context(), m.process(""), family))
	return m
}

func (m *machine) process(stdin string, args ...string) *userland.Process {
	return &userland.Process{
		Args: args, Dir: "/", FS: m.sys.FS(), Now: m.sys.Clock, UID: int(m.sys.UID), Stdin: strings.NewReader(stdin),
	}
}

// run runs a tool and returns what it printed, with its complaints, and its
// status.
func (m *machine) run(stdin, line string) (string, int) {
	var out bytes.Buffer
	p := m.process(stdin, strings.Fields(line)...)
	p.Stdout, p.Stderr = &out, &out
	status := Run(context.Background(), p)
	return out.String(), status
}

// TestAnswers: what is typed decides, and the end of the input is a no.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		family, line, stdin, shows string
		status                     int
	}{
		{"debian", "apt-get install vim", "y\n", "Setting up vim (2:9.0.1378-2) ...\n", 0},
		{"debian", "apt-get install vim", "\n", "Setting up vim (2:9.0.1378-2) ...\n", 0},
		{"debian", "apt-get install vim", "n\n", "Do you want to continue? [Y/n] Abort.\n", 1},
		{"debian", "apt-get install vim", "", "Do you want to continue? [Y/n] Abort.\n", 1},
		{"debian", "apt-get install less", "", "Setting up less (590-2) ...\n", 0}, // nothing but what was asked for
		{"centos", "yum install vim", "y\n", "Complete!\n", 0},
		{"centos", "yum install vim", "n\n", "Is this ok [y/d/N]: Exiting on user command\n", 1},
		{"centos", "yum install vim", "\n", "Exiting on user command\n", 1},
		{"centos", "yum install less", "", "Exiting on user command\n", 1},
	} {
		out, status := newMachine(t, c.family).run(c.stdin, c.line)
		require.Equal(t, c.status, status, out)
		require.True(t, strings.HasSuffix(out, c.shows), "%s: %s", c.line, out)
	}
}

// TestAndBack: what is installed and removed again leaves the database as it
// was, and no file.
func TestAndBack(t *testing.T) {
	for family, c := range map[string]struct {
		database string
		lines    []string
		leaves   []string // logs, caches, and users
	}{
		"debian": {dpkgStatus, []string{"apt-get install -y apache2 openssh-server python3", "apt-get purge -y apache2 openssh-server python3", "apt-get autoremove -y --purge"},
			[]string{"/etc/passwd", "/etc/group", "/etc/shadow", "/var/lib/apt/extended_states", "/var/lib/dpkg/status-old", "/var/log/apt/history.log", "/var/log/apt/term.log", "/var/log/dpkg.log"}},
		"centos": {rpmPackages, []string{"yum install -y httpd nginx git", "yum remove -y httpd nginx nginx-filesystem git apr mailcap less perl-Git"},
			[]string{"/etc/passwd", "/etc/group", "/etc/shadow", "/var/log/yum.log", "/var/cache/yum"}},
	} {
		m := newMachine(t, family)
		before := m.contents(c.leaves)
		for _, line := range c.lines {
			out, status := m.run("", line)
			require.Zero(t, status, out)
		}
		require.Equal(t, before, m.contents(c.leaves), family)
	}
}

// contents are all files but those below except.
func (m *machine) contents(except []string) map[string]string {
	all := map[string]string{}
next:
	for p := range m.root.Upper().All() {
		for _, prefix := range except {
			if strings.HasPrefix(p.Path, prefix) {
				continue next
			}
		}
		content, err := p.Data.Bytes()
		require.NoError(m.t, err)
		all[p.Path] = p.Target + hash(string(content))[:8]
	}
	return all
}

// TestNotRoot: an ordinary user changes nothing.
func TestNotRoot(t *testing.T) {
	for family, lines := range map[string][]string{
		"debian": {"apt-get install -y vim", "apt-get update", "apt-get remove -y sed", "apt-get clean", "dpkg -r sed", "apt-mark auto sed"},
		"centos": {"yum install -y vim", "yum remove -y sed", "yum clean all", "rpm -e sed"},
	} {
		m := newMachine(t, family)
		before := m.contents(nil)
		m.sys.UID, m.sys.GID = 65534, 65534
		for _, line := range lines {
			out, status := m.run("", line)
			require.NotZero(t, status, out)
			require.Contains(t, strings.ToLower(out), map[string]string{"debian": "p", "centos": "r"}[family])
		}
		require.Equal(t, before, m.contents(nil))
	}
}

// TestCancelled: a package manager that is killed stops.
func TestCancelled(t *testing.T) {
	for family, line := range map[string]string{"debian": "apt-get install -y emacs", "centos": "yum install -y emacs"} {
		m := newMachine(t, family)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p := m.process("", strings.Fields(line)...)
		p.Stdout, p.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
		require.NotZero(t, Run(ctx, p))
		require.Nil(t, m.root.Upper().Lookup("/usr/bin/emacs"))
	}
}

// FuzzParse: no file that a learner has damaged makes a tool panic, and what
// was written is read again.
func FuzzParse(f *testing.F) {
	f.Add("Package: a\nVersion: 1\n\n:\n : \n#\nX\n\tb")
	f.Fuzz(func(t *testing.T, text string) {
		all := parse(text)
		require.Equal(t, format(all), format(parse(format(all))))
	})
}

// BenchmarkInstall is apt-get install of a package with its dependencies.
func BenchmarkInstall(b *testing.B) {
	t := &testing.T{}
	for b.Loop() {
		b.StopTimer()
		m := newMachine(t, "debian")
		b.StartTimer()
		m.run("", "apt-get install -y vim")
	}
}

// TestCompiler: a C program that prints becomes an executable that does; what
// it cannot compile it says, with the line.
func TestCompiler(t *testing.T) {
	for source, want := range map[string]string{
		"#include <stdio.h>\nint main(void) { puts(\"hi\"); return 0; }":                           "hi\n 0",
		"int main() {\n\t/* all */ printf(\"%d %s%%\\n\", 7, \"a\" \"b\"); // end\n\treturn 3;\n}": "7 ab%\n 3",
		"int main(void) { exit(257); }":                                                            " 1",
		"int main(void) {}":                                                                        " 0",
		"int domain;\nint main(){puts(\"\\\"\");}":                                                 "\"\n 0",
		"int x;":                        "/usr/bin/ld: undefined reference to `main'\ncollect2: error: ld returned 1 exit status\n",
		"int main() {\n\tfoo();\n}":     "x.c:2: error: " + errStray.Error() + "\n",
		"int main() {\nputs(\"hi\")\n}": "x.c:3: error: expected ';'\n",
		"int main() { puts(\"hi":        "x.c:1: error: missing terminating \" character\n",
		"int main() { puts(\"\\":        "x.c:1: error: missing terminating \" character\n",
		"int main() { printf(\"%\"); }": "x.c:1: error: spurious trailing '%' in format\n",
		"int main() {":                  "x.c:1: error: " + errStray.Error() + "\n",
	} {
		m := newMachine(t, "debian")
		require.NoError(t, (&job{Process: m.process("")}).write("/x.c", "", 0o644, []byte(source)))
		out, status := m.run("", "gcc -Wall -o x x.c")
		if status == 0 {
			content, err := m.root.Upper().Lookup("/x").Data.Bytes()
			require.NoError(t, err)
			text, exit, ok := say.Of(runtime.GOARCH, content)
			require.True(t, ok)
			out = fmt.Sprintf("%s %d", text, exit)
		}
		require.Equal(t, want, out, source)
	}
}
