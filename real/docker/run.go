package docker

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"twinlayer/real/docker/daemon"
	"twinlayer/real/shell"
	"twinlayer/sim"
)

// stream is the connection to a process, its outputs apart.
type stream struct {
	client.HijackedResponse
	stdout, stderr *io.PipeReader
}

// newStream takes the two outputs out of one connection
// (https://docs.docker.com/reference/api/engine, "Stream format").
func newStream(h client.HijackedResponse) *stream {
	s := &stream{HijackedResponse: h}
	var out, errs *io.PipeWriter
	s.stdout, out = io.Pipe()
	s.stderr, errs = io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(out, errs, h.Reader)
		out.CloseWithError(err)
		errs.CloseWithError(err)
	}()
	return s
}

// stdin is the process's input; closing it is its end.
type stdin struct{ *stream }

func (s stdin) Write(p []byte) (int, error) { return s.Conn.Write(p) }

func (s stdin) Close() error { return s.CloseWrite() }

// gather reads all that is printed until the process ends.
func (s *stream) gather(ctx context.Context) (stdout, stderr string) {
	var out, errs sim.Printed
	var both sync.WaitGroup
	for w, r := range map[*sim.Printed]io.Reader{&out: s.stdout, &errs: s.stderr} {
		both.Go(func() {
			w, hush := sim.Aloud(ctx, w)
			io.Copy(w, r)
			hush()
		})
	}
	both.Wait()
	return out.String(), errs.String()
}

// Start runs a container's own process.
func (e *Engine) Start(ctx context.Context, key string, detach bool) (sim.Output, error) {
	c, now, err := e.container(ctx, key)
	if err != nil || now.Status == sim.Running {
		return sim.Output{}, err
	}
	lines := sim.IsInteractiveShell(c.Path, c.Interactive)
	if detach && !lines {
		return sim.Output{}, e.start(ctx, c)
	}
	if err := e.prepare(ctx, c); err != nil {
		return sim.Output{}, err
	}
	attached, err := e.client.ContainerAttach(context.WithoutCancel(ctx), c.engine, client.ContainerAttachOptions{
		Stream: true, Stdin: c.Interactive, Stdout: true, Stderr: true})
	if err != nil {
		return sim.Output{}, e.cfg.Explain(err)
	}
	s := newStream(attached.HijackedResponse)
	if err := e.start(ctx, c); err != nil {
		s.Close()
		return sim.Output{}, err
	}
	if lines {
		return e.await(ctx, &shellSession{name: c.ID, in: c, stream: s, end: func() (int, error) { return e.ended(c) }})
	}
	s.CloseWrite()
	stop := context.AfterFunc(ctx, func() {
		e.client.ContainerKill(context.WithoutCancel(ctx), c.engine, client.ContainerKillOptions{Signal: "KILL"})
	})
	defer stop()
	out, errs := s.gather(ctx)
	s.Close()
	exit, err := e.ended(c)
	return sim.Output{Stdout: out, Stderr: errs, Exit: exit}, err
}

// prepare makes a container's process without starting it, as Podman does when
// it is attached to: only so does it tell why that fails, before a container
// that is to remove itself has gone.
func (e *Engine) prepare(ctx context.Context, c *record) error {
	if !e.cfg.Podman {
		return nil
	}
	err := e.overLibpod(ctx, http.MethodPost, "containers/"+c.engine+"/init", nil, "", func(io.Reader) error { return nil })
	return e.notStarted(ctx, c, err)
}

// start starts a container.
func (e *Engine) start(ctx context.Context, c *record) error {
	c.began(e.wait(context.WithoutCancel(ctx), c, container.WaitConditionNextExit))
	_, err := e.client.ContainerStart(ctx, c.engine, client.ContainerStartOptions{})
	return e.notStarted(ctx, c, err)
}

