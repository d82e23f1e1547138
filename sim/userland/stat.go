package userland

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"twinlayer/fs"
)

// stat tells what an inode, or with -f a file system, holds.
func statTool(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	for _, name := range t.args {
		if t.has('f') {
			t.statFS(name)
			continue
		}
		get := t.lstat
		if t.has('L') {
			get = t.stat
		}
		st, err := get(name)
		if err != nil {
			t.cannot("stat", name, err)
			continue
		}
		s := stater{t, name, st, newNames(t.FS)}
		switch {
		case t.has('c'):
			t.println(s.format(t.val('c')))
		case t.has('t'):
			t.println(s.format("%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %o"))
		default:
			t.out.WriteString(s.format(s.standard()))
		}
	}
	return 0
}

type stater struct {
	t     *tool
	name  string
	st    *fs.Stat
	names *names
}

func (s stater) standard() string {
	device := ""
	if kind := s.st.Mode & fs.S_IFMT; kind == fs.S_IFCHR || kind == fs.S_IFBLK {
		device = " Device type: %t,%T"
	}
	return "  File: %N\n" +
		"  Size: " + fmt.Sprintf("%-10d", s.st.Size) + "\tBlocks: " + fmt.Sprintf("%-10d", s.st.Blocks) + " IO Block: " + fmt.Sprintf("%-6s", "4096") + " %F\n" +
		"Device: %Dh/%dd\tInode: " + fmt.Sprintf("%-10d", s.st.Ino) + "  Links: " + s.links(device) + "\n" +
		"Access: (" + fmt.Sprintf("%04o", s.st.Mode&0o7777) + "/%A)  Uid: (" + fmt.Sprintf("%5d/%8s", s.st.UID, s.names.user(s.st.UID)) +
		")   Gid: (" + fmt.Sprintf("%5d/%8s", s.st.GID, s.names.group(s.st.GID)) + ")\n" +
		"Access: %x\nModify: %y\nChange: %z\n"
}

func (s stater) links(device string) string {
	if device == "" {
		return strconv.Itoa(int(s.st.Nlink))
	}
	return fmt.Sprintf("%-5d", s.st.Nlink) + device
}

func (s stater) format(format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		end := i + 1
		for end < len(format) && strings.IndexByte("-+ #0123456789.", format[end]) >= 0 {
			end++
		}
		if end == len(format) {
			break
		}
		b.WriteString(pad(s.directive(format[end]), format[i+1:end]))
		i = end
	}
	return b.String()
}

const padMax = 4096

// pad applies a width such as "-10" or "04".
func pad(s, spec string) string {
	width, err := strconv.Atoi(strings.TrimLeft(spec, "-+ #0"))
	switch {
	case err != nil || len(s) >= width || width > padMax:
		return s
	case strings.HasPrefix(spec, "-"):
		return s + strings.Repeat(" ", width-len(s))
	case strings.HasPrefix(spec, "0"):
		return strings.Repeat("0", width-len(s)) + s
	}
	return strings.Repeat(" ", width-len(s)) + s
}

func (s stater) directive(c byte) string {
	st := s.st
	switch c {
	case 'n':
		return s.name
	case 'N':
		return s.quoted()
	case 's':
		return strconv.FormatInt(st.Size, 10)
	case 'a':
		return strconv.FormatUint(uint64(st.Mode&0o7777), 8)
	case 'A':
		return fs.ModeString(st.Mode)
	case 'f':
		return strconv.FormatUint(uint64(st.Mode), 16)
	case 'F':
		return fileType(st)
	case 'u':
		return strconv.Itoa(int(st.UID))
	case 'U':
		return s.userName(s.names.user(st.UID), st.UID)
	case 'g':
		return strconv.Itoa(int(st.GID))
	case 'G':
		return s.userName(s.names.group(st.GID), st.GID)
	}
	return s.number(c)
}

func (s stater) userName(name string, id uint32) string {
	if name == strconv.Itoa(int(id)) {
		return "UNKNOWN"
	}
	return name
}

