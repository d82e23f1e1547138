package registry

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
)

// upload takes apart "/v2/<name>/blobs/uploads/<id>".
var upload = regexp.MustCompile(`^/v2/(.+)/blobs/uploads/([^/]*)$`)

// manifestMost is the longest manifest that is taken.
const manifestMost = 4 << 20

// push answers the requests of the spec's push category (end-4 to end-7,
// end-11, end-13).
func (h *handler) push(w http.ResponseWriter, r *http.Request) error {
	if parts := upload.FindStringSubmatch(r.URL.Path); parts != nil {
		if err := h.mayPush(r, parts[1]); err != nil {
			return err
		}
		return h.upload(w, r, parts[1], parts[2])
	}
	parts := route.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPut || parts == nil || parts[2] != "manifests" {
		return problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "the operation is unsupported", r.Method}
	}
	if err := h.mayPush(r, parts[1]); err != nil {
		return err
	}
	return h.putManifest(w, r, parts[1], parts[3])
}

// mayPush refuses pushes where there is no place for them, those of other
// users, and those that would take the place of bundled images.
func (h *handler) mayPush(r *http.Request, name string) error {
	switch {
	case h.pushed == nil:
		return problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only", ""}
	case !fromUs(r):
		return problem{http.StatusForbidden, "DENIED", "requested access to the resource is denied", "only the user whose twinlayer this is may push to it"}
	case !repositoryName.MatchString(name):
		return problem{http.StatusBadRequest, "NAME_INVALID", "invalid repository name", name}
	case !forPeople(r) && h.store.lists(name):
		return problem{http.StatusForbidden, "DENIED", "requested access to the resource is denied", name}
	}
	return nil
}

// fromUs says whether a request comes from a process of the user whose
// registry this is, or of root, as which daemons run. Whoever has an account
// on the machine reaches the loopback.
func fromUs(r *http.Request) bool {
	near, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	here, err := netip.ParseAddrPort(near.String())
	there, err2 := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || err2 != nil {
		return false
	}
	uid, err := owner(here, there)
	return err == nil && (uid == 0 || uid == os.Geteuid())
}

// upload is one step of an upload.
func (h *handler) upload(w http.ResponseWriter, r *http.Request, name, id string) error {
	switch {
	case r.Method == http.MethodPost && id == "":
		return h.begin(w, r, name)
	case r.Method == http.MethodPatch:
		return h.more(w, r, name, id)
	case r.Method == http.MethodPut:
		return h.last(w, r, name, id)
	case r.Method == http.MethodGet:
		f, err := h.pushed.take(id)
		if err != nil {
			return err
		}
		defer h.pushed.giveBack(id, f)
		return h.status(w, name, id, f, http.StatusNoContent)
	case r.Method == http.MethodDelete:
		f, err := h.pushed.take(id)
		if err != nil {
			return err
		}
		f.Close()
		w.WriteHeader(http.StatusNoContent)
		return os.Remove(f.Name())
	}
	return problem{http.StatusMethodNotAllowed, "UNSUPPORTED", "the operation is unsupported", r.Method}
}

// begin begins an upload, or does it all where the blob is there already.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, name string) error {
	if d := digest.Digest(r.URL.Query().Get("mount")); d != "" {
		if _, ok := h.pushed.blob(d); ok {
			created(w, name, "blobs", d)
			return nil
		}
	}
	id, err := h.pushed.begin()
	if err != nil {
		return err
	}
	if r.URL.Query().Get("digest") != "" {
		return h.last(w, r, name, id)
	}
	f, err := h.pushed.take(id)
	if err != nil {
		return err
	}
	defer h.pushed.giveBack(id, f)
	return h.status(w, name, id, f, http.StatusAccepted)
}

// more takes a piece of a blob.
func (h *handler) more(w http.ResponseWriter, r *http.Request, name, id string) error {
	f, err := h.pushed.take(id)
	if err != nil {
		return err
	}
	defer h.pushed.giveBack(id, f)
	if err := appendBody(f, r); err != nil {
		return err
	}
	return h.status(w, name, id, f, http.StatusAccepted)
}

// appendBody adds what came to a file; a piece must begin where the one
// before it ended.
func appendBody(f *os.File, r *http.Request) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if says := r.Header.Get("Content-Range"); says != "" && !strings.HasPrefix(strings.TrimPrefix(says, "bytes "), fmt.Sprintf("%d-", end)) {
		return problem{http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "blob upload invalid", says}
	}
	if _, err := io.Copy(f, r.Body); err != nil {
		f.Truncate(end)
		return problem{http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "blob upload invalid", err.Error()}
	}
	return nil
}

func (h *handler) status(w http.ResponseWriter, name, id string, f *os.File, status int) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v2/"+name+"/blobs/uploads/"+id)
	w.Header().Set("Docker-Upload-UUID", id)
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(end-1, 0)))
	w.WriteHeader(status)
	return nil
}

// last takes the last piece of a blob, which makes it whole.
func (h *handler) last(w http.ResponseWriter, r *http.Request, name, id string) error {
	f, err := h.pushed.take(id)
	if err != nil {
		return err
	}
	d := digest.Digest(r.URL.Query().Get("digest"))
	if err := appendBody(f, r); err != nil {
		h.pushed.giveBack(id, f)
		return err
	}
	if err := h.pushed.finish(f, d); err != nil {
		return err
	}
	created(w, name, "blobs", d)
	return nil
}

func created(w http.ResponseWriter, name, kind string, d digest.Digest) {
	w.Header().Set("Location", "/v2/"+name+"/"+kind+"/"+d.String())
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}

// putManifest takes a manifest all of whose parts are there.
func (h *handler) putManifest(w http.ResponseWriter, r *http.Request, name, reference string) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, manifestMost+1))
	if err != nil || len(text) > manifestMost {
		return problem{http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid", "it is too long"}
	}
	blobs, manifests, err := mentioned(text)
	if err != nil {
		return err
	}
	for _, d := range blobs {
		if err := h.adopt(d); err != nil {
			return problem{http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", d.String()}
		}
	}
	for _, d := range manifests {
		if _, err := h.manifest(r, name, d.String()); err != nil {
			return problem{http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "manifest unknown to registry", d.String()}
		}
	}
	d := digest.FromBytes(text)
	asked := digest.Digest(reference)
	if asked.Validate() == nil && asked != d {
		return problem{http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content", reference}
	}
	if asked.Validate() != nil && !tagName.MatchString(reference) {
		return problem{http.StatusBadRequest, "TAG_INVALID", "manifest tag did not match URI", reference}
	}
	if err := h.keepManifest(name, reference, d, text); err != nil {
		return err
	}
	created(w, name, "manifests", d)
	return nil
}

// adopt makes a blob of the bundled images one that stays.
func (h *handler) adopt(d digest.Digest) error {
	if _, ok := h.pushed.blob(d); ok {
		return nil
	}
	c, err := h.store.blob(d)
	if err != nil {
		return err
	}
	r, err := c.open()
	if err != nil {
		return err
	}
	defer r.Close()
	id, err := h.pushed.begin()
	if err != nil {
		return err
	}
	f, err := h.pushed.take(id)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		h.pushed.giveBack(id, f)
		return err
	}
	return h.pushed.finish(f, d)
}

func (h *handler) keepManifest(name, reference string, d digest.Digest, text []byte) error {
	if err := h.pushed.keep("manifests", d, text); err != nil || digest.Digest(reference).Validate() == nil {
		return err
	}
	return h.pushed.tag(name, reference, d)
}
