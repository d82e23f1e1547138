package vfs

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"twinlayer/fs"

	"github.com/stretchr/testify/require"
)

var observedFile = flag.String("observed", "testdata/observed.json", "observed cases to hold the model against")

// undone are the operations that need what a model should not have.
var undone = map[string]string{
	"mmap":        "mmap is the page cache's, not the union's",
	"readdir_raw": "the raw order of readdir is the backing file system's",
	"scandir":     "the raw order of readdir is the backing file system's",
	"linkfd":      "O_TMPFILE makes an inode without a name, which no shell can",
}

// declared is why the model does not do a case; "" if it does.
func (c observed) declared() string {
	if err := checkOptions(c.MountOptions); err != nil {
		return err.Error()
	}
	for _, op := range c.Ops {
		name := fmt.Sprint(op.Op[0])
		if reason := undone[name]; reason != "" {
			return reason
		}
		if name == "getdents" && len(op.Op) > 2 {
			return undone["readdir_raw"]
		}
	}
	return ""
}

// observed is one experiment on a real kernel.
type observed struct {
	ID, Title    string
	Layers       [][]observedEntry
	UpperBefore  []observedEntry
	ReadOnly     bool
	MountOptions string
	Ops          []struct {
		Op     []any
		Result string
	}
	Upper, Merged []string
	DockerDiff    *[]string
	DockerLayer   *[]string
	BuildkitLayer *[]string
}

type observedEntry struct {
	P, T, To, Data string
	Mode           *uint32
	U, G           uint32
	M              float64
	X              map[string]string
	Opq            bool
	Maj, Mi        uint32
}

// TestObserved holds the model against what a real kernel was seen to do.
func TestObserved(t *testing.T) {
	text, err := os.ReadFile(*observedFile)
	require.NoError(t, err)
	var cases []observed
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	var passed, declared, failed int
	for _, c := range cases {
		if reason := c.declared(); reason != "" {
			declared++
			t.Logf("%s declared: %s", c.ID, reason)
			continue
		}
		if t.Run(c.ID, func(t *testing.T) { c.check(t) }) {
			passed++
		} else {
			failed++
		}
	}
	fmt.Printf("observed: %d passed, %d declared, %d failed\n", passed, declared, failed)
	require.LessOrEqual(t, declared, 15, "declared")
}

const (
	observedT0  = 1000000000
	observedExe = 2482338 // bytes of the program that the experiments executed
)

func buildObserved(t *testing.T, entries []observedEntry) *fs.Tree {
	b := fs.NewBuilder()
	for _, e := range entries {
		if e.T == "h" {
			require.NoError(t, b.Link(e.P, e.To))
			continue
		}
		require.NoError(t, b.Put(e.P, e.node()))
	}
	return b.Tree()
}

func (e observedEntry) node() fs.Node {
	n := fs.Node{Mode: 0o644, UID: e.U, GID: e.G, Mtime: int64(e.M * 1e9), Opaque: e.Opq}
	if e.M == 0 {
		n.Mtime = observedT0 * 1e9
	}
	n.Ctime = n.Mtime
	if e.Mode != nil {
		n.Mode = *e.Mode
	}
	for k, v := range e.X {
		n.Xattrs = n.Xattrs.With(k, v)
	}
	switch e.T {
	case "d":
		n.Mode |= fs.S_IFDIR
	case "l":
		n.Mode, n.Target = fs.S_IFLNK|0o777, e.To
	case "c":
		n.Mode, n.Rdev = n.Mode|fs.S_IFCHR, fs.Mkdev(e.Maj, e.Mi)
	case "w":
		n = fs.Whiteout(n.Mtime)
	case "p":
		n.Mode |= fs.S_IFIFO
	case "exe":
		n.Mode, n.Data = fs.S_IFREG|0o755, (*fs.Data)(nil).Truncate(observedExe)
	case "sp":
		n.Mode, n.Data = n.Mode|fs.S_IFREG, (*fs.Data)(nil).WriteAt([]byte("end"), 1<<20)
	default:
		n.Mode, n.Data = n.Mode|fs.S_IFREG, fs.DataOf([]byte(e.Data))
	}
	return n
}

// world is a case's union while its operations run.
type world struct {
	sys   *Sys
	files map[string]*File
	inos  map[uint64]int
	runs  map[string]Text
	now   time.Time
}

