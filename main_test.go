//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
)

func TestHelloWorldInBothWorlds(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		all := p.results(t, "docker run hello-world\n")
		require.Len(t, all, 1)
		requireSame(t, all)
		require.Zero(t, all[0].Real.Exit)
		require.Contains(t, all[0].Real.Stdout, "Hello from twinlayer!")
		require.Equal(t, all[0].Model.Stdout, all[0].Real.Stdout)
		require.NotEmpty(t, all[0].Steps)
		require.NotEmpty(t, all[0].Real.Layer)
	})
}

// fileScript creates, edits, deletes, renames and links files.
const fileScript = `docker run -it --name c1 busybox
cat /etc/motd
echo edited >> /etc/motd
cat /etc/motd
rm /etc/passwd
ls /etc
mkdir -p /new/deep/dir
echo one > /new/deep/one
printf 'a\nb\nc\n' > /new/deep/dir/abc
mv /new/deep/one /new/two
ln /new/two /tmp/hard
ln -s ../new/two /tmp/soft
cat /tmp/soft
chmod 600 /new/two
mv /etc/group /tmp/group
mv /etc /etc2
ls / /etc2
rm -r /home
mkdir /home
touch /home/x
rm -r /new/deep
cp -r /etc2 /tmp/copy
touch -t 202001010000 /tmp/group
sed -i s/e/E/ /tmp/hard
cat /tmp/hard
find /tmp /home /new | sort
false
cat /nosuch
test -e /etc/passwd || echo gone
exit 3
docker diff c1
docker ps -a -q --no-trunc
docker rm c1
docker ps -a
`

func TestFilesInBothWorlds(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		all := p.results(t, fileScript)
		requireSame(t, all)
		layers := map[string]bool{}
		for _, r := range all {
			layers[r.Real.Layer] = true
		}
		require.Greater(t, len(layers), 12, "the layer changes with the script")
		require.Len(t, all[len(all)-4].Real.Changes, len(all[len(all)-4].Model.Changes))
	})
}

// TestPackageManagers: many lines of them, and not one on which the worlds
// disagree.
func TestPackageManagers(t *testing.T) {
	lines, err := os.ReadFile("sim/userland/testdata/packages.txt")
	require.NoError(t, err)
	eachUser(t, func(t *testing.T, p program) {
		all := p.results(t, string(lines))
		require.Greater(t, len(all), 70)
		requireSame(t, all)
	})
}

func TestDetachExecAttach(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		requireSame(t, p.results(t, `docker run -it --name a1 busybox
echo from a > /etc/motd
:detach
docker run -it --name b1 busybox
cat /etc/motd
:detach
docker ps -q --no-trunc
docker exec a1 cat /etc/motd
docker exec -w /etc -e X=1 b1 sh -c 'pwd; echo $X; id'
docker exec -it b1 sh
X=2
cd /tmp
pwd; echo $X
exit 7
docker attach a1
cat /etc/motd
hostname > /tmp/h
exit
docker diff a1
docker diff b1
docker rm -f a1 b1
docker images -q
docker tag busybox mine:1
docker rmi busybox
docker history -q mine:1
docker inspect -f '{{.Os}} {{len .RootFS.Layers}}' mine:1
docker run --rm --entrypoint /bin/echo mine:1 hi there
docker run --rm -u nobody mine:1 id -u
docker rmi mine:1
`))
	})
}

