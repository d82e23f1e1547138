package model

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"twinlayer/fs"
	"twinlayer/fs/vfs"
	"twinlayer/kernel"
	"twinlayer/sim"
	"twinlayer/sim/say"
	"twinlayer/sim/userland"
)

// execution is a process of the model that runs now. Its changes go into a
// copy of the container's file systems, which every event makes part of the
// state.
type execution struct {
	t       *transition
	id      string // the container's
	sys     *vfs.Sys
	p       userland.Process
	chance  kernel.Chance
	pid     int              // on the host
	lacks   vfs.Capabilities // that its container was not given
	stdout  sim.Printed
	stderr  sim.Printed
	unknown say.Phrase // why the model cannot know what it did

	pipes     vfs.Pipes
	interrupt context.Context // kills what a line has started; nil: no line
	children  atomic.Int32    // that run now
	struck    atomic.Bool     // one of them has been killed by interrupt
	orphans   []userland.Job  // whose parents have ended before them, and that go on
}

func (t *transition) execution(c container) *execution {
	c = t.refreshed(c)
	x := &execution{t: t, id: c.ID, lacks: sim.Dropped(c.CapAdd, c.CapDrop)}
	x.sys = &vfs.Sys{
		Mounts: c.mounts.Fork(), IDs: t.IDs, Protected: t.Facts.Protected, Running: x.running, Pipes: &x.pipes,
		Beyond: func(path string) { x.beyond(sayKernelShows(path)) }, Clock: t.tick, Log: x.log, Take: x.take,
	}
	return x
}

// take says whether there is room for n bytes more.
func (x *execution) take(n int64) bool {
	room := cmp.Or(x.t.Room, DefaultRoom)
	if x.t.wrote.Add(n) <= room {
		return true
	}
	x.beyond(sayDiskHolds(room))
	return false
}

// beyond notes what the model cannot know of what was asked; the first counts.
func (x *execution) beyond(what say.Phrase) {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	if x.unknown.Empty() {
		x.unknown = what
	}
}

// tick is the time of the next change: each a little later than the last.
func (t *transition) tick() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = t.now.Add(time.Microsecond)
	return t.now
}

// tell is the time for a program that asks for it.
func (t *transition) tell() time.Time {
	t.asked.Store(true)
	return t.tick()
}

// stepsMax is how many steps of one command are kept: each holds the state as
// it was then.
const stepsMax = 1 << 14

// log makes an event of the file systems a step, with them as they are then.
func (x *execution) log(e fs.Event) {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.save()
	last := len(x.t.steps) - 1
	switch {
	case last >= stepsMax:
		return
	case last == stepsMax-1:
		e = fs.Event{Op: "steps", Path: e.Path, Why: sayTooManySteps(stepsMax)}
	case last >= 0 && e.Op == "load" && x.t.steps[last].Op == "read" && x.t.steps[last].Path == e.Path:
		x.t.steps = x.t.steps[:last] // the kernel's look at the file's first bytes
	}
	x.t.steps = append(x.t.steps, sim.Step{Event: e, After: x.t.state})
	x.t.publish()
}

// save makes the file systems as they are part of the state.
func (x *execution) save() {
	c, err := x.t.state.container(x.id)
	if now := x.sys.Mounts.Snapshot(); err == nil && now != c.mounts {
		c.mounts = now
		x.t.state = x.t.state.with(c).storeVolumes(c)
	}
}

// bind connects the process, which lacks these capabilities where it is root,
// to the file systems, the kernel and the streams of this execution.
func (x *execution) bind(lacks vfs.Capabilities) {
	credentials(&x.p, lacks).On(x.sys)
	x.p.FS, x.p.Kernel = x.sys.FS(), kernelView{x}
	x.p.Stdin, x.p.Stdout, x.p.Stderr = strings.NewReader(""), &x.stdout, &x.stderr
	x.p.Now, x.p.Exec, x.p.Replace, x.p.Go = x.t.tell, x.exec, x.replace, x.t.jobs.Go
	x.p.Rand, x.p.Sleep = x.draw, x.t.sleep
	x.p.SetUmask = func(mask uint32) { x.sys.Umask, x.p.Umask = mask, mask }
}

// prepare finds the user, the directory and the program of p. What runc would
// refuse is put into docker's words by runc. Where the model does not have all
// of the image, nothing is refused: it may be there.
func (x *execution) prepare(c container, p sim.Process, runc func(cause string) *sim.Refusal, enter func(dir string) *sim.Refusal) *sim.Refusal {
	refusal := x.find(p, runc, enter)
	if refusal != nil && !c.unread.Empty() {
		x.p.Path, x.p.Args = p.Args[0], p.Args
		return nil
	}
	return refusal
}

