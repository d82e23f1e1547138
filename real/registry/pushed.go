package registry

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pushed is what was pushed, in a directory:
//
//	blobs/HEX                blobs, by their digests
//	manifests/HEX            manifests, by theirs
//	tags/NAME/_tags/TAG      the digest of a tag's manifest
//	uploads/                 what is not complete yet
//
// Whatever has its final name is complete. Several registries may share it.
type pushed struct {
	dir string

	mu      sync.Mutex
	uploads map[string]*os.File
	mine    map[string]digest.Digest // what "name:tag" was made here
}

// uploadAge is how long an upload that was given up stays.
const uploadAge = 24 * time.Hour

func newPushed(dir string) (*pushed, error) {
	for _, sub := range []string{"blobs", "manifests", "tags", "uploads"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "uploads"))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > uploadAge {
			os.Remove(filepath.Join(dir, "uploads", e.Name()))
		}
	}
	return &pushed{dir: dir, uploads: map[string]*os.File{}, mine: map[string]digest.Digest{}}, nil
}

// close gives up the uploads that are not complete.
func (p *pushed) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, f := range p.uploads {
		f.Close()
		os.Remove(f.Name())
		delete(p.uploads, id)
	}
}

var (
	repositoryName = regexp.MustCompile(`^[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$`)
	tagName        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

func (p *pushed) find(kind, mediaType string, d digest.Digest) (content, bool) {
	if d.Validate() != nil || d.Algorithm() != digest.SHA256 {
		return content{}, false
	}
	name := filepath.Join(p.dir, kind, d.Encoded())
	info, err := os.Stat(name)
	return content{mediaType, d, fileSize(info), func() (io.ReadCloser, error) { return os.Open(name) }}, err == nil
}

func fileSize(info os.FileInfo) int64 {
	if info == nil {
		return 0
	}
	return info.Size()
}

func (p *pushed) blob(d digest.Digest) (content, bool) { return p.find("blobs", blobType, d) }

// manifest finds a manifest by its tag or digest.
func (p *pushed) manifest(name, reference string) (content, bool) {
	d := digest.Digest(reference)
	if tagName.MatchString(reference) && repositoryName.MatchString(name) {
		text, err := os.ReadFile(p.tagFile(name, reference))
		if err != nil {
			return content{}, false
		}
		d = digest.Digest(text)
	}
	c, ok := p.find("manifests", "", d)
	if !ok {
		return content{}, false
	}
	r, err := c.open()
	if err != nil {
		return content{}, false
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	c.mediaType = typeOf(text, ocispec.MediaTypeImageManifest)
	return c, err == nil
}

func (p *pushed) tagFile(name, tag string) string {
	return filepath.Join(p.dir, "tags", filepath.FromSlash(name), "_tags", tag)
}

// tag makes name:tag a manifest's.
func (p *pushed) tag(name, tag string, d digest.Digest) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mine[name+":"+tag] = d
	return p.write(p.tagFile(name, tag), []byte(d))
}

// replaced are the references that another registry on the same directory has
// given to something else since they were pushed here.
func (p *pushed) replaced() (refs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ref, d := range p.mine {
		i := strings.LastIndex(ref, ":")
		if text, err := os.ReadFile(p.tagFile(ref[:i], ref[i+1:])); err != nil || digest.Digest(text) != d {
			refs = append(refs, ref)
			delete(p.mine, ref)
		}
	}
	return refs
}

// tags are a repository's tags, sorted.
func (p *pushed) tags(name string) (tags []string) {
	if !repositoryName.MatchString(name) {
		return nil
	}
	entries, _ := os.ReadDir(filepath.Dir(p.tagFile(name, "x")))
	for _, e := range entries {
		tags = append(tags, e.Name())
	}
	return tags
}

// typeOf is what a manifest says it is.
func typeOf(manifest []byte, otherwise string) string {
	var says struct{ MediaType string }
	if json.Unmarshal(manifest, &says) == nil && says.MediaType != "" {
		return says.MediaType
	}
	return otherwise
}

// begin begins an upload.
func (p *pushed) begin() (id string, err error) {
	id = strings.ToLower(rand.Text())
	f, err := os.OpenFile(filepath.Join(p.dir, "uploads", id), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uploads[id] = f
	return id, nil
}

// take takes an upload out of the hands of other requests.
func (p *pushed) take(id string) (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, ok := p.uploads[id]
	if !ok {
		return nil, problem{http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", id}
	}
	delete(p.uploads, id)
	return f, nil
}

func (p *pushed) giveBack(id string, f *os.File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uploads[id] = f
}

// finish makes a blob of an upload.
func (p *pushed) finish(f *os.File, want digest.Digest) error {
	defer f.Close()
	defer os.Remove(f.Name())
	if want.Validate() != nil || want.Algorithm() != digest.SHA256 {
		return problem{http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content", want.String()}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, err := digest.SHA256.FromReader(f)
	if err != nil {
		return err
	}
	if got != want {
		return problem{http.StatusBadRequest, "DIGEST_INVALID", "provided digest did not match uploaded content", want.String()}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(p.dir, "blobs", want.Encoded()))
}

// write writes a whole file.
func (p *pushed) write(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(p.dir, "uploads"), "file-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// keep keeps a content under its digest.
func (p *pushed) keep(kind string, d digest.Digest, text []byte) error {
	return p.write(filepath.Join(p.dir, kind, d.Encoded()), text)
}

// mentioned are the blobs and manifests that a manifest consists of.
func mentioned(manifest []byte) (blobs, manifests []digest.Digest, err error) {
	var m struct {
		Config    *ocispec.Descriptor
		Layers    []ocispec.Descriptor
		Manifests []ocispec.Descriptor
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, nil, problem{http.StatusBadRequest, "MANIFEST_INVALID", "manifest invalid", err.Error()}
	}
	if m.Config != nil {
		blobs = append(blobs, m.Config.Digest)
	}
	for _, l := range m.Layers {
		blobs = append(blobs, l.Digest)
	}
	for _, sub := range m.Manifests {
		manifests = append(manifests, sub.Digest)
	}
	return blobs, manifests, nil
}

// Verify reads all that was pushed to a registry in dir and holds it against
// its digests. It returns how much there is, and the files that are damaged.
func Verify(dir string) (n int, damaged []string, err error) {
	for _, kind := range []string{"blobs", "manifests"} {
		entries, err := os.ReadDir(filepath.Join(dir, kind))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return n, damaged, err
		}
		for _, e := range entries {
			name := filepath.Join(dir, kind, e.Name())
			n++
			if !sound(name) {
				damaged = append(damaged, name)
			}
		}
	}
	return n, damaged, nil
}

// sound says whether a file's name is its digest.
func sound(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	got, err := digest.SHA256.FromReader(f)
	return err == nil && got.Encoded() == filepath.Base(name)
}
