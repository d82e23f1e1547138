package userland

import "strings"

// options are the flags that a tool was given.
type options struct {
	order  []byte
	values map[byte][]string
}

func (o options) has(flag byte) bool { return strings.IndexByte(string(o.order), flag) >= 0 }

// val is the argument of the last use of flag.
func (o options) val(flag byte) string {
	if v := o.values[flag]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// last is which of flags was given last; 0 if none was.
func (o options) last(flags string) byte {
	for i := len(o.order) - 1; i >= 0; i-- {
		if strings.IndexByte(flags, o.order[i]) >= 0 {
			return o.order[i]
		}
	}
	return 0
}

// getopt parses args as GNU getopt_long does, by a specification such as
// "+nk:" (a colon: takes an argument; a leading plus: flags end at the first
// operand) and long names such as "recursive=r key=k". The returned problem is
// getopt's complaint.
func getopt(spec, long string, args []string) (o options, operands []string, problem string) {
	stop := strings.HasPrefix(spec, "+")
	g := getopts{spec: strings.TrimPrefix(spec, "+"), long: long, args: args}
	g.o.values = map[byte][]string{}
	for len(g.args) > 0 && g.problem == "" {
		arg := g.args[0]
		switch {
		case arg == "--":
			return g.o, append(operands, g.args[1:]...), ""
		case len(arg) < 2 || arg[0] != '-':
			if stop {
				return g.o, g.args, ""
			}
			operands, g.args = append(operands, arg), g.args[1:]
		case arg[1] == '-':
			g.args = g.args[1:]
			g.longFlag(arg[2:])
		default:
			g.args = g.args[1:]
			g.cluster(arg[1:])
		}
	}
	return g.o, operands, g.problem
}

type getopts struct {
	spec, long string
	args       []string
	o          options
	problem    string
}

// kind is 0 for an unknown flag, 1 for a plain one, 2 for one with a value.
func (g *getopts) kind(flag byte) int {
	i := strings.IndexByte(g.spec, flag)
	switch {
	case i < 0 || flag == ':':
		return 0
	case i+1 < len(g.spec) && g.spec[i+1] == ':':
		return 2
	}
	return 1
}

func (g *getopts) add(flag byte, value string) {
	g.o.order = append(g.o.order, flag)
	g.o.values[flag] = append(g.o.values[flag], value)
}

// cluster parses "abc" of "-abc".
func (g *getopts) cluster(flags string) {
	for i := 0; i < len(flags); i++ {
		switch g.kind(flags[i]) {
		case 0:
			g.problem = "invalid option -- '" + flags[i:i+1] + "'"
			return
		case 1:
			g.add(flags[i], "")
		case 2:
			g.value(flags[i], flags[i+1:])
			return
		}
	}
}

func (g *getopts) value(flag byte, rest string) {
	switch {
	case rest != "":
		g.add(flag, rest)
	case len(g.args) > 0:
		g.add(flag, g.args[0])
		g.args = g.args[1:]
	default:
		g.problem = "option requires an argument -- '" + string(flag) + "'"
	}
}

func (g *getopts) longFlag(arg string) {
	name, value, hasValue := strings.Cut(arg, "=")
	for _, known := range strings.Fields(g.long) {
		full, short, _ := strings.Cut(known, "=")
		if full != name {
			continue
		}
		switch {
		case g.kind(short[0]) == 1:
			g.add(short[0], "")
		case hasValue:
			g.add(short[0], value)
		default:
			g.value(short[0], "")
		}
		return
	}
	g.problem = "unrecognized option '--" + arg + "'"
}
