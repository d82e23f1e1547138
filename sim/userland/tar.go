package userland

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"twinlayer/fs"
)

// archiver is a running tar.
type archiver struct {
	*tool
	names *names
	links map[uint64]string
}

// tarTool packs, lists and unpacks; "tar xf x" needs no dash.
func tarTool(t *tool) int {
	args := t.args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		args = dashed(args)
	}
	var problem string
	t.options, t.args, problem = getopt("ctxf:C:vpOzkhmoX:", "create=c list=t extract=x file=f directory=C verbose=v gzip=z to-stdout=O exclude=X", args)
	if problem != "" {
		t.errorf("%s", problem)
		return badUsage
	}
	a := &archiver{tool: t, names: newNames(t.FS), links: map[uint64]string{}}
	switch t.last("ctx") {
	case 'c':
		return a.create()
	case 't', 'x':
		return a.read()
	}
	return badUsage
}

// dashed turns an old-style cluster such as "xfC" into flags, each with its
// value from the operands.
func dashed(args []string) []string {
	var out []string
	rest := args[1:]
	for _, c := range args[0] {
		out = append(out, "-"+string(c))
		if strings.ContainsRune("fCX", c) && len(rest) > 0 {
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return append(out, rest...)
}

// chdir makes the directory of -C the one that names begin at.
func (a *archiver) chdir() bool {
	if !a.has('C') {
		return true
	}
	dir := a.abs(a.val('C'))
	if !isDir(a.FS, dir) {
		a.errorf("can't change directory to '%s': %s", a.val('C'), fs.ENOENT.Error())
		return false
	}
	a.Dir = dir
	return true
}

func (a *archiver) create() int {
	var w io.Writer = a.out
	if name := a.val('f'); name != "" && name != "-" {
		f, err := a.tool.create(name)
		if err != nil {
			return a.cannot("open", name, err)
		}
		defer f.Close()
		w = f
	}
	if !a.chdir() {
		return 1
	}
	if len(a.args) == 0 {
		return a.errorf("empty archive")
	}
	if a.has('z') {
		gz := gzip.NewWriter(w)
		defer gz.Close()
		w = gz
	}
	tw := tar.NewWriter(w)
	for _, name := range a.args {
		a.add(tw, name)
	}
	if err := tw.Close(); err != nil && !brokenPipe(err) {
		a.errorf("write error: %s", reason(err))
	}
	return 0
}

func (a *archiver) add(tw *tar.Writer, name string) {
	if a.excluded(name) {
		return
	}
	st, err := a.lstat(name)
	if a.has('h') {
		st, err = a.tool.stat(name)
	}
	if err != nil {
		a.fail(name, err)
		return
	}
	h, err := a.header(name, st)
	if err == nil {
		if a.has('v') {
			a.println(h.Name)
		}
		err = tw.WriteHeader(h)
	}
	if err == nil && h.Typeflag == tar.TypeReg {
		err = a.copyIn(tw, name)
	}
	if err != nil {
		a.fail(name, err)
		return
	}
	if h.Typeflag == tar.TypeDir {
		a.eachEntry(strings.TrimRight(name, "/"), func(child string) { a.add(tw, child) })
	}
}

func (a *archiver) excluded(name string) bool {
	for _, pat := range a.values['X'] {
		if match(pat, name) || match(pat, path.Base(name)) {
			return true
		}
	}
	return false
}

func (a *archiver) copyIn(w io.Writer, name string) error {
	f, err := a.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func (a *archiver) header(name string, st *fs.Stat) (*tar.Header, error) {
	h := &tar.Header{
		Name: strings.TrimLeft(name, "/"), Mode: int64(st.Mode & 0o7777), Uid: int(st.UID), Gid: int(st.GID),
		Uname: a.names.user(st.UID), Gname: a.names.group(st.GID), ModTime: st.Mtime.Truncate(time.Second),
		Format: tar.FormatGNU,
	}
	if h.Name == "" {
		h.Name = "./"
	}
	switch st.Mode & fs.S_IFMT {
	case fs.S_IFDIR:
		h.Typeflag = tar.TypeDir
		h.Name = strings.TrimRight(h.Name, "/") + "/"
	case fs.S_IFLNK:
		target, err := a.FS.ReadlinkIfPossible(a.abs(name))
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return h, err
	case fs.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	case fs.S_IFCHR, fs.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if st.Mode&fs.S_IFMT == fs.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor, h.Devminor = int64(fs.Major(st.Rdev)), int64(fs.Minor(st.Rdev))
	default:
		h.Typeflag, h.Size = tar.TypeReg, st.Size
		if first, ok := a.links[st.Ino]; ok && st.Nlink > 1 {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
		}
		a.links[st.Ino] = h.Name
	}
	return h, nil
}

func (a *archiver) read() int {
	var r io.Reader = a.in
	if name := a.val('f'); name != "" && name != "-" {
		f, err := a.open(name)
		if err != nil {
			return a.cannot("open", name, err)
		}
		defer f.Close()
		r = obey(a.ctx, f)
	}
	if !a.chdir() {
		return 1
	}
	r, err := gunzip(r)
	if err != nil {
		return a.errorf("invalid magic")
	}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return a.errorf("invalid tar magic")
		}
		if a.wanted(h.Name) {
			a.entry(tr, h)
		}
	}
	return 0
}

// gunzip unpacks r if it is gzipped.
func gunzip(r io.Reader) (io.Reader, error) {
	head := make([]byte, 2)
	n, _ := io.ReadFull(r, head)
	r = io.MultiReader(strings.NewReader(string(head[:n])), r)
	if n == 2 && head[0] == 0x1f && head[1] == 0x8b {
		return gzip.NewReader(r)
	}
	return r, nil
}

func (a *archiver) wanted(name string) bool {
	if a.excluded(name) {
		return false
	}
	if len(a.args) == 0 {
		return true
	}
	clean := strings.TrimRight(name, "/")
	for _, want := range a.args {
		want = strings.TrimRight(want, "/")
		if clean == want || strings.HasPrefix(clean, want+"/") || match(want, clean) {
			return true
		}
	}
	return false
}

func (a *archiver) entry(r io.Reader, h *tar.Header) {
	if a.has('t') {
		a.println(a.listing(h))
		return
	}
	if a.has('v') && !a.has('O') {
		a.println(h.Name)
	}
	if a.has('O') {
		io.Copy(a.out, r)
		return
	}
	name, ok := safeName(h.Name)
	if !ok {
		a.errorf("name with '..' skipped: '%s'", h.Name)
		return
	}
	h.Name = name
	if err := a.extract(r, h); err != nil {
		a.errorf("can't create '%s': %s", name, reason(err))
		return
	}
	a.attributes(h)
}

// safeName takes the leading slash off; a name that leads out is refused.
func safeName(name string) (string, bool) {
	name = strings.TrimLeft(name, "/")
	for _, part := range strings.Split(name, "/") {
		if part == ".." {
			return "", false
		}
	}
	if name == "" {
		name = "."
	}
	return name, true
}

func (a *archiver) listing(h *tar.Header) string {
	name := h.Name
	if !a.has('v') {
		return name
	}
	mode := uint32(h.Mode) & 0o7777
	switch h.Typeflag {
	case tar.TypeDir:
		mode |= fs.S_IFDIR
	case tar.TypeSymlink:
		mode |= fs.S_IFLNK
		name += " -> " + h.Linkname
	case tar.TypeLink:
		name += " -> " + h.Linkname
	case tar.TypeFifo:
		mode |= fs.S_IFIFO
	}
	when := h.ModTime.In(zone(a.Process)).Format("2006-01-02 15:04:05")
	return sprintf("%s %s/%s %9d %s %s", fs.ModeString(mode), h.Uname, h.Gname, h.Size, when, name)
}

func (a *archiver) extract(r io.Reader, h *tar.Header) error {
	name := a.abs(h.Name)
	a.FS.MkdirAll(path.Dir(name), 0o777)
	if h.Typeflag == tar.TypeDir {
		err := a.FS.Mkdir(name, fs.FileMode(uint32(h.Mode)&0o7777))
		if fs.ErrnoOf(err) == fs.EEXIST && isDir(a.FS, name) {
			return nil
		}
		return err
	}
	if st, err := a.lstat(h.Name); err == nil && st.Mode&fs.S_IFMT != fs.S_IFDIR {
		a.FS.Unlink(name)
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return a.FS.SymlinkIfPossible(h.Linkname, name)
	case tar.TypeLink:
		target, ok := safeName(h.Linkname)
		if !ok {
			return fs.EPERM
		}
		return a.FS.Link(a.abs(target), name)
	case tar.TypeFifo:
		return a.FS.Mknod(name, fs.S_IFIFO|uint32(h.Mode)&0o7777, 0)
	case tar.TypeChar:
		return a.FS.Mknod(name, fs.S_IFCHR|uint32(h.Mode)&0o7777, fs.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	case tar.TypeBlock:
		return a.FS.Mknod(name, fs.S_IFBLK|uint32(h.Mode)&0o7777, fs.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	}
	return a.extractFile(r, name, uint32(h.Mode)&0o7777)
}

func (a *archiver) extractFile(r io.Reader, name string, mode uint32) error {
	f, err := a.FS.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(mode))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// attributes sets owner, mode and time of what was extracted.
func (a *archiver) attributes(h *tar.Header) {
	name := a.abs(h.Name)
	if h.Typeflag == tar.TypeLink {
		return
	}
	if a.UID == 0 && !a.has('o') {
		if err := a.FS.Lchown(name, h.Uid, h.Gid); err != nil {
			a.errorf("can't set owner of '%s': %s", h.Name, reason(err))
		}
	}
	if h.Typeflag == tar.TypeSymlink {
		return
	}
	mode := uint32(h.Mode) & 0o7777
	if !a.has('p') && a.UID != 0 {
		mode &^= a.Umask
	}
	a.FS.Chmod(name, fs.FileMode(mode))
	if !a.has('m') {
		a.FS.Utimes(name, h.ModTime, h.ModTime, true)
	}
}
