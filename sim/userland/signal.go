package userland

import "slices"

// kill is the builtin: what it sends to the shell itself, the shell does.
func (in *interp) kill(args []string) int {
	kernel := in.p.Kernel
	defer func() { in.p.Kernel = kernel }()
	in.p.Kernel = ownSignals{kernel, in}
	return in.applet(applet{run: kill, flags: raw}, args)
}

// ownSignals is a kernel that hands a shell its own signals at once.
type ownSignals struct {
	Kernel
	in *interp
}

func (k ownSignals) Kill(pid, signal int) error {
	if pid != k.in.p.PID || signal == 0 {
		return k.Kernel.Kill(pid, signal)
	}
	k.in.pending = append(k.in.pending, signals[signal])
	return nil
}

// The signals that do nothing to who does not ask for them (signal(7)), and
// those that nobody can ask for.
var (
	harmless  = []string{"CHLD", "CONT", "URG", "WINCH"}
	untrapped = []string{"KILL", "STOP"}
)

// deliver runs the traps of the signals that came while a command ran, or
// ends the shell. The first process of a container gets none that it has not
// asked for (pid_namespaces(7)).
func (in *interp) deliver() {
	for len(in.pending) > 0 {
		name := in.pending[0]
		in.pending = in.pending[1:]
		action, trapped := in.traps[name]
		switch {
		case trapped && !slices.Contains(untrapped, name):
			status := in.status
			in.eval(action)
			in.status = status
		case slices.Contains(harmless, name) || in.p.PID == 1 || in.interactive && name == "TERM":
		default:
			delete(in.traps, "EXIT")
			in.status, in.jump = 128+signalNumber(name), jump{kind: jumpExit}
		}
	}
}
