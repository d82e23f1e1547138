//go:build linux

package embedded

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/helper"
)

// idMap is how the ids of the helper's user namespace map to ours
// (user_namespaces(7)).
type idMap struct {
	uids, gids []syscall.SysProcIDMap
	tool       bool // newuidmap and newgidmap must write it
	setgroups  bool
	become0    bool // we are not the user that 0 maps to
}

// mapFor is the widest map that the caller may have: root keeps every id it
// has; an ordinary user is 0 inside, with the range that /etc/subuid gives
// where newuidmap is installed.
func mapFor(as *User) idMap {
	switch {
	case as != nil:
		return pretended(*as)
	case os.Geteuid() == 0:
		return idMap{uids: helper.Identity("/proc/self/uid_map"), gids: helper.Identity("/proc/self/gid_map"), setgroups: true}
	}
	uids, gids := subIDs("/etc/subuid"), subIDs("/etc/subgid")
	if uids == nil || gids == nil || !installed("newuidmap") || !installed("newgidmap") {
		return single()
	}
	return idMap{uids: append(one(os.Geteuid()), *uids), gids: append(one(os.Getegid()), *gids), tool: true}
}

// single is the map that everybody may have.
func single() idMap {
	return idMap{uids: one(os.Geteuid()), gids: one(os.Getegid())}
}

func one(id int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
}

// pretended is the map of an ordinary user, made by root.
func pretended(as User) idMap {
	m := one(as.ID)
	if as.Count > 0 {
		m = append(m, syscall.SysProcIDMap{ContainerID: 1, HostID: as.First, Size: as.Count})
	}
	return idMap{uids: m, gids: m, setgroups: as.Count > 0, become0: true}
}

// subIDs is the first range that a file gives our user, by name or number
// (subuid(5)); nil where there is none.
func subIDs(file string) *syscall.SysProcIDMap {
	me, err := user.Current()
	if err != nil {
		return nil
	}
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 || f[0] != me.Username && f[0] != me.Uid {
			continue
		}
		first, err1 := strconv.Atoi(f[1])
		count, err2 := strconv.Atoi(f[2])
		if err1 == nil && err2 == nil && count > 0 {
			return &syscall.SysProcIDMap{ContainerID: 1, HostID: first, Size: count}
		}
	}
	return nil
}

func installed(tool string) bool {
	_, err := exec.LookPath(tool)
	return err == nil
}

// start starts cmd in a user namespace with the map.
func (m idMap) start(cmd *exec.Cmd) error {
	if m.tool {
		return m.startWithTool(cmd)
	}
	attr := cmd.SysProcAttr
	attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = m.uids, m.gids, m.setgroups
	if m.become0 {
		attr.Credential = &syscall.Credential{NoSetGroups: !m.setgroups}
	}
	return cmd.Start()
}

// startWithTool starts cmd without a map and has newuidmap and newgidmap
// write it. The process waits for that, and executes itself again: without a
// map it lost its capabilities when it was first executed (capabilities(7)).
func (m idMap) startWithTool(cmd *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()
	cmd.Args, cmd.ExtraFiles = []string{waiterStage}, append(cmd.ExtraFiles, r)
	err = cmd.Start()
	r.Close()
	if err != nil {
		return err
	}
	for tool, ids := range map[string][]syscall.SysProcIDMap{"newuidmap": m.uids, "newgidmap": m.gids} {
		if out, err := exec.Command(tool, toolArgs(cmd.Process.Pid, ids)...).CombinedOutput(); err != nil {
			cmd.Process.Kill()
			cmd.Wait()
			return fmt.Errorf("%s: %w: %s", tool, err, out)
		}
	}
	_, err = w.Write([]byte("ok"))
	return err
}

func toolArgs(pid int, ids []syscall.SysProcIDMap) []string {
	args := []string{strconv.Itoa(pid)}
	for _, r := range ids {
		args = append(args, strconv.Itoa(r.ContainerID), strconv.Itoa(r.HostID), strconv.Itoa(r.Size))
	}
	return args
}

// waitForMap is the process that startWithTool starts.
func waitForMap() int {
	if n, _ := os.NewFile(4, "map").Read(make([]byte, 2)); n == 0 {
		return 1
	}
	unix.CloseOnExec(4)
	unix.Exec("/proc/self/exe", []string{openStage}, os.Environ())
	return 1
}
