package userland

import (
	"slices"
	"strings"

	"twinlayer/fs"
)

// env prints the environment, or runs a program in a changed one.
func env(t *tool) int {
	list := slices.Clone(t.Env)
	if t.has('i') {
		list = nil
	}
	for _, name := range t.values['u'] {
		list = unsetEnv(list, name)
	}
	args := t.args
	if len(args) > 0 && args[0] == "-" {
		list, args = nil, args[1:]
	}
	for len(args) > 0 && strings.Contains(args[0], "=") {
		name, _, _ := strings.Cut(args[0], "=")
		list = append(unsetEnv(list, name), args[0])
		args = args[1:]
	}
	if len(args) == 0 {
		for _, kv := range list {
			t.out.WriteString(kv)
			t.out.WriteByte(map[bool]byte{true: 0, false: '\n'}[t.has('0')])
		}
		return 0
	}
	child := t.Process.child(args)
	child.Env = list
	return t.execute(child)
}

func unsetEnv(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
}

// execute runs child in this program's place.
func (t *tool) execute(child *Process) int {
	t.out.Flush()
	name := child.Args[0]
	file, argv, err := Resolve(child)
	if err != nil {
		t.errorf("can't execute '%s': %s", name, reason(err))
		return cannotStatus(err)
	}
	child.Path, child.Args = file, argv
	if t.Exec == nil {
		t.errorf("can't execute '%s': %s", name, fs.ENOSYS.Error())
		return 126
	}
	return t.become(t.ctx, child)
}

func cannotStatus(err error) int {
	if fs.ErrnoOf(err) == fs.ENOENT {
		return 127
	}
	return 126
}

func printenv(t *tool) int {
	if len(t.args) == 0 {
		for _, kv := range t.Env {
			t.println(kv)
		}
		return 0
	}
	status := 0
	for _, name := range t.args {
		i := slices.IndexFunc(t.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if i < 0 {
			status = 1
			continue
		}
		t.println(t.getenv(name))
	}
	return status
}

// which prints what PATH has for a name.
func which(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	status := 0
	for _, name := range t.args {
		file, err := Lookup(t.Process, name)
		if err != nil {
			status = 1
			continue
		}
		if strings.Contains(name, "/") {
			file = name
		}
		t.println(file)
	}
	return status
}
