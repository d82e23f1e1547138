//go:build linux

package strangers

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
)

// network is a registry that answers wrongly: in which way, the name of the
// repository says. There is one for each way to be wrong before that.
type network struct {
	host  string
	gates map[string]string // hosts, by what is wrong
}

func hostileNetwork(t *testing.T) network {
	n := network{host: serveHostile(t, answerWrongly), gates: map[string]string{}}
	for name, gate := range gates {
		n.gates[name] = serveHostile(t, gate)
	}
	return n
}

func serveHostile(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.CloseClientConnections)
	return strings.TrimPrefix(s.URL, "http://")
}

// gates are the ways to be wrong at the very first question.
var gates = map[string]http.HandlerFunc{
	"gate-500":  func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 500) },
	"gate-html": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>login here</html>") },
	"gate-401":  func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
	"gate-challenge": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`)
		http.Error(w, "no", http.StatusUnauthorized)
	},
	"gate-realm": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://127.0.0.1:1/t",service="x"`)
		http.Error(w, "no", http.StatusUnauthorized)
	},
	"gate-token": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			io.WriteString(w, "{{")
			return
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host))
		http.Error(w, "no", http.StatusUnauthorized)
	},
	"gate-basic": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		http.Error(w, "no", http.StatusUnauthorized)
	},
	"gate-circle": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
	"gate-nowhere": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "::")
		w.WriteHeader(http.StatusFound)
	},
	"gate-file": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	},
	"gate-hangup": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	"gate-junk": func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			io.WriteString(conn, "SSH-2.0-OpenSSH_9\r\n")
			conn.Close()
		}
	},
}

// mode is a way to be wrong.
func (n network) mode(r *rand.Rand) string {
	all := append(append([]string{}, manifestModes...), append(configModes, blobModes...)...)
	for name := range n.gates {
		all = append(all, name)
	}
	for _, o := range oddTars() {
		all = append(all, "tar-"+strings.ToLower(strings.NewReplacer(" ", ".", ",", "").Replace(o.name)))
	}
	sortStrings(all)
	return all[r.IntN(len(all))]
}

func sortStrings(all []string) {
	for i := range all {
		for j := i; j > 0 && all[j] < all[j-1]; j-- {
			all[j], all[j-1] = all[j-1], all[j]
		}
	}
}

// ref is a reference to what is wrong in a mode; each serial has contents of
// its own.
func (n network) ref(mode string, serial uint64) string {
	host := n.host
	if gate, ok := n.gates[mode]; ok {
		host = gate
	}
	return fmt.Sprintf("%s/%s/s%d:1", host, mode, serial)
}

var (
	manifestModes = []string{"m-500", "m-503", "m-404", "m-404.json", "m-401", "m-403", "m-429", "m-400", "m-418", "m-204", "m-circle", "m-elsewhere", "m-bad.json", "m-half", "m-html", "m-empty", "m-null", "m-array", "m-big", "m-deep", "m-type", "m-notype", "m-schema1", "m-index.empty", "m-index.other", "m-index.circle", "m-index.digest", "m-nolayers", "m-manylayers", "m-nodigest", "m-baddigest", "m-md5", "m-negative", "m-hugesize", "m-strange.config", "m-strange.layer", "m-foreign", "m-errors", "m-fewer", "m-hangup", "m-length"}
	configModes   = []string{"c-bad.json", "c-null", "c-array", "c-empty", "c-wrong", "c-404", "c-500", "c-big", "c-windows", "c-arch", "c-diffids", "c-norootfs", "c-env", "c-volumes", "c-workdir", "c-user", "c-entrypoint", "c-cmd", "c-created", "c-history", "c-labels", "c-signal", "c-hangup"}
	blobModes     = []string{"b-wrong", "b-short", "b-long", "b-404", "b-500", "b-403", "b-cut", "b-badgzip", "b-crc", "b-diffid", "b-junk", "b-empty", "b-hangup", "b-drip", "b-range", "b-circle", "b-twice"}
)

var hostileRoute = regexp.MustCompile(`^/v2/([^/]+)/s(\d+)/(manifests|blobs)/(.+)$`)

// answerWrongly answers in the way that the repository's name says.
func answerWrongly(w http.ResponseWriter, r *http.Request) {
	parts := hostileRoute.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return // the version check
	}
	img := wrongImage(parts[1], parts[2])
	switch {
	case parts[3] == "manifests":
		img.serveManifest(w, r)
	case parts[4] == digest.FromString(img.config).String():
		img.serveConfig(w, r)
	default:
		img.serveBlob(w, r)
	}
}