// notStarted is why a container cannot start; one that was to remove itself
// goes.
func (e *Engine) notStarted(ctx context.Context, c *record, err error) error {
	if err == nil {
		return nil
	}
	c.exit = nil
	if c.AutoRemove {
		e.client.ContainerRemove(context.WithoutCancel(ctx), c.engine, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		if failed := e.forget(context.WithoutCancel(ctx), c, true); failed != nil {
			return failed
		}
	}
	return e.refusedStart(err, sim.StartFailed)
}

// began notes how the end of this start can be learned: the engine is asked
// before it starts, so that no end is missed.
func (c *record) began(wait func() (int, error)) {
	c.exit = make(chan end, 1)
	go func(exit chan end) {
		status, err := wait()
		exit <- end{status, err}
	}(c.exit)
}

type end struct {
	status int
	err    error
}

// ended waits until a container has ended and, if it removes itself, is gone.
func (e *Engine) ended(c *record) (int, error) {
	got := <-c.exit
	c.exit <- got // for whoever asks next
	for range 200 {
		if !c.AutoRemove || got.err != nil {
			break
		}
		_, err := e.client.ContainerInspect(context.Background(), c.engine, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return got.status, e.forget(context.Background(), c, true)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return got.status, got.err
}

// cause finds in the text of an engine of any age what its runtime could not
// do; docker's own text for it is sim's.
var cause = regexp.MustCompile(`exec: ("(?:[^"\\]|\\.)*"): ((?:stat [^:]*: )?(?:executable file not found in \$PATH|no such file or directory|permission denied|is a directory))`)

// noDirectory is what runtimes say of a working directory that cannot be
// entered.
var noDirectory = regexp.MustCompile(`chdir to cwd \("[^"]*"\) set in config\.json failed: [a-z ]+`)

// refusedStart puts a failure to start a program into docker's words of today.
func (e *Engine) refusedStart(err error, runtime func(string) *sim.Refusal) error {
	text := daemon.Words(err)
	if found := cause.FindStringSubmatch(text); found != nil {
		return runtime("exec: " + found[1] + ": " + found[2])
	}
	if strings.Contains(text, "OCI runtime") || strings.Contains(text, "runc") || strings.Contains(text, "crun") {
		return &sim.Refusal{Text: text, Exit: 127}
	}
	return e.refused(err, 125)
}

// refused is explain for what makes and starts containers, where engines tell
// of a learner's mistake as of one of their own; exit is docker's status then.
func (e *Engine) refused(err error, exit int) error {
	if cerrdefs.IsInternal(err) && !strings.Contains(err.Error(), "no space left on device") {
		return &sim.Refusal{Text: daemon.Words(err), Exit: exit}
	}
	return e.cfg.Explain(err)
}

// Exec runs one more process in a container.
func (e *Engine) Exec(ctx context.Context, key string, p sim.Process) (sim.Output, error) {
	c, _, err := e.running(ctx, key)
	if err != nil {
		return sim.Output{}, err
	}
	made, err := e.client.ExecCreate(ctx, c.engine, client.ExecCreateOptions{
		User: p.User, Env: p.Env, WorkingDir: p.Dir, Cmd: p.Args,
		AttachStdin: p.Interactive, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return sim.Output{}, e.cfg.Explain(err)
	}
	attached, err := e.client.ExecAttach(context.WithoutCancel(ctx), made.ID, client.ExecAttachOptions{})
	if err != nil {
		return sim.Output{}, e.refusedStart(err, sim.ExecRefused)
	}
	s := newStream(attached.HijackedResponse)
	finished := func() (int, error) { return e.execEnded(made.ID) }
	if sim.IsInteractiveShell(p.Args, p.Interactive) {
		return e.await(ctx, &shellSession{name: p.ID, in: c, stream: s, end: finished})
	}
	s.CloseWrite()
	over := whenGivenUp(ctx, func(done <-chan struct{}) { e.endExec(c, s, done) })
	out, errs := s.gather(ctx)
	over()
	s.Close()
	exit, err := finished()
	if refusal := notExecuted(exit, out+errs); refusal != nil {
		return sim.Output{}, refusal
	}
	return sim.Output{Stdout: out, Stderr: errs, Exit: exit}, err
}

// newest kills the process that was put into the container last, with what it
// has started: such a one has no parent there (pid_namespaces(7)). The
// arguments are those that it is not. A name in /proc/pid/stat may have any
// character, and ends at the last parenthesis (proc(5)).
const newest = kills + `last=0 newest=
for s in /proc/[0-9]*/stat; do
read -r line 2>/dev/null <$s || continue
pid=${line%% *}
case " 1 $$ $* " in *" $pid "*) continue;; esac
set -f; set -- "$*" ${line##*) }; known=$1 parent=$3
[ "$parent" = 0 ] && [ "${21}" -ge "$last" ] && last=${21} newest=$pid
set +f; set -- $known
done
[ "$newest" ] && all $newest`

// endExec ends the process of an exec when the learner gives it up; the API
// has no call for that. Where the container has no shell to do it, its output
// alone ends.
func (e *Engine) endExec(c *record, s *stream, done <-chan struct{}) {
	args := []string{"sh", "-c", newest, "sh"}
	e.mu.Lock()
	for _, other := range e.shells {
		if other.in == c {
			args = append(args, strconv.Itoa(other.pid))
		}
	}
	e.mu.Unlock()
	e.inside(c, args...)
	select {
	case <-done:
	case <-time.After(sim.Grace):
		s.Close()
	}
}

// notExecuted is the refusal that an engine prints on the stream of an exec
// where a program cannot start.
func notExecuted(exit int, printed string) error {
	if exit != 126 && exit != 127 || !strings.Contains(printed, "OCI runtime exec failed") && !strings.Contains(printed, "OCI runtime") {
		return nil
	}
	if found := cause.FindStringSubmatch(printed); found != nil {
		return sim.ExecRefused("exec: " + found[1] + ": " + found[2])
	}
	if found := noDirectory.FindString(printed); found != "" {
		return sim.ExecRefused(found)
	}
	return &sim.Refusal{Text: strings.TrimSpace(printed), Exit: exit}
}

// execEnded is the exit status of an exec. Its output ends a moment before
// the engine notes its end.
func (e *Engine) execEnded(id string) (int, error) {
	for range 500 {
		now, err := e.client.ExecInspect(context.Background(), id, client.ExecInspectOptions{})
		if err != nil || !now.Running {
			return now.ExitCode, e.cfg.Explain(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return 0, sim.Refuse("the process goes on, since nothing in the container can end it: stop the container with docker stop")
}

// Logs are what the engine's log driver kept, without the signs of a shell that
// takes lines.
func (e *Engine) Logs(ctx context.Context, key string, follow bool) (sim.Output, error) {
	c, _, err := e.container(ctx, key)
	if err != nil {
		return sim.Output{}, err
	}
	r, err := e.client.ContainerLogs(ctx, c.engine, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: follow})
	if err != nil {
		return sim.Output{}, e.cfg.Explain(err)
	}
	defer r.Close()
	var out, errs sim.Printed
	if !follow {
		ctx = sim.WithProgress(ctx, nil)
	}
	aloud, hush := sim.Aloud(ctx, &out)
	defer hush()
	aside, hush := sim.Aloud(ctx, &errs)
	defer hush()
	stdout, stderr := shell.Clean(aloud), shell.Clean(aside)
	_, err = stdcopy.StdCopy(stdout, stderr, r)
	stdout.Close()
	stderr.Close()
	if follow && ctx.Err() != nil {
		err = nil // it was given up
	}
	return sim.Output{Stdout: out.String(), Stderr: errs.String()}, e.cfg.Explain(err)
}
