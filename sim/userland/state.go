package userland

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// variable is a shell variable; one that is exported need not be set.
type variable struct {
	value                   string
	set, exported, readonly bool
}

// state is what a shell keeps from one line to the next.
type state struct {
	name    string // $0
	bash    bool   // it complains in bash's words
	origin  string // how it was started, as $- has it: c or s
	dir     string
	vars    map[string]variable
	funcs   map[string]*syntax.Stmt
	aliases map[string]string
	traps   map[string]string
	params  []string
	opts    map[byte]bool
	status  int
	umask   uint32
	lastJob int // $!
	getoptAt
	kept []keptFile // of exec's redirections
	held ledger     // of variables
}

// getoptAt is where the getopts builtin stands inside a cluster of flags.
type getoptAt struct{ index, char int }

func newState(p *Process) state {
	name := "sh"
	if len(p.Args) > 0 {
		name = p.Args[0]
	}
	s := state{
		name: name, bash: baseOf(strings.TrimPrefix(name, "-")) == bash, dir: p.Dir, umask: p.Umask,
		vars: map[string]variable{}, funcs: map[string]*syntax.Stmt{},
		aliases: map[string]string{}, traps: map[string]string{}, opts: map[byte]bool{},
	}
	for _, kv := range p.Env {
		name, value, ok := strings.Cut(kv, "=")
		if ok && syntax.ValidName(name) {
			s.vars[name] = variable{value: value, set: true, exported: true}
		}
	}
	s.setDefault("PATH", defaultPath, false)
	s.setDefault("PS1", "\\w \\$ ", false)
	s.setDefault("PS2", "> ", false)
	s.setDefault("PS4", "+ ", false)
	s.vars["IFS"] = variable{value: " \t\n", set: true}
	s.vars["OPTIND"] = variable{value: "1", set: true}
	s.vars["PPID"] = variable{value: strconv.Itoa(p.PPID), set: true}
	s.vars["PWD"] = variable{value: p.Dir, set: true, exported: true}
	return s
}

func (s *state) setDefault(name, value string, exported bool) {
	if !s.vars[name].set {
		s.vars[name] = variable{value: value, set: true, exported: exported}
	}
}

// clone is a copy that shares nothing that changes.
func (s *state) clone() state {
	c := *s
	c.vars = maps.Clone(s.vars)
	c.funcs = maps.Clone(s.funcs)
	c.aliases = maps.Clone(s.aliases)
	c.traps = maps.Clone(s.traps)
	c.opts = maps.Clone(s.opts)
	c.params = slices.Clone(s.params)
	c.kept = slices.Clone(s.kept)
	return c
}

// env are the exported variables, sorted.
func (s *state) env() []string {
	var env []string
	for name, v := range s.vars {
		if v.exported && v.set {
			env = append(env, name+"="+v.value)
		}
	}
	slices.Sort(env)
	return env
}

func (s *state) get(name string) string { return s.vars[name].value }

// flags is $-.
func (s *state) flags() string {
	var b strings.Builder
	for _, opt := range shellOptions {
		if opt.letter != 0 && s.opts[opt.letter] {
			b.WriteByte(opt.letter)
		}
	}
	return b.String() + s.origin
}

// shellOptions are what set -o lists, in its order.
var shellOptions = []struct {
	letter byte
	name   string
}{
	{'e', "errexit"}, {'f', "noglob"}, {'I', "ignoreeof"}, {'m', "monitor"}, {'n', "noexec"},
	{'x', "xtrace"}, {'v', "verbose"}, {'C', "noclobber"}, {'a', "allexport"}, {'b', "notify"},
	{'u', "nounset"}, {'E', "errtrace"}, {'V', "vi"}, {'P', "pipefail"},
}