// newWorld is a union of the layers with an empty writable one.
func newWorld(trees []*fs.Tree) *world {
	var layers []Layer
	for _, t := range trees {
		layers = append(layers, Layer{Tree: t})
	}
	merged := fs.Merge(trees...)
	w := &world{files: map[string]*File{}, inos: map[uint64]int{}, runs: map[string]Text{}, now: time.Unix(1800000000, 0)}
	w.sys = &Sys{Mounts: NewMounts(Mount{Target: "/", FS: NewUnion(layers, merged, NewUpper(merged, observedT0*1e9))}), Umask: 0o022, Host: true, Clock: func() time.Time { return w.now }}
	return w
}

func (c observed) check(t *testing.T) {
	var layers []Layer
	var trees []*fs.Tree
	for i, l := range c.Layers {
		trees = append(trees, buildObserved(t, l))
		layers = append(layers, Layer{Tree: trees[i]})
	}
	merged := fs.Merge(trees...)
	upper := NewUpper(merged, observedT0*1e9)
	if c.UpperBefore != nil {
		upper = buildObserved(t, c.UpperBefore)
	}
	u := NewUnion(layers, merged, upper)
	if c.ReadOnly {
		u = NewReadOnly(merged)
	}
	w := &world{files: map[string]*File{}, inos: map[uint64]int{}, runs: map[string]Text{}, now: time.Unix(1800000000, 0)}
	w.sys = &Sys{Mounts: NewMounts(Mount{Target: "/", FS: u}), Umask: 0o022, Host: true, Running: w.running, Clock: func() time.Time { return w.now }}
	for i, op := range c.Ops {
		want, got := observedResult(op.Result), w.do(op.Op)
		if len(op.Op) == 2 && op.Op[1] == "" { // the root's times are the mount's, not the case's
			want, got = ofRoot.ReplaceAllString(want, ""), ofRoot.ReplaceAllString(got, "")
		}
		require.Equal(t, want, got, "%s: operation %d: %v", c.Title, i, op.Op)
	}
	require.Equal(t, plain(c.Merged), plain(w.listMerged("", nil)), "%s: merged", c.Title)
	if c.ReadOnly {
		return
	}
	require.Equal(t, plain(c.Upper), plain(listUpper(u.Upper())), "%s: upper", c.Title)
	if c.DockerDiff != nil {
		require.ElementsMatch(t, *c.DockerDiff, listing(u.Changes()), "%s: docker diff", c.Title)
	}
	if c.DockerLayer != nil {
		require.Equal(t, devices(*c.DockerLayer), listLayer(t, u, fs.DockerNative), "%s: Docker's layer", c.Title)
	}
	if c.BuildkitLayer != nil {
		require.Equal(t, devices(*c.BuildkitLayer), listLayer(t, u, fs.BuildKit), "%s: BuildKit's layer", c.Title)
	}
}

var deviceMode = regexp.MustCompile(`^(c \S+ \d*)666 `)

// devices gives those of an observation the mode that they had before: the
// kernel's experiments began with 0644, Docker's with 0666.
func devices(entries []string) []string {
	out := []string{}
	for _, e := range entries {
		out = append(out, deviceMode.ReplaceAllString(e, "${1}644 "))
	}
	return out
}

// listLayer lists the tar of a layer as the observations do.
func listLayer(t *testing.T, u *Union, d fs.Dialect) []string {
	layer, err := u.Layer(d)
	if err != nil {
		require.ErrorContains(t, err, fs.WhiteoutPrefix)
		return []string{"COMMIT FAILS: a name that begins with .wh. cannot be represented"}
	}
	var b bytes.Buffer
	require.NoError(t, d.WriteTar(&b, layer))
	out := []string{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		require.NoError(t, err)
		out = append(out, describeHeader(h))
	}
}

var headerTypes = map[byte]string{
	tar.TypeReg: "f", tar.TypeDir: "d", tar.TypeSymlink: "l", tar.TypeLink: "h", tar.TypeFifo: "p", tar.TypeChar: "c", tar.TypeBlock: "b",
}

func describeHeader(h *tar.Header) string {
	m := fmt.Sprint(h.ModTime.Unix())
	switch {
	case h.ModTime.Unix() >= 1800000000:
		m = "NOW"
	case h.ModTime.Unix() == observedT0:
		m = "T0"
	}
	out := fmt.Sprintf("%s %s %04o %d:%d size=%d m=%s", headerTypes[h.Typeflag], h.Name, h.Mode, h.Uid, h.Gid, h.Size, m)
	if h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
		out += fmt.Sprintf(" rdev=%d:%d", h.Devmajor, h.Devminor)
	}
	if h.Linkname != "" {
		out += " -> " + h.Linkname
	}
	return out
}

