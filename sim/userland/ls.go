package userland

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"twinlayer/fs"
)

// entry is one line of a listing.
type entry struct {
	name, path string
	st         *fs.Stat
}

// lister is a running ls.
type lister struct {
	*tool
	names   *names
	several bool // directories get their name before their entries
	printed bool
}

func ls(t *tool) int {
	l := &lister{tool: t, names: newNames(t.FS)}
	args := t.args
	if len(args) == 0 {
		args = []string{"."}
	}
	var files, dirs []entry
	for _, name := range args {
		e, ok := l.entry(name, name, true)
		switch {
		case !ok:
		case !t.has('d') && e.st.Mode&fs.S_IFMT == fs.S_IFDIR:
			dirs = append(dirs, e)
		default:
			files = append(files, e)
		}
	}
	l.several = len(args) > 1 || t.has('R')
	l.sort(files)
	l.sort(dirs)
	l.show(files)
	for _, d := range dirs {
		l.directory(d)
	}
	return 0
}

// entry stats a name. One that was named is followed, unless the link itself
// is to be shown.
func (l *lister) entry(name, path string, named bool) (entry, bool) {
	follow := l.has('L') || named && !l.has('l') && !l.has('d') && !l.has('F') && !l.has('i') || named && l.has('H')
	stat := l.lstat
	if follow {
		stat = l.stat
	}
	st, err := stat(path)
	if err != nil && follow && named && !l.has('L') {
		st, err = l.lstat(path)
	}
	if err != nil {
		l.fail(path, err)
		return entry{}, false
	}
	return entry{name, path, st}, true
}

func (l *lister) directory(d entry) {
	if l.done() {
		return
	}
	if l.several {
		if l.printed {
			l.println("")
		}
		l.printf("%s:\n", d.path)
	}
	l.printed = true
	list, err := l.tool.names(d.path)
	if err != nil {
		l.fail(d.path, err)
		return
	}
	entries := l.entries(d.path, list)
	l.sort(entries)
	if l.has('l') || l.has('s') {
		l.total(entries)
	}
	l.show(entries)
	if l.has('R') {
		for _, e := range entries {
			if e.st.Mode&fs.S_IFMT == fs.S_IFDIR && e.name != "." && e.name != ".." {
				l.directory(e)
			}
		}
	}
}

func (l *lister) entries(dir string, list []string) []entry {
	if l.has('a') {
		list = append([]string{".", ".."}, list...)
	}
	var out []entry
	for _, name := range list {
		if name[0] == '.' && !l.has('a') && !l.has('A') {
			continue
		}
		if e, ok := l.entry(name, join(dir, name), false); ok {
			out = append(out, e)
		}
	}
	return out
}

func (l *lister) total(entries []entry) {
	blocks := int64(0)
	for _, e := range entries {
		blocks += e.st.Blocks
	}
	if l.has('h') {
		l.printf("total %-7s\n", roundSize(blocks*512))
		return
	}
	l.printf("total %d\n", blocks/2)
}

func (l *lister) sort(list []entry) {
	order := func(a, b entry) int { return strings.Compare(a.name, b.name) }
	switch l.last("StXU") {
	case 'S':
		order = func(a, b entry) int {
			return cmp.Or(cmp.Compare(b.st.Size, a.st.Size), strings.Compare(a.name, b.name))
		}
	case 't':
		order = func(a, b entry) int {
			return cmp.Or(l.time(b.st).Compare(l.time(a.st)), strings.Compare(a.name, b.name))
		}
	case 'X':
		order = func(a, b entry) int {
			return cmp.Or(strings.Compare(path.Ext(a.name), path.Ext(b.name)), strings.Compare(a.name, b.name))
		}
	}
	slices.SortFunc(list, order)
	if l.has('r') {
		slices.Reverse(list)
	}
}

func (l *lister) time(st *fs.Stat) time.Time {
	switch l.last("cu") {
	case 'c':
		return st.Ctime
	case 'u':
		return st.Atime
	}
	return st.Mtime
}

func (l *lister) show(list []entry) {
	for _, e := range list {
		l.printed = true
		l.line(e)
	}
}

func (l *lister) line(e entry) {
	if l.has('i') {
		l.printf("%7d ", e.st.Ino)
	}
	if l.has('s') {
		l.printf("%6d ", e.st.Blocks/2)
	}
	if l.has('l') {
		l.long(e)
	}
	l.println(e.name + l.target(e) + l.mark(e))
}

func (l *lister) long(e entry) {
	user, group := l.names.user(e.st.UID), l.names.group(e.st.GID)
	if l.has('n') {
		user, group = strconv.Itoa(int(e.st.UID)), strconv.Itoa(int(e.st.GID))
	}
	l.printf("%-10s %4d %-8.8s %-8.8s ", fs.ModeString(e.st.Mode), e.st.Nlink, user, group)
	switch t := e.st.Mode & fs.S_IFMT; {
	case t == fs.S_IFCHR || t == fs.S_IFBLK:
		l.printf("%4d, %3d ", fs.Major(e.st.Rdev), fs.Minor(e.st.Rdev))
	case l.has('h'):
		l.printf("%7s ", humanSize(e.st.Size))
	default:
		l.printf("%9d ", e.st.Size)
	}
	l.printf("%s ", l.date(l.time(e.st)))
}

const halfYear = 15768000 * time.Second

func (l *lister) date(when time.Time) string {
	when = when.In(zone(l.Process))
	if l.has('f') {
		return when.Format("2006-01-02 15:04:05 -0700")
	}
	age := l.Now().Sub(when)
	if age > halfYear || age < -15*time.Minute {
		return when.Format("Jan _2  2006")
	}
	return when.Format("Jan _2 15:04")
}

func (l *lister) target(e entry) string {
	if !l.has('l') || e.st.Mode&fs.S_IFMT != fs.S_IFLNK {
		return ""
	}
	target, err := l.FS.ReadlinkIfPossible(l.abs(e.path))
	if err != nil {
		return ""
	}
	return " -> " + target
}

func (l *lister) mark(e entry) string {
	t := e.st.Mode & fs.S_IFMT
	switch {
	case t == fs.S_IFDIR && (l.has('F') || l.has('p')):
		return "/"
	case !l.has('F'):
		return ""
	case t == fs.S_IFLNK && !l.has('l'):
		return "@"
	case t == fs.S_IFIFO:
		return "|"
	case t == fs.S_IFSOCK:
		return "="
	case t == fs.S_IFREG && e.st.Mode&0o111 != 0:
		return "*"
	}
	return ""
}

// roundSize is a size in whole units: "104K", "2M".
func roundSize(n int64) string {
	unit, frac := 0, int64(0)
	for ; n >= 1024 && unit < 6; unit++ {
		frac = (n%1024*10 + 512) / 1024
		n /= 1024
	}
	if frac >= 5 {
		n++
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10) + string("KMGTPE"[unit-1])
}

// humanSize is a size as busybox writes it with -h: "6", "4.0K", "1.5M".
func humanSize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	value, unit := float64(n), 0
	for value >= 1024 && unit < 6 {
		value /= 1024
		unit++
	}
	s := fmt.Sprintf("%.1f", value)
	if value >= 1023.95 && unit < 6 {
		s, unit = "1.0", unit+1
	}
	return s + string("KMGTPE"[unit-1])
}
