package registry

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/opencontainers/go-digest"
)

// handler answers the requests of the spec's pull and push categories and the
// listing of tags (section "Endpoints"), at the root of a host.
type handler struct {
	store  *store
	pushed *pushed // nil: nothing can be pushed
}

// route takes apart "/v2/<name>/manifests/<tag or digest>",
// "/v2/<name>/blobs/<digest>" and "/v2/<name>/tags/list"; a name may hold
// slashes.
var route = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs|tags)/([^/]+)$`)

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || upload.MatchString(r.URL.Path) {
		if err := h.push(w, r); err != nil {
			fail(w, err)
		}
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

// forPeople says whether the registry was asked by the name that it has for
// people, [Name]. Then what was pushed comes first, and any name may be pushed
// to; by its address the bundled images come first.
func forPeople(r *http.Request) bool { return r.Host == Name }

// find is the content that r asks for, or a problem.
func (h *handler) find(r *http.Request) (content, error) {
	parts := route.FindStringSubmatch(r.URL.Path)
	if parts == nil {
		return content{}, problem{http.StatusNotFound, "UNSUPPORTED", "no such endpoint", r.URL.Path}
	}
	name, kind, reference := parts[1], parts[2], parts[3]
	switch kind {
	case "manifests":
		return h.manifest(r, name, reference)
	case "tags":
		return h.tags(name)
	}
	if h.pushed != nil && forPeople(r) && r.Method == http.MethodHead {
		// Asked before a push: what is only bundled was never pushed.
		if c, ok := h.pushed.blob(digest.Digest(reference)); ok {
			return c, nil
		}
		return content{}, problem{http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry", reference}
	}
	return h.blob(digest.Digest(reference))
}

func (h *handler) manifest(r *http.Request, name, reference string) (content, error) {
	if h.pushed == nil {
		return h.store.manifest(r.Context(), name, reference)
	}
	own, ok := h.pushed.manifest(name, reference)
	if ok && forPeople(r) {
		return own, nil
	}
	c, err := h.store.manifest(r.Context(), name, reference)
	if err != nil && ok {
		return own, nil
	}
	return c, err
}

func (h *handler) blob(d digest.Digest) (content, error) {
	if h.pushed != nil {
		if c, ok := h.pushed.blob(d); ok {
			return c, nil
		}
	}
	return h.store.blob(d)
}

func (h *handler) tags(name string) (content, error) {
	if h.pushed == nil {
		return h.store.tags(name, nil)
	}
	return h.store.tags(name, h.pushed.tags(name))
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
