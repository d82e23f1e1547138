package sim

import (
	"slices"
	"strconv"
	"strings"

	"twinlayer/kernel"
)

// User is whom a process runs as.
type User struct {
	UID, GID int
	Groups   []int
	Home     string
}

// Credentials are those of a process of the user's.
func (u User) Credentials() kernel.Credentials {
	c := kernel.Credentials{UID: uint32(u.UID), GID: uint32(u.GID)}
	for _, g := range u.Groups {
		c.Groups = append(c.Groups, uint32(g))
	}
	return c
}

// FindUser is the user that "name|uid[:group|gid]" means by the texts of
// /etc/passwd and /etc/group; "" is root. What it refuses is in docker's
// words.
func FindUser(who, passwd, group string) (User, *Refusal) {
	name, groupName, withGroup := strings.Cut(who, ":")
	if name == "" {
		name = "0"
	}
	u := User{Home: "/"}
	entry := findEntry(passwd, name, 7)
	switch id, err := strconv.Atoi(name); {
	case entry != nil:
		u.UID, u.GID, u.Home = number(entry[2]), number(entry[3]), entry[5]
	case err != nil || id < 0:
		return u, Refuse("unable to find user %s: no matching entries in passwd file", name)
	default:
		u.UID = id
	}
	if !withGroup {
		u.Groups = withPrimary(u.GID, memberships(group, entry))
		return u, nil
	}
	gid, refusal := findGroup(groupName, group)
	u.GID, u.Groups = gid, []int{gid}
	return u, refusal
}

// withPrimary puts the user's own group before the others, as Docker does
// since 20.10.18, so that a file of that group cannot be shut to him alone
// (CVE-2022-36109).
func withPrimary(gid int, others []int) []int {
	return append([]int{gid}, slices.DeleteFunc(others, func(g int) bool { return g == gid })...)
}

// TooFewIDs is the answer to a process that should run as an id which the
// engine's user namespace does not map.
func TooFewIDs(uid, gid int) *Refusal {
	return Refuse("cannot run as %d:%d: this engine has only the id 0; install uidmap (newuidmap) and a range for you in /etc/subuid and /etc/subgid, then start twinlayer again", uid, gid)
}

// findEntry is the line of a passwd or group file whose name or id is key.
func findEntry(file, key string, fields int) []string {
	for line := range strings.Lines(file) {
		parts := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(parts) >= fields && (parts[0] == key || parts[2] == key) {
			return parts
		}
	}
	return nil
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func findGroup(name, group string) (int, *Refusal) {
	if entry := findEntry(group, name, 4); entry != nil {
		return number(entry[2]), nil
	}
	if id, err := strconv.Atoi(name); err == nil && id >= 0 {
		return id, nil
	}
	return 0, Refuse("unable to find group %s: no matching entries in group file", name)
}

// memberships are the groups that list the user of a passwd entry.
func memberships(group string, entry []string) []int {
	var out []int
	for line := range strings.Lines(group) {
		parts := strings.Split(strings.TrimRight(line, "\n"), ":")
		if entry != nil && len(parts) >= 4 && slices.Contains(strings.Split(parts[3], ","), entry[0]) {
			out = append(out, number(parts[2]))
		}
	}
	return out
}