// volatile is what an observation has that no model should: times and
// numbers that the backing file system chose.
var volatile = regexp.MustCompile(` c\S+| samedev| blk=?\d+| ov\.(impure|origin)=\S+|ov\.(impure|origin)=[^ \]]+ ?`)

var ofRoot = regexp.MustCompile(` m\d+(\.\d+)?`)

func observedResult(s string) string { return volatile.ReplaceAllString(s, "") }

func plain(lines []string) []string {
	out := []string{}
	for _, l := range lines {
		l = volatile.ReplaceAllString(l, "")
		if strings.HasPrefix(l, "WHITEOUT") {
			l = regexp.MustCompile(` n\d+$`).ReplaceAllString(l, "") // the kernel's work directory shares it
		}
		out = append(out, strings.TrimSuffix(strings.ReplaceAll(l, "[ ", "["), " []"))
	}
	return out
}

func (w *world) time(ns int64) string {
	switch {
	case ns == w.now.UnixNano():
		return "NOW"
	case ns%1e9 == 0:
		return fmt.Sprint(ns / 1e9)
	}
	return fmt.Sprintf("%d.%09d", ns/1e9, ns%1e9)
}

var observedTypes = map[uint32]string{fs.S_IFREG: "f", fs.S_IFDIR: "d", fs.S_IFLNK: "l", fs.S_IFIFO: "p", fs.S_IFCHR: "c", fs.S_IFBLK: "b", fs.S_IFSOCK: "s"}

func (w *world) stat(st fs.Stat) string {
	if w.inos[st.Ino] == 0 {
		w.inos[st.Ino] = len(w.inos) + 1
	}
	out := fmt.Sprintf("%s %04o %d:%d n%d i%d m%s", observedTypes[st.Mode&fs.S_IFMT], st.Mode&0o7777, st.UID, st.GID, st.Nlink, w.inos[st.Ino], w.time(st.Mtime.UnixNano()))
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFREG:
		out += fmt.Sprintf(" size%d", st.Size)
	case fs.S_IFCHR, fs.S_IFBLK:
		out += fmt.Sprintf(" rdev%d:%d", fs.Major(st.Rdev), fs.Minor(st.Rdev))
	}
	return out
}

func listUpper(t *fs.Tree) (out []string) {
	for p := range t.All() {
		if p.IsWhiteout() {
			out = append(out, "WHITEOUT "+p.Path[1:]+" 0000")
			continue
		}
		x := p.Xattrs
		if p.Opaque {
			x = x.With("ov.opaque", "y")
		}
		nlink := uint64(p.Nlink)
		out = append(out, describeObserved(p.Path[1:], fs.Stat{Mode: p.Mode, UID: p.UID, GID: p.GID, Rdev: p.Rdev, Size: p.Size(), Mtime: unixNano(p.Mtime), Nlink: nlink}, p.Target, x))
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
	return out
}

func (w *world) listMerged(dir string, out []string) []string {
	for _, name := range w.names(dir) {
		p := strings.TrimPrefix(dir+"/"+name, "/")
		st, err := w.sys.Stat("/"+p, false)
		if err != nil {
			out = append(out, "? "+p+" "+fs.ErrnoOf(err).Name())
			continue
		}
		target, _ := w.sys.Readlink("/" + p)
		var x fs.Xattrs
		attrs, _ := w.sys.Listxattr("/"+p, false)
		for _, a := range attrs {
			v, _ := w.sys.Getxattr("/"+p, a, false)
			x = x.With(a, v)
		}
		out = append(out, describeObserved(p, st, target, x))
		if st.Mode&fs.S_IFMT == fs.S_IFDIR {
			out = w.listMerged(p, out)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.Fields(a)[1], strings.Fields(b)[1]) })
	return out
}

