//go:build linux

package suite

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Gen makes up commands, sensible and senseless ones.
type Gen struct {
	*rand.Rand
	line strings.Builder
}

// NewGen is a Gen that always makes up the same ones.
func NewGen(seed, stream uint64) *Gen { return &Gen{Rand: rand.New(rand.NewPCG(seed, stream))} }

// RandomSession is a session of at least n random lines, after a few that make
// something to work with.
func RandomSession(seed uint64, n int) string {
	g := NewGen(seed, 0)
	g.Say("docker pull busybox\ndocker pull debian\ndocker pull centos")
	g.Say(`docker run --name one busybox sh -c "echo 1 > /etc/x"`)
	g.Say("docker commit one my\ndocker run -d --name web debian sleep 1000")
	for i := range n {
		if i%12 == 11 {
			g.Shell(i)
		} else {
			g.Say("docker " + g.Docker())
		}
	}
	return g.Lines()
}

// Lines are those that were said.
func (g *Gen) Lines() string { return g.line.String() }

// Say adds a line.
func (g *Gen) Say(line string) { g.line.WriteString(line + "\n") }

// Shell is a session in a container's shell, with lines of it.
func (g *Gen) Shell(i int) {
	g.Say("docker pull -q busybox")
	g.Say(fmt.Sprintf("docker run -it --name shell%d %s busybox sh", i, g.One("", "-v v1:/data", "-v v2:/etc", "--read-only", "-e X=2", "-h hh")))
	for range 1 + g.IntN(6) {
		g.Say(g.script())
	}
	g.Say("exit")
}

// One is one of these.
func (g *Gen) One(of ...string) string { return of[g.IntN(len(of))] }

func (g *Gen) container() string { return g.One("one", "two", "three", "web", "out") }

func (g *Gen) image() string {
	return g.One("busybox", "debian", "centos", "hello-world", "busybox:latest", "my", "my:2", "x/y:1")
}

func (g *Gen) path() string {
	return g.One("/etc/passwd", "/etc", "/tmp", "/tmp/f", "/d", "/d/e", "/usr/bin", "/home", "/root/.x", "/var/log", "/opt/l", "/etc/motd", "/data")
}

// Of fills in a pattern: S is a script, O flags of docker run, %C a container, %I
// an image, %P a path, %N a digit.
func (g *Gen) Of(pattern string) string {
	words := strings.Fields(pattern)
	for i, w := range words {
		switch w {
		case "S":
			words[i] = "sh -c '" + g.script() + "; " + g.script() + "'"
		case "O":
			words[i] = g.flags()
		default:
			words[i] = g.fill(w)
		}
	}
	return strings.Join(words, " ")
}

func (g *Gen) fill(word string) string {
	for _, r := range []struct {
		mark string
		make func() string
	}{{"%C", g.container}, {"%I", g.image}, {"%P", g.path}, {"%N", func() string { return fmt.Sprint(g.IntN(10)) }}} {
		for strings.Contains(word, r.mark) {
			word = strings.Replace(word, r.mark, r.make(), 1)
		}
	}
	return word
}

// flags are a few of docker run's.
func (g *Gen) flags() string {
	var out []string
	for range g.IntN(4) {
		out = append(out, g.fill(g.One("--name %C", "--name %C", "--rm", "-e A=%N", "-w %P", "-u 0", "-u 1000", "-u nobody", "-u 1:1", "-u nosuch",
			"-v v1:/data", "-v v2:/etc", "-v v1:/data:ro", "-v /anon", "-v v3:/var/log", "--read-only", "-h host%N", "--tmpfs /tmp",
			"--network none", "--network host", "--entrypoint echo", "--entrypoint ls", "--entrypoint nosuch", "-l k=%N", "--cap-drop ALL", "--cap-drop CHOWN")))
	}
	return strings.Join(out, " ")
}

// script is a line for a container's shell.
func (g *Gen) script() string {
	return g.fill(g.One("echo %N > %P/n%N", "rm -rf %P", "mkdir -p %P/q", "mv %P %P2", "ln -s %P /link%N", "ln %P /hard%N", "chmod 700 %P", "chmod 4755 %P",
		"cat %P", "ls -la %P", `touch -d "2020-01-02 00:00" %P`, "cp -a %P /copy%N", "find %P -maxdepth 2 | sort | head -20", `stat -c "%n %a %u %h %F" %P`,
		"echo x >> %P", "ps", "id", "pwd; cd /tmp; pwd", "env | sort", "hostname", "(exit %N)", "chown 1:2 %P", "mkfifo /fifo%N", "for i in 1 2 3; do echo $i > /l$i; done",
		"wc -c %P", "sed -i s/o/0/ %P", "grep -c root %P", "test -e %P && echo yes || echo no", "rmdir %P", "truncate -s 5 %P", "readlink -f %P", "sort %P | uniq -c | head -3"))
}

// Docker is a command, without docker in front.
func (g *Gen) Docker() string {
	return g.Of(g.One("run O %I S", "run O %I S", "run O %I S", "run O %I S", "run O busybox", "run -d O %I sleep 1000", "run -d O %I true", "run -d O %I nosuch",
		"create O %I S", "start %C", "stop -t 1 %C", "kill %C", "kill -s HUP %C", "restart -t 1 %C", "rm %C", "rm -f %C", "rm -fv %C", "exec %C S", "exec -u 1 %C S", "exec -w /tmp -e B=1 %C S",
		"commit %C my", "commit -m text -a me %C my:2", `commit -c 'CMD ["ls"]' %C x/y:1`, "commit %C", "diff %C", "diff %C", "logs %C", "top %C",
		`ps -a --format '{{.Names}} {{.Image}} {{.Command}}'`, "ps -q", "images", "images -a", "history %I", "rmi %I", "rmi -f %I", "tag %I my", "tag %I z", "pull %I",
		"inspect -f '{{.Config.Env}}' %C", "inspect -f '{{.Config.Cmd}}' %I", "inspect -f '{{json .Config.Labels}}' %C", "volume ls", "volume rm v1", "volume rm v3", "container prune -f",
		"image prune -f", "system df", "cp %C:%P %C:%P", "export %C -o e.tar", "import e.tar my", "save %I -o s.tar", "load -i s.tar"))
}
