//go:build linux

package strangers

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

// attempt is one hostile input: files, and lines that use them.
type attempt struct {
	*rand.Rand
	home  string
	net   network
	what  string
	lines []string
}

// newHostile makes up the input of a seed.
func newHostile(seed uint64, home string, net network) *attempt {
	h := &attempt{Rand: rand.New(rand.NewPCG(seed, 1)), home: home, net: net}
	must(os.RemoveAll(filepath.Join(home, "h")))
	kinds := []struct {
		name string
		make func()
	}{
		{"import", h.imports}, {"layer", h.layer}, {"archive", h.archive}, {"context", h.context}, {"registry", h.registry},
		{"Dockerfile", h.dockerfile}, {"arguments", h.arguments}, {"line", h.line}, {"host files", h.hostFiles},
	}
	kind := kinds[seed%uint64(len(kinds))]
	kind.make()
	h.what = kind.name + ": " + h.what
	return h
}

func (h *attempt) say(format string, args ...any) {
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// use looks at an image that may have come into being, runs it, and removes
// it.
func (h *attempt) use(ref string) {
	h.say("docker run --name hostile %s /bin/true", ref)
	h.say("docker diff hostile")
	h.say("docker export -o h/out.tar hostile")
	h.say("docker commit hostile hostile:committed")
	h.say("docker history %s", ref)
	h.say("docker save -o h/saved.tar %s", ref)
	h.say("docker rm -f hostile")
	h.say("docker rmi -f %s hostile:committed", ref)
	h.say("docker image prune -f")
}

func (h *attempt) one(of ...string) string { return of[h.IntN(len(of))] }

// imports is a root file system that is wrong.
func (h *attempt) imports() {
	h.write("h/root.tar", h.tar())
	h.say("docker import h/root.tar hostile")
	h.use("hostile")
}

// layer is an archive of an image with a layer that is wrong.
func (h *attempt) layer() {
	h.write("h/image.tar", imageArchive(h.tar(), h.IntN(2) == 0))
	h.say("docker load -i h/image.tar")
	h.use("hostile:layer")
}

// archive is an archive of an image that is wrong itself.
func (h *attempt) archive() {
	good := imageArchive(soundTar(), h.IntN(2) == 0)
	h.write("h/image.tar", h.spoil(good))
	h.say("docker load -i h/image.tar")
	h.use("hostile:layer")
}

// context is a build with a tar that ADD unpacks.
func (h *attempt) context() {
	h.write("h/c/a.tar", h.tar())
	h.write("h/c/Dockerfile", []byte("FROM busybox\nADD a.tar "+h.one("/", "/d/", "/d", "/etc", "/bin/sh", "/proc")+"\nRUN echo x > /x\n"))
	h.say("docker build -t hostile h/c")
	h.use("hostile")
}

// registry is an answer of a registry that is wrong.
func (h *attempt) registry() {
	h.what = h.net.mode(h.Rand)
	ref := h.net.ref(h.what, h.Uint64())
	h.say("docker pull %s", ref)
	h.use(ref)
}

// tar is a tar that is wrong, or at least odd.
func (h *attempt) tar() []byte {
	name, b := h.oddTar()
	h.what = name
	switch h.IntN(6) {
	case 0:
		h.what += ", gzip"
		return packed(b)
	case 1:
		h.what += ", gzip, spoilt"
		return h.spoil(packed(b))
	case 2:
		h.what += ", spoilt"
		return h.spoil(b)
	}
	return b
}

// spoil flips, cuts, doubles or removes bytes.
func (h *attempt) spoil(b []byte) []byte {
	b = bytes.Clone(b)
	if len(b) == 0 {
		return b
	}
	at := h.IntN(len(b))
	how := h.one("cut", "flip", "flip", "zero", "double", "head", "junk")
	h.what += ", " + how
	switch how {
	case "cut":
		return b[:at]
	case "flip":
		b[at] ^= byte(1 + h.IntN(255))
	case "zero":
		clear(b[at:min(len(b), at+h.IntN(2000))])
	case "double":
		return append(b[:at:at], b[h.IntN(at+1):]...)
	case "head":
		b[h.IntN(min(len(b), 512))] ^= byte(1 + h.IntN(255))
	case "junk":
		return append(b, bytes.Repeat([]byte("junk"), 1+h.IntN(500))...)
	}
	return b
}

func packed(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	must(z.Close())
	return out.Bytes()
}

func zstandard(b []byte) []byte {
	z, err := zstd.NewWriter(nil)
	must(err)
	return z.EncodeAll(b, nil)
}

// ent is an entry of a tar.
type ent struct {
	name, link, body string
	typ              byte
	mode             int64
	xattr            int // bytes of an attribute
	head             func(*tar.Header)
}

func tarOf(all ...ent) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range all {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.typ, Mode: e.mode, Size: int64(len(e.body)), ModTime: time.Unix(1e9, 0), Format: tar.FormatPAX}
		if e.mode == 0 {
			h.Mode = 0o755
		}
		if e.xattr > 0 {
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.big": strings.Repeat("x", e.xattr)}
		}
		if e.head != nil {
			e.head(h)
		}
		if err := w.WriteHeader(h); err != nil {
			continue
		}
		w.Write([]byte(e.body))
	}
	w.Close()
	return out.Bytes()
}