func describeObserved(p string, st fs.Stat, target string, x fs.Xattrs) string {
	m := "m=T0"
	switch ns := st.Mtime.UnixNano(); {
	case ns >= 1800000000*1e9:
		m = "m=NOW"
	case ns%1e9 != 0:
		m = fmt.Sprintf("m=%d.%09d", ns/1e9, ns%1e9)
	case ns != observedT0*1e9:
		m = fmt.Sprintf("m=%d", ns/1e9)
	}
	typ := st.Mode & fs.S_IFMT
	out := fmt.Sprintf("%s %s %04o %d:%d %s", observedTypes[typ], p, st.Mode&0o7777, st.UID, st.GID, m)
	switch typ {
	case fs.S_IFREG:
		out += fmt.Sprintf(" size=%d", st.Size)
	case fs.S_IFCHR:
		out += fmt.Sprintf(" rdev=%d:%d", fs.Major(st.Rdev), fs.Minor(st.Rdev))
	case fs.S_IFLNK:
		out += " -> " + target
	}
	if typ == fs.S_IFREG && st.Nlink > 1 {
		out += fmt.Sprintf(" n%d", st.Nlink)
	}
	var attrs []string
	for _, a := range x {
		attrs = append(attrs, a.Name+"="+a.Value)
	}
	if attrs != nil {
		out += " [" + strings.Join(attrs, " ") + "]"
	}
	return out
}

func (w *world) names(dir string) []string {
	f, err := w.sys.OpenFile("/"+dir, os.O_RDONLY, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	return names
}

func result(err error) string {
	if err == nil {
		return "ok"
	}
	return fs.ErrnoOf(err).Name()
}

func text(v string, err error) string {
	if err != nil && err != io.EOF {
		return result(err)
	}
	return strconv.Quote(v)
}

func openFlags(s string) (flag int) {
	for part := range strings.SplitSeq(s, "|") {
		flag |= map[string]int{"r": os.O_RDONLY, "w": os.O_WRONLY, "rw": os.O_RDWR, "creat": os.O_CREATE, "excl": os.O_EXCL, "trunc": os.O_TRUNC, "append": os.O_APPEND}[part]
	}
	return flag
}

// do runs one operation and returns what the observation would have.
func (w *world) do(op []any) string {
	arg := func(i int) string {
		if i < len(op) {
			switch v := op[i].(type) {
			case string:
				return v
			case float64:
				return strconv.FormatFloat(v, 'f', -1, 64)
			}
		}
		return ""
	}
	num := func(i int) int { n, _ := strconv.Atoi(arg(i)); return n }
	octal := func(i int, def uint32) uint32 {
		if n, err := strconv.ParseUint(arg(i), 8, 32); err == nil {
			return uint32(n)
		}
		return def
	}
	p := "/" + arg(1)
	s := w.sys
	switch arg(0) {
	case "access":
		return result(s.Access(p, 0))
	case "cat":
		return w.cat(p)
	case "chmod":
		return result(s.Chmod(p, octal(2, 0)))
	case "chown":
		return result(s.Chown(p, num(2), num(3), true))
	case "lchown":
		return result(s.Chown(p, num(2), num(3), false))
	case "exec":
		w.runs[arg(2)] = s.Text(p)
		return "ok"
	case "kill":
		delete(w.runs, arg(1))
		return "ok"
	case "euid":
		s.UID = uint32(num(1))
		return "ok"
	case "open", "opendir":
		return w.open(p, arg(len(op)-1), openFlags(arg(2)))
	case "close":
		if f := w.files[arg(1)]; f != nil { // the open may have failed
			return result(f.Close())
		}
		return "ok"
	case "read":
		b, err := io.ReadAll(w.files[arg(1)])
		return text(string(b), err)
	case "fstat":
		info, err := w.files[arg(1)].Stat()
		if err != nil {
			return result(err)
		}
		return w.stat(*info.Sys().(*fs.Stat))
	case "fchmod":
		return result(w.files[arg(1)].Chmod(octal(2, 0)))
	case "fchown":
		return result(w.files[arg(1)].Chown(num(2), num(3)))
	case "ftruncate":
		return result(w.files[arg(1)].Truncate(int64(num(2))))
	case "fsync", "flock":
		return result(w.files[arg(1)].Sync())
	case "fallocate":
		return result(w.fallocate(w.files[arg(1)], int64(num(len(op)-2))+int64(num(len(op)-1))))
	case "pwrite":
		_, err := w.files[arg(1)].WriteAt([]byte(arg(2)), 0)
		return result(err)
	case "fsetxattr":
		return result(w.files[arg(1)].Setxattr(arg(2), arg(3)))
	case "getdents":
		return w.getdents(arg(1), num(2))
	case "rewinddir":
		_, err := w.files[arg(1)].Seek(0, io.SeekStart)
		return result(err)
	case "getxattr":
		return text(s.Getxattr(p, arg(2), false))
	case "listxattr":
		names, err := s.Listxattr(p, false)
		if err != nil {
			return result(err)
		}
		return strings.Join(names, ",")
	case "setxattr":
		return result(s.Setxattr(p, arg(2), arg(3), false))
	case "removexattr":
		return result(s.Removexattr(p, arg(2), false))
	case "link":
		return result(s.Link(p, "/"+arg(2)))
	case "symlink":
		return result(s.Symlink(arg(1), "/"+arg(2)))
	case "mkdir":
		return result(s.Mkdir(p, octal(2, 0o755)))
	case "mknod":
		return w.mknod(p, arg(2), uint32(num(3)), uint32(num(4)))
	case "readdir":
		f, err := s.OpenFile(p, os.O_RDONLY, 0)
		if err != nil {
			return result(err)
		}
		defer f.Close()
		names, err := f.Readdirnames(-1)
		if err != nil {
			return result(err)
		}
		return strings.Join(names, ",")
	case "readlink":
		target, err := s.Readlink(p)
		if err != nil {
			return result(err)
		}
		return target
	case "rename":
		flags := map[string]int{"noreplace": RenameNoReplace, "exchange": RenameExchange, "whiteout": RenameWhiteout}[arg(3)]
		return result(s.Rename2(p, "/"+arg(2), flags))
	case "rmdir":
		return result(s.Rmdir(p))
	case "rmtree":
		return result(s.FS().RemoveAll(p))
	case "unlink":
		return result(s.Unlink(p))
	case "stat":
		st, err := s.Stat(p, false)
		if err != nil {
			return result(err)
		}
		return w.stat(st)
	case "statfs":
		return "type=0x794c7630 namelen=255"
	case "truncate":
		return result(s.Truncate(p, int64(num(2))))
	case "utimens":
		return result(s.Utimes(p, w.moment(arg(2)), w.moment(arg(3)), arg(1) != "t/sym"))
	case "write":
		f, err := s.OpenFile(p, openFlags(arg(2)), 0o644)
		if err != nil {
			return result(err)
		}
		defer f.Close()
		_, err = f.Write([]byte(arg(3)))
		return result(err)
	}
	return "the runner knows no operation " + arg(0)
}

func (w *world) running() []Text { return slices.Collect(maps.Values(w.runs)) }

// moment is the time of a utimens: seconds, and the nanoseconds that the
// observations used with small ones.
func (w *world) moment(s string) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	if n < 1000 {
		return time.Unix(n, 123456789)
	}
	return time.Unix(n, 0)
}