func (s stater) number(c byte) string {
	st := s.st
	switch c {
	case 'h':
		return strconv.FormatUint(st.Nlink, 10)
	case 'i':
		return strconv.FormatUint(st.Ino, 10)
	case 'b':
		return strconv.FormatInt(st.Blocks, 10)
	case 'B':
		return "512"
	case 'o':
		return "4096"
	case 'd', 'D':
		return "0" // a file system does not tell its device number
	case 't':
		return strconv.FormatUint(uint64(fs.Major(st.Rdev)), 16)
	case 'T':
		return strconv.FormatUint(uint64(fs.Minor(st.Rdev)), 16)
	case 'x':
		return s.when(st.Atime)
	case 'y':
		return s.when(st.Mtime)
	case 'z':
		return s.when(st.Ctime)
	case 'X':
		return strconv.FormatInt(st.Atime.Unix(), 10)
	case 'Y':
		return strconv.FormatInt(st.Mtime.Unix(), 10)
	case 'Z':
		return strconv.FormatInt(st.Ctime.Unix(), 10)
	}
	return string(c)
}

func (s stater) when(t time.Time) string {
	return t.In(zone(s.t.Process)).Format("2006-01-02 15:04:05.000000000 -0700")
}

func (s stater) quoted() string {
	if s.st.Mode&fs.S_IFMT != fs.S_IFLNK {
		return s.name
	}
	target, err := s.t.FS.ReadlinkIfPossible(s.t.abs(s.name))
	if err != nil {
		return s.name
	}
	return "'" + s.name + "' -> '" + target + "'"
}

func fileType(st *fs.Stat) string {
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFDIR:
		return "directory"
	case fs.S_IFLNK:
		return "symbolic link"
	case fs.S_IFIFO:
		return "fifo"
	case fs.S_IFSOCK:
		return "socket"
	case fs.S_IFCHR:
		return "character special file"
	case fs.S_IFBLK:
		return "block special file"
	}
	if st.Size == 0 {
		return "regular empty file"
	}
	return "regular file"
}

func (t *tool) statFS(name string) {
	st, err := t.Kernel.Statfs(t.abs(name))
	if err != nil {
		t.errorf("can't read file system information for '%s': %s", name, reason(err))
		return
	}
	t.printf("  File: \"%s\"\n    ID: %-8x Namelen: %-7d Type: %s\n", name, st.ID, st.NameLen, st.Type)
	t.printf("Block size: %-10d\nBlocks: Total: %-10d Free: %-10d Available: %d\nInodes: Total: %-10d Free: %d\n",
		st.BlockSize, st.Blocks, st.Free, st.Available, st.Files, st.FreeFiles)
}

// du adds up the blocks of trees.
func du(t *tool) int {
	d := &usage{tool: t, seen: map[uint64]bool{}, depth: -1}
	if t.has('d') {
		n, err := strconv.Atoi(t.val('d'))
		if err != nil {
			return t.errorf("invalid number '%s'", t.val('d'))
		}
		d.depth = n
	}
	if t.has('s') {
		d.depth = 0
	}
	names := t.args
	if len(names) == 0 {
		names = []string{"."}
	}
	total := int64(0)
	for _, name := range names {
		total += d.visit(name, 0)
	}
	if t.has('c') {
		d.show(total, "total")
	}
	return 0
}

type usage struct {
	*tool
	seen  map[uint64]bool
	depth int
	dev   uint64 // of the operand, for -x
}

func (d *usage) visit(name string, level int) int64 {
	get := d.lstat
	if d.has('L') || level == 0 && d.has('H') {
		get = d.stat
	}
	st, err := get(name)
	if err != nil {
		d.fail(name, err)
		return 0
	}
	if level == 0 {
		d.dev = st.Dev
	} else if d.has('x') && st.Dev != d.dev {
		return 0
	}
	isDir := st.Mode&fs.S_IFMT == fs.S_IFDIR
	if st.Nlink > 1 && !isDir && !d.has('l') {
		if d.seen[st.Ino] {
			return 0
		}
		d.seen[st.Ino] = true
	}
	sum := st.Blocks
	if isDir {
		d.eachEntry(name, func(child string) { sum += d.visit(child, level+1) })
	}
	if (isDir || d.has('a') || level == 0) && (d.depth < 0 || level <= d.depth) {
		d.show(sum, name)
	}
	return sum
}

func (d *usage) show(blocks int64, name string) {
	switch d.last("hkm") {
	case 'h':
		d.printf("%s\t%s\n", humanSize(blocks*512), name)
	case 'm':
		d.printf("%d\t%s\n", (blocks+1024)/2048, name)
	default:
		d.printf("%d\t%s\n", (blocks+1)/2, name)
	}
}
