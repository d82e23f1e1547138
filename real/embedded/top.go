package embedded

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Top tells of a container's processes what ps -ef does on the host.
func (e *Engine) Top(ctx context.Context, container string) ([][]string, error) {
	outer, err := e.hostPIDs(ctx, container)
	if err != nil {
		return nil, err
	}
	rows := [][]string{{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}}
	boot := bootTime()
	for _, pid := range outer {
		if row := psRow(pid, boot, time.Now()); row != nil {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// hostPIDs are a container's processes as the host numbers them, its first
// process first. The helper has a pid namespace of its own, so only we see
// both numbers (proc_pid_status(5), NSpid).
func (e *Engine) hostPIDs(ctx context.Context, container string) ([]int, error) {
	inner, err := call[[]int](ctx, e, "pids", container)
	if err != nil {
		return nil, err
	}
	all := map[int]status{}
	names, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range names {
		if s := readStatus(name); len(s.pids) > 1 {
			all[s.pids[0]] = s
		}
	}
	outer := make([]int, len(inner))
	for pid, s := range all {
		if i := slices.Index(inner, s.pids[1]); i >= 0 && e.started(all, pid) {
			outer[i] = pid
		}
	}
	return slices.DeleteFunc(outer, func(pid int) bool { return pid == 0 }), nil
}

// started says whether a process descends from the helper.
func (e *Engine) started(all map[int]status, pid int) bool {
	for range 1000 {
		s, ok := all[pid]
		switch {
		case pid == e.pid:
			return true
		case !ok:
			return false
		}
		pid = s.parent
	}
	return false
}

// status is what we need of a process's status.
type status struct {
	parent int
	uid    string
	pids   []int // from our namespace inwards
}

func readStatus(name string) (s status) {
	f, err := os.Open(name)
	if err != nil {
		return s
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) < 2:
		case fields[0] == "PPid:":
			s.parent, _ = strconv.Atoi(fields[1])
		case fields[0] == "Uid:":
			s.uid = fields[2]
		case fields[0] == "NSpid:":
			for _, f := range fields[1:] {
				pid, _ := strconv.Atoi(f)
				s.pids = append(s.pids, pid)
			}
		}
	}
	return s
}

// ticks is how many ticks of the clock make a second in /proc; Linux has no
// other value.
const ticks = 100

// psRow is a process's row; nil if it has ended.
func psRow(pid int, boot, now time.Time) []string {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return nil
	}
	text := string(stat)
	name := text[strings.Index(text, "(")+1 : strings.LastIndex(text, ")")]
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i-3], 10, 64); return n } // i as proc_pid_stat(5) counts
	used := time.Duration(number(14)+number(15)) * time.Second / ticks
	began := boot.Add(time.Duration(number(22)) * time.Second / ticks)
	busy := 0
	if age := now.Sub(began); age > 0 {
		busy = int(min(99, used*100/age))
	}
	return []string{userName(readStatus(dir + "status").uid), strconv.Itoa(pid), fields[1], strconv.Itoa(busy),
		startTime(began, now), "?", clock(used), commandLine(dir, name)}
}

func startTime(began, now time.Time) string {
	if now.Sub(began) > 24*time.Hour {
		return began.Format("Jan02")
	}
	return began.Format("15:04")
}

func clock(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

func commandLine(dir, name string) string {
	args, _ := os.ReadFile(dir + "cmdline")
	if len(args) == 0 {
		return "[" + name + "]"
	}
	return strings.ReplaceAll(strings.TrimRight(string(args), "\x00"), "\x00", " ")
}

func userName(uid string) string {
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return uid
}

// bootTime is when the machine started (proc_stat(5), btime).
func bootTime() time.Time {
	text, _ := os.ReadFile("/proc/stat")
	_, rest, _ := strings.Cut(string(text), "\nbtime ")
	rest, _, _ = strings.Cut(rest, "\n")
	seconds, _ := strconv.ParseInt(rest, 10, 64)
	return time.Unix(seconds, 0)
}