// soundTar is a sound root file system.
func soundTar() []byte {
	return tarOf(ent{name: "bin/", typ: tar.TypeDir}, ent{name: "bin/tool", body: "x", typ: tar.TypeReg}, ent{name: "etc/", typ: tar.TypeDir}, ent{name: "etc/motd", body: "hello\n", typ: tar.TypeReg})
}

// oddTar is a tar with something that tars of images have not.
func (h *attempt) oddTar() (string, []byte) {
	odd := oddTars()
	names := make([]string, 0, len(odd))
	for _, o := range odd {
		names = append(names, o.name)
	}
	i := h.IntN(len(odd))
	return names[i], odd[i].make()
}

type odd struct {
	name string
	make func() []byte
}

func oddTars() []odd {
	f := func(name, body string) ent { return ent{name: name, body: body, typ: tar.TypeReg} }
	d := func(name string) ent { return ent{name: name + "/", typ: tar.TypeDir} }
	s := func(name, to string) ent { return ent{name: name, link: to, typ: tar.TypeSymlink} }
	l := func(name, to string) ent { return ent{name: name, link: to, typ: tar.TypeLink} }
	of := func(all ...ent) func() []byte {
		return func() []byte { return tarOf(append(all, d("bin"), f("bin/tool", "x"))...) }
	}
	raw := func(text string) func() []byte { return func() []byte { return []byte(text) } }
	header := func(set func(*tar.Header)) func() []byte {
		return of(ent{name: "odd", body: "x", typ: tar.TypeReg, head: set})
	}
	bits := func(at int, with string) func() []byte {
		return func() []byte {
			b := tarOf(f("a", "x"), f("b", "y"))
			copy(b[at:], with)
			sumHeader(b[:512])
			return b
		}
	}
	return []odd{
		{"nothing", raw("")}, {"text", raw(strings.Repeat("no archive at all\n", 100))}, {"short text", raw("x")}, {"zeros", raw(strings.Repeat("\x00", 5000))},
		{"gzip of nothing", func() []byte { return packed(nil) }}, {"gzip head", raw("\x1f\x8b")}, {"gzip head and junk", raw("\x1f\x8bjunk and more of it")},
		{"zstd head", raw("\x28\xb5\x2f\xfd\xff\xff\xff\xff")}, {"bzip2 head", raw("BZh9junk")}, {"xz head", raw("\xfd7zXZ\x00junk")}, {"zstd", func() []byte { return zstandard(soundTar()) }},
		{"gzip in gzip", func() []byte { return packed(packed(soundTar())) }}, {"json", raw(`{"a":[1,2,3]}`)}, {"half a block", raw(string(soundTar()[:300]))},
		{"without its end", func() []byte { b := soundTar(); return b[:len(b)-1024] }}, {"two tars", func() []byte { return append(soundTar(), soundTar()...) }},
		{"out by dots", of(f("../../etc/evil", "x"))}, {"out by dots below", of(f("a/../../evil", "x"))}, {"dots within", of(d("a"), f("a/../b", "x"))}, {"absolute", of(f("/etc/x", "y"))}, {"dot", of(f(".", "x"))},
		{"dot directory", of(ent{name: "./", typ: tar.TypeDir, mode: 0o700})}, {"root as a symlink", of(s(".", "/etc"))}, {"root as a link", of(f("a", ""), l(".", "a"))}, {"no name", of(f("", "x"))},
		{"slashes", of(f("////", "x"))}, {"long name", of(f(strings.Repeat("n", 300), "x"))}, {"long path", of(f(strings.Repeat("n/", 2500), "x"))}, {"deep", of(f(strings.Repeat("d/", 500)+"f", "x"))},
		{"not UTF-8", of(f("\xff\xfe", "x"))}, {"escapes", of(f("\x1b[31mred\x1b]0;t\x07", "x"))}, {"newline", of(f("a\nb", "x"))},
		{"link to nothing", of(l("a", "nosuch"))}, {"link to itself", of(f("a", "x"), l("a", "a"))}, {"link only to itself", of(l("a", "a"))}, {"links in a circle", of(l("a", "b"), l("b", "a"))}, {"link out", of(l("a", "../../../etc/passwd"))},
		{"link before its target", of(l("a", "b"), f("b", "x"))}, {"link to a directory", of(d("d"), l("a", "d"))}, {"link through a symlink", of(d("d"), f("d/f", "x"), s("s", "d"), l("a", "s/f"))}, {"link to a symlink", of(s("s", "nosuch"), l("a", "s"))},
		{"through a symlink", of(d("d"), s("s", "d"), f("s/f", "x"))}, {"through a symlink out", of(s("s", "../../../tmp"), f("s/f", "x"))}, {"through an absolute symlink", of(s("s", "/tmp"), f("s/f", "x"))}, {"through a symlink to a file", of(f("g", "x"), s("s", "g"), f("s/f", "x"))},
		{"symlink to itself", of(s("s", "s"), f("s/f", "x"))}, {"symlink for a directory", of(d("d"), f("d/f", "x"), s("d", "e"))}, {"empty symlink", of(s("s", ""))}, {"long symlink", of(s("s", strings.Repeat("x", 5000)))},
		{"file for a directory", of(d("d"), f("d/f", "x"), f("d", "y"))}, {"directory for a file", of(f("d", "x"), d("d"), f("d/f", "y"))}, {"file below a file", of(f("g", "x"), f("g/f", "y"))}, {"twice", of(f("a", "x"), f("a", "yy"))}, {"twice the same directory", of(d("d"), f("d/f", "x"), d("d"))},
		{"whiteout", of(f(".wh.etc", ""))}, {"whiteout of nothing", of(f(".wh.nosuch", ""))}, {"whiteout of an entry", of(f("a", "x"), f(".wh.a", ""))}, {"whiteout of dots", of(f(".wh...", ""))}, {"whiteout of dot", of(f(".wh..", ""))}, {"whiteout without a name", of(f(".wh.", ""))},
		{"whiteout below a symlink", of(d("d"), s("s", "d"), f("s/.wh.x", ""))}, {"whiteout below a file", of(f("g", "x"), f("g/.wh.x", ""))}, {"whiteout, then below it", of(f(".wh.a", ""), f("a/b/c", "x"))}, {"opaque", of(f("etc/.wh..wh..opq", ""))}, {"opaque root", of(f(".wh..wh..opq", ""))},
		{"opaque file", of(f("g", "x"), f("g/.wh..wh..opq", ""))}, {"opaque symlink", of(d("d"), s("s", "d"), f("s/.wh..wh..opq", ""))}, {"aufs", of(f(".wh..wh.plnk/1", "x"), f(".wh..wh.aufs", ""))}, {"whiteout directory", of(d(".wh.d"))}, {"directory below a whiteout", of(f(".wh.d/f", "x"))},
		{"xattr of 5000", of(ent{name: "a", body: "x", typ: tar.TypeReg, xattr: 5000})}, {"xattr of 70000", of(ent{name: "a", body: "x", typ: tar.TypeReg, xattr: 70000})}, {"xattr of 900000", of(ent{name: "a", body: "x", typ: tar.TypeReg, xattr: 900000})},
		{"xattr of overlayfs", header(func(h *tar.Header) {
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.overlay.opaque": "y", "SCHILY.xattr.trusted.overlay.redirect": "/etc"}
		})}, {"xattr of ours", header(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.user.twinlayer.owner": "junk"} })},
		{"xattr without a name", header(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.": "y"} })}, {"bad capability", header(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "junk"} })}, {"xattr namespace", header(func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.nosuch.x": "y"} })},
		{"many xattrs", header(func(h *tar.Header) {
			h.PAXRecords = map[string]string{}
			for i := range 300 {
				h.PAXRecords[fmt.Sprint("SCHILY.xattr.user.a", i)] = strings.Repeat("v", 100)
			}
		})},
		{"device", of(ent{name: "dev0", typ: tar.TypeChar, head: func(h *tar.Header) { h.Devmajor, h.Devminor = 1, 3 }})}, {"whiteout device", of(ent{name: "dev0", typ: tar.TypeChar})}, {"disk", of(ent{name: "disk", typ: tar.TypeBlock, head: func(h *tar.Header) { h.Devmajor, h.Devminor = 1<<20, 1<<20 }})}, {"fifo", of(ent{name: "pipe", typ: tar.TypeFifo})},
		{"huge owner", header(func(h *tar.Header) { h.Uid, h.Gid = 1<<31-1, 1<<31-1 })}, {"huger owner", header(func(h *tar.Header) { h.Uid, h.Gid = 1<<40, 1<<40 })}, {"negative owner", header(func(h *tar.Header) { h.Uid, h.Gid, h.Format = -1, -1, tar.FormatGNU })}, {"huge mode", header(func(h *tar.Header) { h.Mode = 0o7777777 })}, {"no mode", header(func(h *tar.Header) { h.Mode = 0 })},
		{"far future", header(func(h *tar.Header) { h.ModTime = time.Unix(1<<40, 0) })}, {"far past", header(func(h *tar.Header) { h.ModTime = time.Unix(-1<<40, 0) })}, {"before 1970", header(func(h *tar.Header) { h.ModTime = time.Unix(-5, 0) })},
		{"unknown type", bits(156, "Z")}, {"volume label", bits(156, "V")}, {"contiguous", bits(156, "7")}, {"multivolume", bits(156, "M")}, {"dumpdir", bits(156, "D")}, {"global header", bits(156, "g")}, {"long name without one", bits(156, "L")}, {"pax without one", bits(156, "x")}, {"sparse without a map", bits(156, "S")},
		{"size of terabytes", bits(124, "77777777777\x00")}, {"negative size", bits(124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}, {"size of exabytes", bits(124, "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")}, {"size of letters", bits(124, "abcdefghijk\x00")}, {"mode of letters", bits(100, "zzzzzzz\x00")}, {"time of letters", bits(136, "zzzzzzzzzzz\x00")},
		{"directory with a size", bits(156, "5")}, {"symlink with a size", bits(156, "2")}, {"link with a size", bits(156, "1")}, {"fifo with a size", bits(156, "6")}, {"bad checksum", func() []byte { b := soundTar(); copy(b[148:], "0000000\x00"); return b }},
		{"sparse of terabytes", header(func(h *tar.Header) {
			h.PAXRecords = map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9999999999999", "GNU.sparse.name": "s"}
		})},
		{"bomb", bomb}, {"many entries", manyEntries},
	}
}

// sumHeader sets a header's checksum.
func sumHeader(b []byte) {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// bomb is a file of zeros that unpacks to more than is let be.
var bomb = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	const size = 11 << 27
	must(w.WriteHeader(&tar.Header{Name: "zeros", Mode: 0o644, Size: size}))
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		w.Write(zeros)
	}
	must(w.Close())
	must(z.Close())
	return out.Bytes()
})