func (x *execution) find(p sim.Process, runc func(cause string) *sim.Refusal, enter func(dir string) *sim.Refusal) *sim.Refusal {
	x.p = userland.Process{Args: p.Args, Dir: "/", Umask: 0o022}
	x.chance = kernel.Chance{Seed: p.ID}
	x.bind(0)
	user, refusal := sim.FindUser(p.User, x.read("/etc/passwd"), x.read("/etc/group"))
	if refusal != nil {
		return refusal
	}
	who, mapped := user.Credentials().In(x.sys.IDs)
	if !mapped {
		return sim.TooFewIDs(user.UID, user.GID)
	}
	if refusal := enter(path.Clean("/" + p.Dir)); refusal != nil {
		return refusal
	}
	x.p.UID, x.p.GID, x.p.Groups, x.p.Env = user.UID, user.GID, user.Groups[:len(who.Groups)], withHome(p.Env, user.Home)
	x.bind(x.lacks)
	file, argv, err := userland.Find(&x.p)
	if err != nil {
		return runc(startProblem(p.Args[0], x.whyNot(p.Args[0], err)))
	}
	x.p.Path, x.p.Args = file, argv
	return nil
}

// credentials are whom p acts as.
func credentials(p *userland.Process, lacks vfs.Capabilities) kernel.Credentials {
	c := sim.User{UID: p.UID, GID: p.GID, Groups: p.Groups}.Credentials()
	c.Umask, c.Dropped = p.Umask, lacks
	return c
}

func withHome(env []string, home string) []string {
	if slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") }) {
		return env
	}
	return append(slices.Clip(env), "HOME="+home)
}

// read is a file's text, "" where it cannot be read. It leaves no steps.
func (x *execution) read(name string) string {
	quiet := *x.sys
	quiet.Log = nil
	f, err := quiet.FS().Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(f)
	return string(text)
}

// enter makes the working directory where it is missing, and goes there.
func (x *execution) enter(dir string) *sim.Refusal {
	if err := x.p.FS.MkdirAll(dir, 0o755); err != nil {
		if st, missing := x.sys.Stat(dir, true); missing == nil && st.Mode&fs.S_IFMT != fs.S_IFDIR {
			return sim.Refuse("Cannot mkdir: %s is not a directory", dir)
		}
		return sim.Refuse("mkdir %s: %s", dir, lowerReason(err))
	}
	x.p.Dir = dir
	return nil
}

// join goes to the working directory of a process that is added to a container,
// which docker exec does not make.
func (x *execution) join(dir string) *sim.Refusal {
	st, err := x.sys.Stat(dir, true)
	if err == nil && st.Mode&fs.S_IFMT != fs.S_IFDIR {
		err = fs.ENOTDIR
	}
	if err != nil {
		return sim.ExecRefused(fmt.Sprintf("chdir to cwd (%q) set in config.json failed: %s", dir, lowerReason(err)))
	}
	x.p.Dir = dir
	return nil
}

func lowerReason(err error) string { return strings.ToLower(fs.ErrnoOf(err).Error()) }

// whyNot is err, unless a directory is in the place of the program.
func (x *execution) whyNot(name string, err error) error {
	if st, statErr := x.sys.Stat(name, true); statErr == nil && st.Mode&fs.S_IFMT == fs.S_IFDIR && strings.Contains(name, "/") {
		return fs.EISDIR
	}
	return err
}

// startProblem is runc's text for a program that cannot be executed.
func startProblem(name string, err error) string {
	reason := lowerReason(err)
	switch {
	case strings.Contains(name, "/") && (fs.ErrnoOf(err) == fs.ENOENT || fs.ErrnoOf(err) == fs.ENOTDIR):
		reason = "stat " + name + ": " + reason
	case fs.ErrnoOf(err) == fs.ENOENT || name == "":
		reason = "executable file not found in $PATH"
	}
	return fmt.Sprintf("exec: %q: %s", name, reason)
}

// run runs the process to its end, or leaves it waiting if it is a shell that
// takes lines.
func (x *execution) run(ctx context.Context, p sim.Process) sim.Output {
	c, _ := x.t.state.container(x.id)
	program := x.program(&x.p)
	why := x.cannotKnow(c, program)
	switch lines := sim.IsInteractiveShell(p.Args, p.Interactive); {
	case !why.Empty() && lines:
		x.wait(p.ID, idleShell{process: x.rest(), pid: x.pid, foreign: why})
		return sim.Output{Shell: p.ID, Unknown: why}
	case !why.Empty():
		return sim.Output{Unknown: why, Exit: exitUnknown}
	case !lines:
		defer x.aloud(ctx)()
		return x.output(x.toEnd(ctx, program))
	}
	x.wait(p.ID, idleShell{Shell: userland.NewShell(&x.p), process: x.rest(), pid: x.pid})
	out := x.output(0)
	out.Shell = p.ID
	return out
}

