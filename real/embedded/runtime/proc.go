//go:build linux

package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Proc is a running process of a container, or one that ended.
type Proc struct {
	Stdin          io.WriteCloser // nil where the process reads /dev/null
	Stdout, Stderr io.Reader      // they end when the process does

	process    *os.Process
	pidfd      int
	namespaces int     // that it has for itself
	limits     *Limits // of its container
	done       chan struct{}
	exit       int

	mu     sync.RWMutex // held while pidfd is used
	closed bool
}

// pipes are the streams of a process that is about to start.
type pipes struct {
	ours, theirs [3]*os.File
	interactive  bool
}

// newPipes are three pipes. Where the process is not interactive, the container's
// own /dev/null takes the place of the first ([pipes.openNull]).
func newPipes(interactive bool) (p *pipes, err error) {
	p = &pipes{interactive: interactive}
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		p.ours[i], p.theirs[i] = r, w
	}
	p.ours[0], p.theirs[0] = p.theirs[0], p.ours[0]
	if !interactive {
		p.ours[0].Close() // so that it reads as empty
	}
	return p, nil
}

// openNull opens /dev/null, in the root directory of the calling thread, for a
// process that is not interactive. The host's own would be a way to the host's
// file: root in the container could change its mode.
func (p *pipes) openNull() error {
	if p.interactive {
		return nil
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return runtimeFailure("open %s: %v", os.DevNull, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(1, 3) {
		unix.Close(fd)
		return runtimeFailure("%s is not the null device", os.DevNull)
	}
	unix.FcntlInt(uintptr(fd), unix.F_SETFL, 0)
	p.theirs[0].Close()
	p.theirs[0] = os.NewFile(uintptr(fd), os.DevNull)
	return nil
}

func (p *pipes) close() {
	for _, f := range append(p.ours[:], p.theirs[:]...) {
		if f != nil {
			f.Close()
		}
	}
}

// proc is the started process that holds the other ends.
func (p *pipes) proc(process *os.Process, pidfd int) *Proc {
	for _, f := range p.theirs {
		f.Close()
	}
	out, err := &tail{f: p.ours[1]}, &tail{f: p.ours[2]}
	proc := &Proc{Stdout: out, Stderr: err, process: process, pidfd: pidfd, done: make(chan struct{})}
	if p.interactive {
		proc.Stdin = p.ours[0]
	}
	go func() {
		proc.wait()
		out.end()
		err.end()
	}()
	return proc
}

func (p *Proc) wait() {
	defer close(p.done)
	state, err := p.process.Wait()
	if err != nil {
		p.exit = 255
		return
	}
	status := state.Sys().(syscall.WaitStatus)
	p.exit = status.ExitStatus()
	if status.Signaled() {
		p.exit = 128 + int(status.Signal())
	}
}

// Done is closed when the process has ended.
func (p *Proc) Done() <-chan struct{} { return p.done }

// Wait waits for the process and returns its exit status, 128+n where signal
// n ended it.
func (p *Proc) Wait() int {
	<-p.done
	return p.exit
}

// Kill ends the process; where it is a container's first, all of them.
func (p *Proc) Kill() { p.process.Kill() }

// Signal sends the process a signal. A container's first process does not
// get one that it neither handles nor cannot handle (pid_namespaces(7)).
func (p *Proc) Signal(signal syscall.Signal) error { return p.process.Signal(signal) }

// PID is the process's number, as the caller's proc has it.
func (p *Proc) PID() int { return p.process.Pid }

// PIDs are all processes of the container whose first process p is.
func (p *Proc) PIDs() (pids []int) {
	space := pidSpace(p.process.Pid)
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && space != "" && pidSpace(pid) == space {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// pidSpace names the pid namespace of a process.
func pidSpace(pid int) string {
	space, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	return space
}

// Freeze stops every process of the container, as SIGSTOP does, until thaw is
// called. What was stopped before stays so.
func (p *Proc) Freeze() (thaw func()) {
	var stopped []int
	for again := true; again; { // what is not stopped yet may still fork
		again = false
		for _, pid := range p.PIDs() {
			if slices.Contains(stopped, pid) || processState(pid) == "T" || processState(pid) == "Z" {
				continue
			}
			if unix.Kill(pid, unix.SIGSTOP) == nil {
				stopped, again = append(stopped, pid), true
				awaitStop(pid)
			}
		}
	}
	return func() {
		for _, pid := range stopped {
			unix.Kill(pid, unix.SIGCONT)
		}
	}
}

// awaitStop waits until a process has stopped or ended, or a second for one
// that the kernel does not let go (it waits for a disk).
func awaitStop(pid int) {
	for limit := time.Now().Add(time.Second); time.Now().Before(limit); time.Sleep(100 * time.Microsecond) {
		if state := processState(pid); state == "T" || state == "Z" || state == "" {
			return
		}
	}
}

// processState is what a process does (proc_pid_stat(5), field 3).
func processState(pid int) string {
	if fields := statFields(strconv.Itoa(pid)); len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// statFields are the fields of a process's stat from the third on.
func statFields(pid string) []string {
	stat, _ := os.ReadFile("/proc/" + pid + "/stat")
	return strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
}

// Close frees what is left of a process that has ended, after its output was
// read.
func (p *Proc) Close() {
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	if p.Stdin != nil {
		p.Stdin.Close()
	}
	p.Stdout.(*tail).f.Close()
	p.Stderr.(*tail).f.Close()
	unix.Close(p.pidfd)
}

// KillChildren kills what the process started, and what that started, and so
// on; it returns how many processes that were.
func (p *Proc) KillChildren() int {
	parents := parents()
	killed := 0
	for pid := range parents {
		if pid != p.process.Pid && descends(parents, pid, p.process.Pid) && unix.Kill(pid, unix.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// parents are the parents of all processes (proc_pid_stat(5), field 4).
func parents() map[int]int {
	all := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if fields := statFields(e.Name()); len(fields) > 1 {
			all[pid], _ = strconv.Atoi(fields[1])
		}
	}
	return all
}

func descends(parents map[int]int, pid, from int) bool {
	for ; pid != 0; pid = parents[pid] {
		if pid == from {
			return true
		}
	}
	return false
}

// tail reads a pipe until its writers are gone or the process it belongs to
// has ended, whichever comes first. What was in the pipe at that moment is
// still read; what a job left behind writes later is not.
type tail struct {
	f    *os.File
	left int // after the end: how much the pipe may have held
}

// end is called when the process has ended; it wakes a Read that waits.
func (t *tail) end() { t.f.SetReadDeadline(time.Unix(1, 0)) }

func (t *tail) Read(p []byte) (int, error) {
	if t.left == 0 {
		n, err := t.f.Read(p)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		t.left = 1 << 16 // a pipe's capacity, pipe(7)
	}
	return t.rest(p)
}

// rest reads what is there without waiting for more.
func (t *tail) rest(p []byte) (n int, err error) {
	conn, err := t.f.SyscallConn()
	if err != nil {
		return 0, err
	}
	conn.Control(func(fd uintptr) { n, err = unix.Read(int(fd), p[:min(len(p), t.left)]) })
	if n <= 0 || n >= t.left {
		t.f.Close()
		return max(n, 0), io.EOF
	}
	t.left -= n
	return n, nil
}
