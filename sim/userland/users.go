package userland

import (
	"slices"
	"strconv"
	"strings"

	"twinlayer/fs"
)

// user is a line of /etc/passwd, group one of /etc/group.
type user struct {
	name     string
	uid, gid int
	home     string
}

type group struct {
	name    string
	gid     int
	members []string
}

// records are the lines of a colon-separated file that have at least n fields.
func records(fsys fs.FS, file string, n int) [][]string {
	text, err := readFile(fsys, file)
	if err != nil {
		return nil
	}
	var out [][]string
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) >= n {
			out = append(out, f)
		}
	}
	return out
}

func findUser(fsys fs.FS, fits func(user) bool) (user, bool) {
	for _, f := range records(fsys, "/etc/passwd", 4) {
		u := user{name: f[0]}
		u.uid, _ = strconv.Atoi(f[2])
		u.gid, _ = strconv.Atoi(f[3])
		if len(f) > 5 {
			u.home = f[5]
		}
		if fits(u) {
			return u, true
		}
	}
	return user{}, false
}

func userByName(fsys fs.FS, name string) (user, bool) {
	return findUser(fsys, func(u user) bool { return u.name == name })
}

func userByID(fsys fs.FS, uid int) (user, bool) {
	return findUser(fsys, func(u user) bool { return u.uid == uid })
}

func groups(fsys fs.FS) []group {
	var out []group
	for _, f := range records(fsys, "/etc/group", 3) {
		g := group{name: f[0]}
		g.gid, _ = strconv.Atoi(f[2])
		if len(f) > 3 {
			g.members = strings.Split(f[3], ",")
		}
		out = append(out, g)
	}
	return out
}

func findGroup(fsys fs.FS, fits func(group) bool) (group, bool) {
	all := groups(fsys)
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], true
	}
	return group{}, false
}

func groupByName(fsys fs.FS, name string) (group, bool) {
	return findGroup(fsys, func(g group) bool { return g.name == name })
}

// names keeps the names of ids that were looked up.
type names struct {
	fsys          fs.FS
	users, groups map[uint32]string
}

func newNames(fsys fs.FS) *names {
	return &names{fsys, map[uint32]string{}, map[uint32]string{}}
}

// user is the name of a user id, or the id itself.
func (n *names) user(uid uint32) string {
	if name, ok := n.users[uid]; ok {
		return name
	}
	name := strconv.Itoa(int(uid))
	if u, ok := userByID(n.fsys, int(uid)); ok {
		name = u.name
	}
	n.users[uid] = name
	return name
}

func (n *names) group(gid uint32) string {
	if name, ok := n.groups[gid]; ok {
		return name
	}
	name := strconv.Itoa(int(gid))
	if g, ok := findGroup(n.fsys, func(g group) bool { return g.gid == int(gid) }); ok {
		name = g.name
	}
	n.groups[gid] = name
	return name
}

// userID is the id of a user given by name or number.
func userID(fsys fs.FS, s string) (int, bool) {
	if u, ok := userByName(fsys, s); ok {
		return u.uid, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil
}

func groupID(fsys fs.FS, s string) (int, bool) {
	if g, ok := groupByName(fsys, s); ok {
		return g.gid, true
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return int(n), err == nil
}

// id prints who runs it, or who a named user is.
func id(t *tool) int {
	if t.has('n') && t.last("ugG") == 0 {
		return badUsage
	}
	who := identity{uid: t.UID, gid: t.GID, groups: t.Groups}
	if len(t.args) > 0 {
		u, ok := userByName(t.FS, t.args[0])
		if !ok {
			return t.errorf("unknown user %s", t.args[0])
		}
		who = identity{uid: u.uid, gid: u.gid, groups: []int{u.gid}}
		for _, g := range groups(t.FS) {
			if g.gid != u.gid && slices.Contains(g.members, u.name) {
				who.groups = append(who.groups, g.gid)
			}
		}
	}
	if !slices.Contains(who.groups, who.gid) && len(who.groups) > 0 || t.has('G') && !slices.Contains(who.groups, who.gid) {
		who.groups = append([]int{who.gid}, who.groups...)
	}
	t.println(t.describeID(who))
	return 0
}

type identity struct {
	uid, gid int
	groups   []int
}

func (t *tool) describeID(who identity) string {
	n := newNames(t.FS)
	userName, groupName := n.user(uint32(who.uid)), func(gid int) string { return n.group(uint32(gid)) }
	switch {
	case t.has('u') && t.has('n'):
		return userName
	case t.has('u'):
		return strconv.Itoa(who.uid)
	case t.has('g') && t.has('n'):
		return groupName(who.gid)
	case t.has('g'):
		return strconv.Itoa(who.gid)
	case t.has('G'):
		var list []string
		for _, g := range who.groups {
			if t.has('n') {
				list = append(list, groupName(g))
			} else {
				list = append(list, strconv.Itoa(g))
			}
		}
		return strings.Join(list, " ")
	}
	both := func(id int, name string) string {
		if name == strconv.Itoa(id) {
			return name
		}
		return strconv.Itoa(id) + "(" + name + ")"
	}
	s := "uid=" + both(who.uid, userName) + " gid=" + both(who.gid, groupName(who.gid))
	for i, g := range who.groups {
		sep := ","
		if i == 0 {
			sep = " groups="
		}
		s += sep + both(g, groupName(g))
	}
	return s
}

func whoami(t *tool) int {
	u, ok := userByID(t.FS, t.UID)
	if !ok {
		return t.errorf("unknown uid %d", t.UID)
	}
	t.println(u.name)
	return 0
}