func manyEntries() []byte {
	var all []ent
	for i := range 3000 {
		all = append(all, ent{name: fmt.Sprint("many/", i), typ: tar.TypeReg})
	}
	return tarOf(all...)
}

// imageArchive is an archive of an image of one layer, as docker save writes
// it, with the digest that it has.
func imageArchive(layer []byte, oci bool) []byte {
	diffID := digest.FromBytes(plainOf(layer))
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[%q]}}`, diffID)
	if !oci {
		list, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{"hostile:layer"}, "Layers": []string{"l/layer.tar"}}})
		must(err)
		return tarOf(ent{name: "l/layer.tar", body: string(layer), typ: tar.TypeReg}, ent{name: "config.json", body: config, typ: tar.TypeReg}, ent{name: "manifest.json", body: string(list), typ: tar.TypeReg})
	}
	blob := func(content string) ent {
		return ent{name: "blobs/sha256/" + digest.FromString(content).Encoded(), body: content, typ: tar.TypeReg}
	}
	manifest := fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		digest.FromString(config), len(config), digest.FromBytes(layer), len(layer))
	index := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":%d,"annotations":{"io.containerd.image.name":"docker.io/library/hostile:layer"}}]}`, digest.FromString(manifest), len(manifest))
	return tarOf(blob(string(layer)), blob(config), blob(manifest), ent{name: "index.json", body: index, typ: tar.TypeReg}, ent{name: "oci-layout", body: `{"imageLayoutVersion":"1.0.0"}`, typ: tar.TypeReg})
}