// wrong is an image of which something is wrong.
type wrong struct {
	mode             string
	layer            []byte
	config, manifest string
}

func wrongImage(mode, serial string) wrong {
	img := wrong{mode: mode, layer: packed(append(tarOf(ent{name: "serial-" + serial, typ: '0'})[:512], soundTar()...))}
	plain := plainOf(img.layer)
	for _, o := range oddTars() {
		if mode == "tar-"+strings.ToLower(strings.NewReplacer(" ", ".", ",", "").Replace(o.name)) {
			img.layer = o.make()
			plain = plainOf(img.layer)
		}
	}
	diffID := digest.FromBytes(plain)
	if mode == "b-diffid" {
		diffID = digest.FromString(serial)
	}
	img.config = img.configText(serial, diffID)
	img.layer = img.spoiltLayer()
	img.manifest = img.manifestText()
	return img
}

// configText is the configuration.
func (img wrong) configText(serial string, diffID digest.Digest) string {
	inside, rootfs, rest := `"Cmd":["/bin/true"]`, fmt.Sprintf(`{"type":"layers","diff_ids":[%q]}`, diffID), ""
	platform := fmt.Sprintf(`"os":"linux","architecture":%q`, runtime.GOARCH)
	switch img.mode {
	case "c-bad.json":
		return `{"serial":` + serial
	case "c-null":
		return "null" + strings.Repeat(" ", int(serial[0]))
	case "c-array":
		return "[" + serial + "]"
	case "c-empty":
		return "{}" + strings.Repeat(" ", int(serial[0]))
	case "c-big":
		rest = `,"x":"` + strings.Repeat("y", 5<<20) + `"`
	case "c-windows":
		platform = `"os":"windows","architecture":"amd64"`
	case "c-arch":
		platform = `"os":"linux","architecture":"nosuch"`
	case "c-diffids":
		rootfs = `{"type":"layers","diff_ids":["sha256:../../../etc/passwd"]}`
	case "c-norootfs":
		rootfs = "null"
	case "c-env":
		inside = `"Env":["","=","A","\u0000=x","B=\u001b[31m"]`
	case "c-volumes":
		inside = `"Volumes":{"":{},"..":{},"/":{},"/etc/passwd":{},"relative":{}}`
	case "c-workdir":
		inside = `"WorkingDir":"../../` + strings.Repeat("w", 300) + `"`
	case "c-user":
		inside = `"User":"nosuch:99999999999"`
	case "c-entrypoint":
		inside = `"Entrypoint":["",""]`
	case "c-cmd":
		inside = `"Cmd":"not a list"`
	case "c-created":
		rest = `,"created":"yesterday"`
	case "c-history":
		rest = `,"history":[{"created_by":"\u001b[2J"},{"empty_layer":true},{}]`
	case "c-labels":
		inside = `"Labels":{"":"","\u0000":"\u001b","twinlayer.bundled":"1","twinlayer.session":"x"}`
	case "c-signal":
		inside = `"StopSignal":"SIGNOSUCH"`
	}
	return fmt.Sprintf(`{%s,"serial":%q,"config":{%s},"rootfs":%s%s}`, platform, serial, inside, rootfs, rest)
}

// spoiltLayer is the layer as it is sent.
func (img wrong) spoiltLayer() []byte {
	b := img.layer
	switch img.mode {
	case "b-cut":
		return b[:len(b)*2/3]
	case "b-badgzip":
		return append([]byte{0x1f, 0x8b, 9, 9}, b[4:]...)
	case "b-crc":
		b[len(b)-6] ^= 0xff
	case "b-junk":
		return append([]byte("junk"), b...)
	case "b-empty":
		return nil
	}
	return b
}