// aloud has what the process prints told as it comes, until hush.
func (x *execution) aloud(ctx context.Context) (hush func()) {
	var hushes [2]func()
	x.p.Stdout, hushes[0] = sim.Aloud(ctx, x.p.Stdout)
	x.p.Stderr, hushes[1] = sim.Aloud(ctx, x.p.Stderr)
	return func() {
		hushes[0]()
		hushes[1]()
		x.p.Stdout, x.p.Stderr = &x.stdout, &x.stderr
	}
}

// errLeft is why a command ends that its shell has left in the background.
var errLeft = errors.New("its shell has ended")

// toEnd runs the process to its end. What it has left in the background is not
// followed further: nothing tells how far the real one has come.
func (x *execution) toEnd(ctx context.Context, program userland.Program) int {
	ctx, leave := context.WithCancelCause(ctx)
	over := x.under(func() { leave(nil) })
	x.sys.Done = ctx.Done()
	exit := x.perform(ctx, program, &x.p)
	leave(errLeft)
	x.t.jobs.Wait()
	if over() {
		return exitKilled
	}
	return exit
}

// cannotKnow says why the model cannot tell what a process of c does; empty
// where it can.
func (x *execution) cannotKnow(c container, program userland.Program) say.Phrase {
	if program == nil {
		return sayMachineCode(x.p.Path)
	}
	return c.foreign()
}

// line runs a line in a waiting shell.
func (x *execution) line(ctx context.Context, key string, sh idleShell, line string) sim.Output {
	shell, kill, release := x.patient(ctx)
	defer release()
	over := x.under(kill)
	x.sys.Done = shell.Done()
	hush := x.aloud(ctx)
	x.p.Jobs = x.t.asleep(sh)
	next, exit, ended := sh.Line(shell, &x.p, line)
	hush()
	if shell.Err() != nil {
		exit, ended = exitKilled, true
	}
	release()
	x.t.jobs.Wait()
	if over() {
		exit, ended = exitKilled, true
	}
	out := x.output(exit)
	if ended {
		x.hangup(key, exit)
		return out
	}
	sh.Shell, sh.process, sh.jobs = next, x.rest(), x.t.leave(next.Jobs())
	sh.orphans = slices.Concat(sh.orphans, x.t.leave(x.orphans))
	x.wait(key, sh)
	x.t.wakeJobs() // one that never sleeps has gone on already
	out.Shell = key
	return out
}

// patient is the context of a shell whose line may be given up by ctx: what
// the line has started is killed at once, and the shell itself if it does not
// come back.
// When the line is done, what it has left in the background is left.
func (x *execution) patient(ctx context.Context) (shell context.Context, kill, release func()) {
	programs, leave := context.WithCancelCause(ctx)
	x.interrupt = programs
	shell, end := context.WithCancelCause(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() {
		if x.children.Load() == 0 && !x.struck.Load() {
			end(nil)
			return
		}
		x.t.after(shell, sim.Grace, func() { end(nil) })
	})
	return shell, func() { leave(nil); end(nil) }, func() { forget(); end(errLeft); leave(errLeft) }
}

func (x *execution) output(exit int) sim.Output {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.save()
	return sim.Output{Stdout: x.stdout.String(), Stderr: x.stderr.String(), Exit: exit, Unknown: x.unknown}
}

func (x *execution) wait(key string, sh idleShell) { x.t.addShell(x.id, key, sh) }

// addShell makes a waiting shell, as it is now, one of the container's.
func (t *transition) addShell(id, key string, sh idleShell) {
	c, _ := t.state.container(id)
	if c.shells = maps.Clone(c.shells); c.shells == nil {
		c.shells = map[string]idleShell{}
	}
	c.shells[key] = sh
	t.state = t.state.with(c)
}

// hangup takes an ended shell out; the container stops if it was its own
// process.
func (x *execution) hangup(key string, exit int) {
	if key == x.id {
		x.t.end(x.id, exit)
		return
	}
	c, _ := x.t.state.container(x.id)
	c.shells = maps.Clone(c.shells)
	delete(c.shells, key)
	x.t.state = x.t.state.with(c)
	x.t.state.Machine = x.t.state.Machine.Exit(x.pid)
}