// plainOf is a layer without its compression, as far as that can be undone.
func plainOf(layer []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil || len(layer) > 1<<20 {
		return layer
	}
	var out bytes.Buffer
	out.ReadFrom(z)
	return out.Bytes()
}

// dockerfile is a Dockerfile that is wrong.
func (h *attempt) dockerfile() {
	lines := []string{"FROM busybox"}
	for range 1 + h.IntN(6) {
		lines = append(lines, h.instruction())
	}
	text := strings.Join(lines, "\n") + "\n"
	if h.IntN(3) == 0 {
		text = string(h.spoil([]byte(text)))
	}
	h.what = fmt.Sprintf("%.200q", text)
	h.write("h/c/Dockerfile", []byte(text))
	h.write("h/c/file", []byte("content\n"))
	h.write("h/c/.dockerignore", []byte(h.one("", "*\n", "!\n", "[\n", "**/**/**/**/**/**/**/**/x\n", "#\n", "..\n", "\x00\n", strings.Repeat("**/", 300)+"x\n")))
	h.say("docker build -t hostile h/c")
	h.use("hostile")
}

func (h *attempt) instruction() string {
	return h.one("FROM", "FROM nosuch", "FROM busybox AS", "FROM ${X}", "FROM --platform=x/y/z busybox", "FROM scratch", "FROM busybox@sha256:00", "RUN", "RUN [", `RUN ["", ""]`, `RUN ["nosuch"]`, "RUN exit 300", "RUN kill -9 $$", "RUN 'unbalanced",
		"RUN <<", "RUN <<E\nx", "RUN --mount=type=nosuch true", "COPY", "COPY file", "COPY nosuch /", "COPY ../../../etc/passwd /", "COPY --from=9 a /", "COPY --from=nosuch a /", "COPY --chown=nosuch file /", "COPY --chmod=999 file /", "COPY file /bin/sh/x", "COPY [ file",
		"COPY file file /d", "ADD http://127.0.0.1:1/x /", "ADD ftp://x /", "ADD file /proc/x", "ADD --checksum=x file /", "ENV", "ENV A", "ENV A=", "ENV =x", `ENV A="x`, "ENV A=${A:?no}", "ENV A=${", "ENV A=${A:-${B:-${C}}}", "ARG", "ARG 1=2", "ARG A=B=C", "LABEL", "LABEL a", "LABEL a=b c",
		"USER", "USER nosuch", "USER 99999999999", "USER ::", "WORKDIR", "WORKDIR "+strings.Repeat("x", 300), "WORKDIR /bin/sh", "WORKDIR $NOSUCH", "VOLUME", "VOLUME [", "VOLUME /", "VOLUME /etc/passwd", `VOLUME [""]`, "EXPOSE x", "EXPOSE 99999", "EXPOSE 1-70000", "STOPSIGNAL x", "STOPSIGNAL 999",
		"SHELL x", "SHELL []", `SHELL ["nosuch"]`, `HEALTHCHECK`, "HEALTHCHECK --interval=x CMD y", "HEALTHCHECK NONE x", "ONBUILD", "ONBUILD FROM x", "ONBUILD ONBUILD RUN x", "ONBUILD RUN", "MAINTAINER", "CMD", "CMD [", `CMD [1,2]`, `CMD ["a",`, "ENTRYPOINT [\"\"]", "ENTRYPOINT []", "NOSUCH x", "# escape=x", "# syntax=nosuch", "# check=skip=all", "\\", "\\\n\\\n", "\x00", "\xff\xfe", strings.Repeat("x", 70000), "RUN "+strings.Repeat("y", 70000), "RUN true \\", "run tRuE", "\ufeffRUN x", "RUN\u00a0x")
}

