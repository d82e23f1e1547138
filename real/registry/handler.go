package registry

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
)

// Handler answers the requests of the spec's pull category and the listing of
// tags (section "Endpoints", end-1 to end-3 and end-8a), to be put at the root
// of a host.
func Handler(reg sim.Registry) http.Handler { return &handler{store: newStore(reg)} }

type handler struct{ store *store }

// route takes apart "/v2/<name>/manifests/<tag or digest>",
// "/v2/<name>/blobs/<digest>" and "/v2/<name>/tags/list"; a name may hold
// slashes.
var route = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs|tags)/([^/]+)$`)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		fail(w, problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only", ""})
		return
	}
	if r.URL.Path == "/v2" || r.URL.Path == "/v2/" {
		return // the version check: 200 says enough
	}
	c, err := h.find(r)
	if err != nil {
		fail(w, err)
		return
	}
	serve(w, r, c)
}

// find is the content that r asks for, or a problem.
func (h *handler) find(r *http.Request) (content, error) {
	parts := route.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return content{}, problem{http.StatusNotFound, "UNSUPPORTED", "no such endpoint", r.URL.Path}
	}
	name, kind, reference := parts[1], parts[2], parts[3]
	switch kind {
	case "manifests":
		return h.store.manifest(r.Context(), name, reference)
	case "tags":
		return h.store.tags(name)
	}
	return h.store.blob(digest.Digest(reference))
}

// serve sends a content, or the range of it that r asks for (RFC 9110,
// section 14).
func serve(w http.ResponseWriter, r *http.Request, c content) {
	w.Header().Set("Content-Type", c.mediaType)
	w.Header().Set("Docker-Content-Digest", c.digest.String())
	w.Header().Set("Etag", `"`+c.digest.String()+`"`)
	body := &seeker{content: c}
	defer body.Close()
	http.ServeContent(w, r, "", time.Time{}, body)
}

// problem is an error as the spec has it (section "Error codes").
type problem struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

func (p problem) Error() string { return p.Message }

// fail answers with err; one that is no problem is the server's own.
func fail(w http.ResponseWriter, err error) {
	var p problem
	if !errors.As(err, &p) {
		p = problem{http.StatusInternalServerError, "UNKNOWN", "internal error", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	json.NewEncoder(w).Encode(map[string][]problem{"errors": {p}})
}
