package userland

import (
	"io"
	"path"
	"strconv"
	"strings"
)

// sh is the shell as a program: sh [-eux] [-c script [name args] | file args].
func sh(t *tool) int {
	p := t.Process.copy()
	p.Stdout, p.Stderr = shareWriters(p.Stdout, p.Stderr)
	in := newInterp(t.ctx, p, newState(p))
	s := session{in: in}
	if !s.flags(p.Args[1:]) {
		return 2
	}
	if status, ok := s.begin(); !ok {
		return status
	}
	status := in.run(func() { in.script(s.next) })
	if in.umask != p.Umask && p.SetUmask != nil {
		p.SetUmask(p.Umask) // in the model, the parent may share our file system
	}
	return status
}

// session is how a shell was started.
type session struct {
	in           *interp
	args         []string
	script       bool // -c
	stdin, talks bool // -s, -i
	next         func() (string, bool)
}

func (s *session) flags(args []string) bool {
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			break
		}
		var keep strings.Builder
		for _, c := range arg[1:] {
			switch c {
			case 'c':
				s.script = true
			case 's':
				s.stdin = true
			case 'i':
				s.talks = true
			case 'l':
			default:
				keep.WriteRune(c)
			}
		}
		if keep.Len() == 0 {
			continue
		}
		flags := []string{arg[:1] + keep.String()}
		if strings.HasSuffix(keep.String(), "o") && len(args) > 0 {
			flags, args = append(flags, args[0]), args[1:]
		}
		if _, _, ok := s.in.setFlags(flags); !ok {
			return false
		}
	}
	s.args = args
	return true
}

// begin chooses where the commands come from.
func (s *session) begin() (int, bool) {
	in := s.in
	switch {
	case s.script:
		return s.beginScript()
	case len(s.args) > 0 && !s.stdin:
		text, err := readFile(in.p.FS, in.path(s.args[0]))
		if err != nil && in.bash {
			return in.complain(127, "%s: %s", s.args[0], reason(err)), false
		}
		if err != nil {
			return in.complain(2, "can't open '%s': %s", s.args[0], reason(err)), false
		}
		in.name, in.params = s.args[0], s.args[1:]
		s.next = stringLines(text)
		return 0, true
	}
	in.params, in.origin = s.args, "s"
	in.interactive = true
	s.talks = s.talks || in.p.Terminal
	s.next = readerLines(obey(in.ctx, in.fds[0].reader()), s.prompt)
	return 0, true
}

func (s *session) beginScript() (int, bool) {
	in := s.in
	if len(s.args) == 0 {
		return in.complain(2, "-c requires an argument"), false
	}
	in.origin = "c"
	s.next = stringLines(s.args[0])
	if len(s.args) > 1 {
		in.name, in.params = s.args[1], s.args[2:]
	}
	return 0, true
}

// prompt makes ready for the next line.
func (s *session) prompt() {
	if s.in.p.Interrupt != nil {
		s.in.p.Interrupt.Store(false)
	}
	if s.talks && s.in.halfway {
		io.WriteString(s.in.stderr(), s.in.get("PS2"))
	} else if s.talks {
		io.WriteString(s.in.stderr(), expandPrompt(s.in))
	}
}

// expandPrompt is PS1 with its \w, \u, \h and \$ filled in.
func expandPrompt(in *interp) string {
	mark := "$"
	if in.p.UID == 0 {
		mark = "#"
	}
	dir := in.dir
	if home := in.get("HOME"); home != "" && home != "/" && dir == home {
		dir = "~"
	}
	host := ""
	if in.p.Kernel != nil {
		host, _, _ = strings.Cut(in.p.Kernel.Uname().Nodename, ".")
	}
	user := strconv.Itoa(in.p.UID)
	if u, ok := userByID(in.p.FS, in.p.UID); ok {
		user = u.name
	}
	return strings.NewReplacer(
		`\w`, dir, `\W`, path.Base(dir), `\u`, user, `\h`, host, `\$`, mark, `\n`, "\n", `\e`, "\x1b",
		`\[`, "", `\]`, "",
	).Replace(in.get("PS1"))
}