// arguments are a docker command whose arguments are wrong.
func (h *attempt) arguments() {
	verb := h.one("run", "create", "start", "exec", "attach", "stop", "restart", "kill", "wait", "ps", "logs", "top", "diff", "cp", "export", "rm", "container prune", "pull", "push", "images", "tag", "rmi", "build", "commit", "history", "save", "load", "import", "image prune", "inspect",
		"volume create", "volume inspect", "volume ls", "volume prune", "volume rm", "system df", "system prune -f", "info", "version", "login", "nosuch", "")
	line := "docker " + verb
	for range h.IntN(6) {
		line += " " + h.argument()
	}
	h.what = fmt.Sprintf("%.200q", line)
	h.say("%s", line)
	h.say("docker rm -f hostile")
}

func (h *attempt) argument() string {
	value := func() string {
		return h.one("''", "-1", "0", "99999999999999999999", "x", "1g", "/", "..", "a=b", "=", ":", "::", "/a:/b:/c:/d", "'a b'", "busybox", "nosuch", "hostile", "sha256:"+strings.Repeat("0", 64), "sha256:x", "'{{'", "'{{.X}}'", "'{{range .}}'", "'{{template \"x\"}}'", "'{{json .}}'", "\xff\xfe", "'\x1b[31m'", "$HOME", "../../../../etc/passwd", "/etc/passwd", "/dev/zero", "/proc/self/mem", "type=bind", "type=bind,source=/nosuch,target=/x", "type=x,target=/y", "type=volume,target=rel", "-", "--", strings.Repeat("a", 300), "UPPER", "a/b/c/d:e", "localhost:1/x", "a@b", "🐳")
	}
	return h.one("--name hostile", "--name "+value(), "-v "+value(), "--mount "+value(), "--tmpfs "+value(), "-e "+value(), "--env-file "+value(), "-w "+value(), "-u "+value(), "-h "+value(), "--entrypoint "+value(), "-l "+value(), "-m "+value(), "--pids-limit "+value(), "--cap-add "+value(), "--cap-drop "+value(), "--network "+value(), "--stop-signal "+value(), "--platform "+value(), "-t "+value(), "-f "+value(), "--filter "+value(), "--format "+value(), "-c "+value(), "-o "+value(), "--timestamp "+value(), "--build-arg "+value(), "--target "+value(), "-n "+value(), "--tail "+value(), "--type "+value(), "--rm", "-q", "-a", value(), value(), value(), value(), "busybox", "busybox", "true", "hostile:/etc", "hostile:"+value())
}

