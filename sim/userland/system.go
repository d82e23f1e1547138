package userland

import (
	"slices"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// uname tells of the kernel.
func uname(t *tool) int {
	if len(t.args) > 0 {
		return badUsage
	}
	u := t.Kernel.Uname()
	var out []string
	for _, part := range []struct {
		flag  byte
		value string
	}{
		{'s', u.Sysname}, {'n', u.Nodename}, {'r', u.Release}, {'v', u.Version}, {'m', u.Machine}, {'o', "GNU/Linux"},
	} {
		if t.has('a') || t.has(part.flag) || part.flag == 's' && len(t.order) == 0 {
			out = append(out, part.value)
		}
	}
	if t.last("pi") != 0 && len(out) == 0 {
		out = append(out, "unknown")
	}
	t.println(strings.Join(out, " "))
	return 0
}

func hostname(t *tool) int {
	name := t.Kernel.Uname().Nodename
	short, domain, _ := strings.Cut(name, ".")
	switch {
	case len(t.args) > 0:
		if err := t.Kernel.SetHostname(t.args[0]); err != nil {
			return t.errorf("sethostname: %s", reason(err))
		}
	case t.has('s'):
		t.println(short)
	case t.has('d'):
		t.println(domain)
	default:
		t.println(name)
	}
	return 0
}

// ps lists the processes of this pid namespace.
func ps(t *tool) int {
	n := newNames(t.FS)
	t.println("PID   USER     COMMAND")
	for _, p := range t.Kernel.Processes() {
		t.printf("%5d %-8.8s %s\n", p.PID, n.user(uint32(p.UID)), strings.Join(p.Args, " "))
	}
	return 0
}

// mount lists the mounts. To mount is not for the tools of a container.
func mount(t *tool) int {
	if len(t.args) > 0 {
		t.errorf("permission denied (are you root?)") // what busybox makes of EPERM
		return 255
	}
	for _, m := range t.Kernel.Mounts() {
		t.printf("%s on %s type %s (%s)\n", m.Source, m.Target, m.Type, m.Options)
	}
	return 0
}

func umount(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	for _, target := range t.args {
		t.errorf("can't unmount %s: %s", target, fs.EPERM.Error())
	}
	return 1
}

// df tells how full the file systems are.
func df(t *tool) int {
	mounts, ok := t.dfMounts()
	unit, head := int64(1024), "1K-blocks"
	if t.has('h') {
		head = "     Size"
	} else if t.has('m') {
		unit, head = 1<<20, "1M-blocks"
	}
	kind := ""
	if t.has('T') {
		kind = sprintf("%-11s", "Type")
	}
	t.printf("Filesystem           %s%s      Used Available Use%% Mounted on\n", kind, head)
	for _, m := range mounts {
		t.dfLine(m, unit)
	}
	return oneIf(!ok)
}

func (t *tool) dfMounts() (list []Mount, ok bool) {
	all := t.Kernel.Mounts()
	if len(t.args) == 0 {
		for i, m := range all {
			last := !slices.ContainsFunc(all[i+1:], func(n Mount) bool { return n.Target == m.Target })
			if last {
				list = append(list, m)
			}
		}
		return list, true
	}
	ok = true
	for _, name := range t.args {
		real, err := realpath(t.FS, t.abs(name))
		if err != nil {
			t.errorf("%s: can't find mount point", name)
			ok = false
			continue
		}
		list = append(list, mountOf(all, real))
	}
	return list, ok
}

// mountOf is the mount that holds an absolute path.
func mountOf(all []Mount, name string) (best Mount) {
	for _, m := range all {
		if within(name, m.Target) && len(m.Target) >= len(best.Target) {
			best = m
		}
	}
	return best
}

func (t *tool) dfLine(m Mount, unit int64) {
	st, err := t.Kernel.Statfs(m.Target)
	if err != nil {
		t.fail(m.Target, err)
		return
	}
	if st.Blocks == 0 && len(t.args) == 0 && !t.has('a') {
		return
	}
	used := st.Blocks - st.Free
	percent := int64(0)
	if used+st.Available > 0 {
		percent = (used*100 + (used+st.Available)/2) / (used + st.Available)
	}
	show := func(blocks int64) string {
		bytes := blocks * st.BlockSize
		if t.has('h') {
			return humanSize(bytes)
		}
		return strconv.FormatInt((bytes+unit/2)/unit, 10)
	}
	if len(m.Source) > 20 {
		t.printf("%s\n%20s", m.Source, "")
	} else {
		t.printf("%-20s", m.Source)
	}
	if t.has('T') {
		t.printf(" %-10s", m.Type)
	}
	t.printf(" %9s %9s %9s %3d%% %s\n", show(st.Blocks), show(used), show(st.Available), percent, m.Target)
}

// signals by their names, in the order of their numbers.
var signals = []string{
	"EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
	"ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM",
	"PROF", "WINCH", "POLL", "PWR", "SYS",
}

// signalName is the name of a signal given by name, SIGname or number.
func signalName(s string) (string, bool) {
	if n, err := strconv.Atoi(s); err == nil {
		if n < 0 || n >= len(signals) {
			return "", false
		}
		return signals[n], true
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	return name, slices.Contains(signals, name)
}

func signalNumber(name string) int { return slices.Index(signals, name) }

// kill sends a signal.
func kill(t *tool) int {
	args := t.args
	signal := signalNumber("TERM")
	if len(args) > 0 && args[0] == "-l" {
		return t.listSignals(args[1:])
	}
	if len(args) > 1 && args[0] == "-s" {
		args = append([]string{"-" + args[1]}, args[2:]...)
	}
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0] != "--" {
		name, ok := signalName(args[0][1:])
		if !ok {
			return t.errorf("bad signal name '%s'", args[0][1:])
		}
		signal, args = signalNumber(name), args[1:]
	}
	if len(args) == 0 {
		return t.errorf("you need to specify whom to kill")
	}
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			t.errorf("invalid number '%s'", arg)
			continue
		}
		if err := t.Kernel.Kill(pid, signal); err != nil {
			t.errorf("can't kill pid %d: %s", pid, reason(err))
		}
	}
	return 0
}

func (t *tool) listSignals(args []string) int {
	if len(args) == 0 {
		for n, name := range signals[1:] {
			t.printf("%2d) %s\n", n+1, name)
		}
		return 0
	}
	for _, arg := range args {
		name, ok := signalName(arg)
		switch {
		case !ok:
			return t.errorf("unknown signal '%s'", arg)
		case strings.Trim(arg, "0123456789") == "":
			t.println(name)
		default:
			t.printf("%d\n", signalNumber(name))
		}
	}
	return 0
}

func clearScreen(t *tool) int {
	t.out.WriteString("\x1b[H\x1b[J")
	return 0
}