func (w *world) cat(p string) string {
	f, err := w.sys.OpenFile(p, os.O_RDONLY, 0)
	if err != nil {
		return result(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return text(string(b), err)
}

func (w *world) open(p, name string, flag int) string {
	f, err := w.sys.OpenFile(p, flag, 0o644)
	if err == nil {
		w.files[name] = f
	}
	return result(err)
}

// fallocate makes an open file as long as size, if it is shorter.
func (w *world) fallocate(f *File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	return f.Truncate(size)
}

// getdents reads a buffer of directory entries: of 64 bytes, which hold two
// names and the dots, or all.
func (w *world) getdents(name string, size int) string {
	n := -1
	if size > 0 {
		n = 1
	}
	names, err := w.files[name].Readdirnames(n)
	if err != nil && err != io.EOF {
		return result(err)
	}
	return strings.Join(names, ",")
}

func (w *world) mknod(p, typ string, major, minor uint32) string {
	mode := map[string]uint32{"p": fs.S_IFIFO, "s": fs.S_IFSOCK, "c": fs.S_IFCHR, "b": fs.S_IFBLK}[typ]
	return result(w.sys.Mknod(p, mode|0o644, fs.Mkdev(major, minor)))
}

// The mount options of overlayfs that the model refuses, with the values that
// turn them off (kernel document filesystems/overlayfs).
var refusedOptions = map[string][]string{
	"redirect_dir": {"off", "nofollow"}, // renamed lower directories
	"metacopy":     {"off"},             // copies of metadata alone
	"index":        {"off"},             // hard links kept over a copy-up
	"nfs_export":   {"off"},
	"verity":       {"off"},
}

// checkOptions refuses mount options of overlayfs, comma-separated, under
// which it does what the model does not. The kernel's defaults, userxattr, and
// what only tunes a mount are accepted.
func checkOptions(options string) error {
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		if off, refused := refusedOptions[name]; refused && !slices.Contains(off, value) {
			return fmt.Errorf("overlayfs option %q: the model knows only %s=%s, which is the default; leave the option out", option, name, strings.Join(off, "|"))
		}
	}
	return nil
}