// running are the programs that run in the container.
func (x *execution) running() []vfs.Text {
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	var out []vfs.Text
	c, _ := x.t.state.container(x.id)
	for _, p := range x.t.state.Machine.Inside(c.ns.PID) {
		out = append(out, p.Text)
	}
	return out
}

// begin makes p a process of the machine.
func (x *execution) begin(p *userland.Process) {
	text := x.sys.Text(p.Path)
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	c, _ := x.t.state.container(x.id)
	m, started := x.t.state.Machine.Start(kernel.Process{
		Args: p.Args, Text: text, Credentials: credentials(p, x.lacks), Namespaces: c.ns, Container: x.id, Started: x.t.now,
	})
	x.t.state.Machine, x.pid, p.PID = m, started.PID, started.InnerPID
}

// exec runs a child of the process; it is the fork and execve of the model.
func (x *execution) exec(ctx context.Context, child *userland.Process) int {
	if context.Cause(ctx) == errEnded {
		return exitKilled // who would start it is not there any more
	}
	own := &execution{t: x.t, id: x.id, lacks: x.lacks, sys: x.inherit(child)}
	own.begin(child)
	child.Replace = own.replace
	x.children.Add(1)
	defer func() {
		if x.interrupt != nil && x.interrupt.Err() != nil {
			x.struck.Store(true)
		}
		x.children.Add(-1)
	}()
	all, begun := ctx.Value(killers{}).(context.Context)
	if begun {
		return x.outliving(ctx, all, own, child)
	}
	if x.interrupt != nil && x.interrupt.Err() == nil {
		ctx = x.interrupt
	}
	return x.live(ctx, own, child)
}

// live runs a child that has begun to its end, its own or that of ctx.
func (x *execution) live(ctx context.Context, own *execution, child *userland.Process) int {
	ctx, killedBy := x.t.killable(ctx, child.PID)
	if child.Started != nil {
		child.Started(child.PID)
	}
	own.sys.Done = ctx.Done()
	exit := x.perform(ctx, x.program(child), child)
	left := context.Cause(ctx) == errLeft
	if signal := killedBy(); signal != 0 {
		exit = kernel.Signal(signal).ExitStatus()
	}
	if left {
		return exit // it runs on
	}
	x.t.mu.Lock()
	defer x.t.mu.Unlock()
	x.t.state.Machine = x.t.state.Machine.Exit(own.pid)
	return exit
}

// replace lets another program go on in the process's place (execve(2)).
func (x *execution) replace(ctx context.Context, next *userland.Process) (int, bool) {
	own := &execution{t: x.t, id: x.id, lacks: x.lacks, sys: x.inherit(next), pid: x.pid}
	text := own.sys.Text(next.Path)
	x.t.mu.Lock()
	x.t.state.Machine, next.PID = x.t.state.Machine.Exec(x.pid, next.Args, text)
	x.t.mu.Unlock()
	next.Replace = own.replace
	own.sys.Done = ctx.Done()
	return x.perform(ctx, x.program(next), next), true
}

// inherit gives a child system calls of its own, so that its umask is.
func (x *execution) inherit(child *userland.Process) *vfs.Sys {
	own := *x.sys
	credentials(child, x.lacks).On(&own)
	child.FS = own.FS()
	child.SetUmask = func(mask uint32) { own.Umask, child.Umask = mask, mask }
	return &own
}

// program is what the file of p does; nil where the model cannot know.
func (x *execution) program(p *userland.Process) userland.Program {
	if !userland.HasRoom(p.Path, p.Args, p.Env) {
		return noRoom
	}
	content, err := x.sys.Content(p.Path)
	if err != nil {
		return nil
	}
	return x.t.model.program(content)
}

// noRoom is what is left of runc's first process where it cannot become the
// program.
func noRoom(_ context.Context, p *userland.Process) int {
	fmt.Fprintf(p.Stderr, "exec %s: argument list too long\n", p.Path)
	return 255
}

// program asks what a content does once and keeps the answer: to compare two
// executables takes as long as to read them.
func (m *Model) program(content *fs.Data) userland.Program {
	if known, ok := m.known.Load(content); ok {
		return known.(userland.Program)
	}
	p := m.cfg.Programs(content)
	m.known.Store(content, p)
	return p
}

const (
	exitUnknown = 126
	exitKilled  = 128 + int(kernel.SIGKILL)
)

func (x *execution) perform(ctx context.Context, program userland.Program, p *userland.Process) int {
	if program != nil {
		return program(ctx, p)
	}
	x.beyond(sayMachineCodeDoes(p.Path))
	return exitUnknown
}