// verbScript is a session over the verbs of a container's life.
const verbScript = `docker create --name c1 -l kind=test busybox sh -c 'echo hi; echo err >&2; exit 3'
docker inspect -f '{{.State.Status}}' c1
docker start c1
docker wait c1
docker logs c1
docker logs --tail 1 c1
docker logs -f c1
docker logs -t c1
docker start -a c1
docker logs c1
docker run -d --name d1 busybox sleep 1000
docker ps
docker ps -q
docker ps --no-trunc -l
docker ps -n 1 --format '{{.Names}} {{.State}}'
docker ps -a --filter status=exited --format 'table {{.Names}}\t{{.Image}}'
docker ps -a --filter name=d1 --format json
docker ps -a --filter ancestor=busybox -q
docker ps -a --filter label=kind=test --format '{{.Labels}}'
docker ps --filter frob
docker ps --filter frob=1
docker top d1
docker top c1
docker exec d1 ps
docker exec -d d1 touch /tmp/x
docker exec d1 ls /tmp
docker run -d --name g1 --rm busybox sh -c 'echo one; sleep 0.3; echo two; exit 4'
docker logs -f g1
docker rm d1
docker kill -s FROB d1
docker kill d1
docker kill d1
docker stop d1
docker restart -t 0 c1
docker start nosuch
docker stop nosuch
docker wait nosuch
docker logs nosuch
docker rm c1 nosuch
docker run -d -it --name s1 busybox
docker attach s1
echo typed > /f
:detach
docker diff s1
docker stop -t 0 s1
docker start -ai s1
cat /f
exit 2
docker rm -v s1
docker run --memory 1m busybox true
docker run --memory much busybox true
docker run --network bridge busybox true
docker run --network nosuch busybox true
docker run --platform linux/frob busybox true
docker run -v a:b:c:d busybox true
docker run -v rel:x busybox true
docker run --mount type=frob,target=/x busybox true
docker run --tmpfs x busybox true
docker run -v vv:/etc/hosts busybox true
docker save -o nosuch.tar nosuch
docker run -v /x:/y:frob busybox true
docker run --env-file /nosuch/file busybox true
docker images --format '{{.Repository}}:{{.Tag}}'
docker images --filter dangling=true
docker images --filter reference=busy*
docker images -a --digests busybox
docker image ls -q
docker volume ls
docker volume inspect nosuch
docker volume frob
docker volume
docker system df
docker info
docker version
docker login
docker push nosuch
docker save busybox
docker load
docker load -i /nosuch/file
docker import -
docker cp - d1:/
docker cp a b
docker cp d1:/a d1:/b
docker image prune
docker image prune -f
docker container prune -f
docker system prune -f
docker ps -a
`

// owned copies a file to an owner whom a container of an ordinary user may not
// know.
const owned = "FROM busybox\nCOPY --chown=1000:1000 Dockerfile /file\n"

// TestVerbs: no verb of the docker command tells the worlds apart.
func TestVerbs(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		require.NoError(t, os.Mkdir(filepath.Join(p.home, "owned"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(p.home, "owned/Dockerfile"), []byte(owned), 0o644))
		all := p.results(t, verbScript+"docker build -t owned owned\ndocker run --rm owned stat -c '%u %g' /file\naudit owned\n")
		require.Greater(t, len(all), 80)
		for _, r := range all {
			for _, d := range r.Differences {
				if d.Class != sim.Expected {
					t.Errorf("%.100s: %s: %s\nmodel: %.1000s\nreal:  %.1000s", r.Cmd, d.What, d.Class, d.Model, d.Real)
				}
			}
		}
	})
}

// TestAdoption: what the model cannot predict it takes over, and after that
// the worlds agree again.
func TestAdoption(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		lacking(t, "busybox-static")
	}
	eachUser(t, func(t *testing.T, p program) {
		root := filepath.Join(p.home, "root.tar")
		writeRoot(t, busybox, root)
		all := p.results(t, `docker import `+root+` foreign:1
docker run --name f1 foreign:1 sh -c 'echo hi; echo x > /made; rm /etc/passwd; exit 3'
docker diff f1
docker ps -a
docker logs f1
docker run -it --name f2 foreign:1 sh
echo new > /etc/f
exit 4
docker diff f2
docker rm f1 f2
docker rmi foreign:1
`)
		want := []sim.Class{sim.Same, sim.Limit, sim.Same, sim.Same, sim.Same, sim.Limit, sim.Limit, sim.Limit, sim.Same, sim.Same, sim.Same}
		require.Len(t, all, len(want))
		for i, r := range all {
			for _, d := range r.Differences {
				require.NotEqual(t, sim.Bug, d.Class, "%s: %s\n%s\n%s", r.Cmd, d.What, d.Model, d.Real)
			}
			if want[i] == sim.Limit {
				require.Equal(t, sim.Limit, r.Verdict, r.Cmd)
			}
		}
		var adopted int
		for _, s := range all[1].Steps {
			if strings.HasPrefix(s.Why, "adopted: ") {
				adopted++
			}
		}
		require.Greater(t, adopted, 1)
	})
}