// line is a line that is hardly a command.
func (h *attempt) line() {
	b := make([]byte, h.IntN(200))
	for i := range b {
		b[i] = byte(h.IntN(256))
	}
	text := h.one(string(b), "docker "+string(b), "docker run busybox "+string(b), "'", "\"", "docker run 'busybox", "docker run \\", "docker run $(", "docker run `", "docker run ${X", "docker run $((1", "{}[]", "docker run busybox <<EOF", "docker run busybox > /nosuch/x", "docker | docker", "docker; docker", "docker &", "docker run busybox && true", "((((((((((", strings.Repeat("(", 20000), strings.Repeat("docker ", 20000), "docker run "+strings.Repeat("x", 1<<20), "docker run busybox echo "+strings.Repeat("y", 1<<16), "docker run busybox echo "+strings.Repeat("y ", 1<<17), "\x1b[A\x1b[B", "\x00\x00\x00", "docker\x00run", "docker run --rm busybox echo \xff", "why", "why nosuch x", "audit nosuch", "layers nosuch", "diff a b", "evidence nosuch", "steps x", "back", "next", "lesson 99", "lesson x", "hint", "goals", "skip", "files", "edit", "lang xx", "help nosuch")
	text = flatten(text)
	for _, word := range []string{"quit", "exit"} {
		if strings.TrimSpace(text) == word {
			text = "'"
		}
	}
	h.what = fmt.Sprintf("%.200q", text)
	h.say("%s", text)
}

// hostFiles are files of the machine that are not what a command needs.
func (h *attempt) hostFiles() {
	file := h.one("/nosuch", "/dev/null", "/proc/self/mem", "/etc/shadow", "h", "h/dir", "h/fifo.tar/x", "/dev/full", "/proc/1/environ", "h/loop", "''")
	must(os.MkdirAll(filepath.Join(h.home, "h/dir"), 0o755))
	must(os.Symlink("loop", filepath.Join(h.home, "h/loop")))
	h.what = file
	h.say("docker import %s hostile", file)
	h.say("docker load -i %s", file)
	h.say("docker build -t hostile %s", file)
	h.say("docker build -f %s h/dir", file)
	h.say("docker create --name hostile busybox")
	h.say("docker cp %s hostile:/x", file)
	h.say("docker cp hostile:/etc %s", h.one("/nosuch/x", "/dev/full", "/proc/x", "h/dir/a/b", "h/loop"))
	h.say("docker export -o %s hostile", h.one("/nosuch/x", "/dev/full", "/proc/x", "h/dir", "h/loop"))
	h.say("docker save -o %s busybox", h.one("/nosuch/x", "/dev/full", "/proc/x", "h/dir", "h/loop"))
	h.say("docker run --rm --env-file %s busybox true", file)
	h.say("docker rm -f hostile")
	h.say("docker rmi -f hostile")
}