// manifestText is the manifest.
func (img wrong) manifestText() string {
	layerDigest, size, layerType := digest.FromBytes(img.layer).String(), len(img.layer), "application/vnd.oci.image.layer.v1.tar+gzip"
	configDigest, configType, rest := digest.FromString(img.config).String(), "application/vnd.oci.image.config.v1+json", ""
	switch img.mode {
	case "m-baddigest":
		layerDigest = "sha256:../../../../etc/passwd"
	case "m-nodigest":
		layerDigest, configDigest = "", ""
	case "m-md5":
		layerDigest = "md5:00000000000000000000000000000000"
	case "m-negative":
		size = -1
	case "m-hugesize":
		size = 1 << 60
	case "b-short":
		size += 100
	case "b-long":
		size -= 10
	case "m-strange.config":
		configType = "application/vnd.nosuch"
	case "m-strange.layer":
		layerType = "application/vnd.nosuch"
	case "m-foreign":
		layerType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	case "m-big":
		rest = `,"x":"` + strings.Repeat("y", 5<<20) + `"`
	case "m-deep":
		rest = `,"x":` + strings.Repeat("[", 1<<20)
	}
	layer := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, layerType, layerDigest, size)
	layers := layer
	switch img.mode {
	case "m-nolayers":
		layers = ""
	case "m-manylayers", "b-twice":
		layers = layer + strings.Repeat(","+layer, 200)
	}
	return fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[%s]%s}`, configType, configDigest, len(img.config), layers, rest)
}

// status is the answer of a mode that is nothing but a status.
func status(w http.ResponseWriter, r *http.Request, mode string) bool {
	switch mode {
	case "500", "503", "404", "401", "403", "429", "400", "418", "204":
		var code int
		fmt.Sscan(mode, &code)
		w.WriteHeader(code)
	case "404.json":
		w.WriteHeader(404)
		io.WriteString(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"\u001b[31mno","detail":{"a":1}}]}`)
	case "errors":
		w.WriteHeader(400)
		io.WriteString(w, `{"errors":"not a list"}`)
	case "circle":
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	case "elsewhere":
		http.Redirect(w, r, "http://127.0.0.1:1/x", http.StatusTemporaryRedirect)
	case "hangup":
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

func (img wrong) serveManifest(w http.ResponseWriter, r *http.Request) {
	if mode, ok := strings.CutPrefix(img.mode, "m-"); ok && status(w, r, mode) {
		return
	}
	mediaType, body := "application/vnd.oci.image.manifest.v1+json", img.manifest
	index := func(text string) {
		if strings.HasSuffix(r.URL.Path, ":1") || strings.HasSuffix(r.URL.Path, "/1") {
			mediaType, body = "application/vnd.oci.image.index.v1+json", text
		}
	}
	switch img.mode {
	case "m-bad.json":
		body = "{{{"
	case "m-half":
		body = body[:len(body)/2]
	case "m-html":
		mediaType, body = "text/html", "<html>not found</html>"
	case "m-empty":
		body = ""
	case "m-null":
		body = "null"
	case "m-array":
		body = "[]"
	case "m-type":
		mediaType, body = "application/vnd.nosuch", strings.Replace(body, `"mediaType":"application/vnd.oci.image.manifest.v1+json",`, "", 1)
	case "m-notype":
		mediaType = ""
	case "m-schema1":
		mediaType, body = "application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion":1,"name":"x","fsLayers":[]}`
	case "m-index.empty":
		index(`{"schemaVersion":2,"manifests":[]}`)
	case "m-index.other":
		index(`{"schemaVersion":2,"manifests":[{"digest":"` + digest.FromString("x").String() + `","platform":{"os":"plan9","architecture":"mips"}}]}`)
	case "m-index.digest":
		index(`{"schemaVersion":2,"manifests":[{"digest":"` + digest.FromString("x").String() + `","platform":{"os":"linux","architecture":"` + runtime.GOARCH + `"}}]}`)
	case "m-index.circle":
		mediaType, body = "application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[{"digest":"1"}]}`
	case "m-length":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+100))
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("wrong"))))
	io.WriteString(w, body)
}

func (img wrong) serveConfig(w http.ResponseWriter, r *http.Request) {
	mode, ok := strings.CutPrefix(img.mode, "c-")
	switch {
	case ok && status(w, r, mode):
	case mode == "wrong":
		io.WriteString(w, img.config+" ")
	default:
		io.WriteString(w, img.config)
	}
}

func (img wrong) serveBlob(w http.ResponseWriter, r *http.Request) {
	mode, ok := strings.CutPrefix(img.mode, "b-")
	switch {
	case ok && status(w, r, mode):
	case mode == "wrong":
		w.Write(append([]byte{img.layer[0]}, img.layer...))
	case mode == "drip": // it breaks off again and again
		w.Header().Set("Content-Length", fmt.Sprint(len(img.layer)))
		w.Write(img.layer[:20])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case mode == "range":
		w.Header().Set("Content-Range", "bytes 5-9/3")
		w.WriteHeader(http.StatusPartialContent)
		w.Write(img.layer)
	default:
		w.Write(img.layer)
	}
}