// lacking skips a test for what is not installed; in CI it fails.
func lacking(t *testing.T, what string) {
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", what)
	}
	t.Skipf("%s is not installed", what)
}

// writeRoot writes a root file system with a stranger's busybox in it.
func writeRoot(t *testing.T, busybox, name string) {
	exe, err := os.ReadFile(busybox)
	require.NoError(t, err)
	b := fs.NewBuilder()
	require.NoError(t, b.Put("/bin/busybox", fs.Node{Mode: fs.S_IFREG | 0o755, Data: fs.DataOf(exe)}))
	for _, applet := range []string{"sh", "rm"} {
		require.NoError(t, b.Put("/bin/"+applet, fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "busybox"}))
	}
	require.NoError(t, b.Put("/etc/passwd", fs.Node{Mode: fs.S_IFREG | 0o644, Data: fs.DataOf([]byte("root:x:0:0:root:/:/bin/sh\n"))}))
	f, err := os.Create(name)
	require.NoError(t, err)
	require.NoError(t, b.Tree().WriteTar(f))
	require.NoError(t, f.Close())
}

func TestBadLines(t *testing.T) {
	long := "docker run " + strings.Repeat("x", 1<<20) + "\n"
	for name, c := range map[string]struct{ line, text string }{
		"unknown command":  {"docker frob\n", "unknown command: docker frob"},
		"no docker word":   {"frob\n", "unknown command: docker frob"},
		"unknown flag":     {"docker run --frob busybox\n", "unknown flag: --frob"},
		"unknown letter":   {"docker run -Z busybox\n", "unknown shorthand flag: 'Z' in -Z"},
		"missing argument": {"docker run\n", "'docker run' requires at least 1 argument"},
		"unknown image":    {"docker run nosuch\n", "pull access denied for nosuch"},
		"unknown tag":      {"docker pull busybox:9\n", "manifest for busybox:9 not found"},
		"bad reference":    {"docker run UPPER\n", "invalid reference format"},
		"no container":     {"docker rm nosuch\n", "No such container: nosuch"},
		"no object":        {"docker inspect nosuch\n", "No such object: nosuch"},
		"a megabyte":       {long, "must not be more than 255 characters"},
		"a NUL byte":       {"docker run busy\x00box\n", "NUL"},
		"an open quote":    {"docker run 'busybox\n", "cannot be read"},
		"no such program":  {"docker run --rm busybox nosuch\n", "executable file not found in $PATH"},
	} {
		t.Run(name, func(t *testing.T) {
			needLinux(t)
			p := program{home: homeFor(t, nil)}
			all := p.results(t, c.line+"docker images -q\n")
			require.Len(t, all, 2, "the prompt comes back")
			requireSame(t, all)
			require.NotZero(t, all[0].Real.Exit)
			require.Contains(t, all[0].Real.Stderr, c.text)
		})
	}
}

func TestExitStatus(t *testing.T) {
	p := program{home: homeFor(t, nil)}
	for name, c := range map[string]struct {
		args []string
		exit int
	}{
		"fine":            {[]string{"--real", "none"}, exitOK},
		"help":            {[]string{"--help"}, exitOK},
		"unknown flag":    {[]string{"--frob"}, exitUsage},
		"unknown engine":  {[]string{"--real", "frob"}, exitUsage},
		"an argument":     {[]string{"frob"}, exitUsage},
		"no such script":  {[]string{"--real", "none", "--script", "/nosuch"}, exitBroken},
		"no place for it": {[]string{"--real", "embedded", "--data-dir", "/proc/nosuch"}, exitBroken},
	} {
		t.Run(name, func(t *testing.T) {
			_, stderr, exit := p.run(t, "", c.args...)
			require.Equal(t, c.exit, exit, stderr)
		})
	}
}

func TestModelAlone(t *testing.T) {
	p := program{home: homeFor(t, nil)}
	stdout, _, exit := p.run(t, "docker run hello-world\n", "--real", "none", "--json")
	require.Zero(t, exit)
	var r sim.Result
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Nil(t, r.Real)
	require.Equal(t, sim.Limit, r.Verdict)
	require.Contains(t, r.Model.Stdout, "Hello from twinlayer!")
}

// TestTerminal types at a real terminal: a prompt, completion, Ctrl-C, the end.
func TestTerminal(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		cmd := p.command()
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
		terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 80})
		require.NoError(t, err)
		defer terminal.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		var seen strings.Builder
		step := func(keys, want string) {
			t.Helper()
			io.WriteString(terminal, keys)
			seen.WriteString(waitFor(t, ctx, terminal, want))
		}
		step("", "twinlayer> ")
		step("dock\trun -it --name box1 busyb\t\r", "box1:/ # ")
		step("cat /etc/mot\t\r", "Welcome to")
		step("sleep 1000\r", "sleep 1000")
		time.Sleep(300 * time.Millisecond)
		step("\x03", "[exit status 137]")
		step("echo back again\r", "│ back again")
		step(":back\r", "cannot go back")
		step("\x04", "twinlayer> ")
		step("docker run -d --name bg busybox sh -c 'while :; do echo $((6*7)); sleep 1; done'\r", "twinlayer> ")
		for _, waits := range []string{"docker logs -f bg", "docker wait bg"} {
			step(waits+"\r", waits)
			time.Sleep(600 * time.Millisecond)
			step("\x03", "twinlayer> ")
		}
		require.Equal(t, 4, strings.Count(seen.String(), "[exit status 130]"), "of both worlds: %s", &seen)
		require.Contains(t, seen.String(), "\n42\r\n", "a followed log is shown as it comes")
		step("docker rm -f bg\r", "the worlds agree")
		step("quit\r", "quit")
		require.NoError(t, cmd.Wait(), &seen)
		p.requireNothingLeft(t)
	})
}

// TestKilled ends the program in the middle of things and looks for what it
// left.
func TestKilled(t *testing.T) {
	eachUser(t, func(t *testing.T, p program) {
		for i := range 12 {
			cmd := p.command("--json")
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			fmt.Fprintf(in, "docker run -it -e MARK=%s busybox\nwhile true; do echo x >> /tmp/f; done\n", p.home)
			time.Sleep(time.Duration(i*i*5) * time.Millisecond)
			signal := []os.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGTERM}[i%3]
			require.NoError(t, cmd.Process.Signal(signal))
			in.Close()
			cmd.Wait()
			p.requireNothingLeft(t)
		}
		requireSame(t, p.results(t, "docker run hello-world\n"))
		left, err := filepath.Glob(filepath.Join(p.home, ".local/share/twinlayer/sessions/*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// TestPodmanEnds: the Podman that twinlayer starts for an ordinary user, who
// has no service running, ends with it; podman's own keeper of the user
// namespace stays, as after every rootless podman command.
func TestPodmanEnds(t *testing.T) {
	if _, err := exec.LookPath("podman"); err != nil {
		lacking(t, "podman")
	}
	needLinux(t)
	user := users()["ordinary user"]
	p := program{user: user, home: homeFor(t, user)}
	stdout, stderr, exit := p.run(t, "", "engines")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "podman    Podman ")
	t.Cleanup(func() { p.kill(t) })
	service := func() (still []string) {
		for _, each := range p.processes(t) {
			if strings.Contains(each, "system") {
				still = append(still, each)
			}
		}
		return still
	}
	require.Eventually(t, func() bool { return len(service()) == 0 }, 20*time.Second, 10*time.Millisecond, "a Podman stayed")
}
