package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Has says whether the repository has a blob (distribution-spec, end-2).
func (r *Repository) Has(ctx context.Context, d digest.Digest) (has bool, err error) {
	err = r.again(ctx, func() error {
		answer, err := r.send(ctx, http.MethodHead, r.url("blobs", d.String()), nil, 0, http.StatusOK, http.StatusNotFound)
		if err == nil {
			has = answer.StatusCode == http.StatusOK
		}
		return err
	})
	return has, err
}

// Put sends a blob in one piece, unless the repository has it (end-4 and
// end-6).
func (r *Repository) Put(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	if has, err := r.Has(ctx, d.Digest); err != nil || has {
		return err
	}
	return r.again(ctx, func() error { return r.put(ctx, d, open) })
}

// Mount has the registry take a blob over from another of its repositories
// (end-11). It need not do so, even if it has it.
func (r *Repository) Mount(ctx context.Context, d digest.Digest, from string) (mounted bool, err error) {
	query := url.Values{"mount": {d.String()}, "from": {from}}.Encode()
	answer, err := r.send(ctx, http.MethodPost, r.url("blobs", "uploads/")+"?"+query, nil, 0, http.StatusAccepted, http.StatusCreated)
	return err == nil && answer.StatusCode == http.StatusCreated, err
}

func (r *Repository) put(ctx context.Context, d ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	begun, err := r.send(ctx, http.MethodPost, r.url("blobs", "uploads/"), nil, 0, http.StatusAccepted)
	if err != nil {
		return err
	}
	upload, err := begun.Location()
	if err != nil {
		return fmt.Errorf("the registry does not say where to send the blob %s to: %w", d.Digest, err)
	}
	upload.Scheme = begun.Request.URL.Scheme // what a proxy in front knows better
	query, err := url.ParseQuery(upload.RawQuery)
	if err != nil {
		return err
	}
	query.Set("digest", d.Digest.String())
	upload.RawQuery = query.Encode()
	body, err := open()
	if err != nil {
		return err
	}
	defer body.Close()
	_, err = r.send(ctx, http.MethodPut, upload.String(), body, d.Size, http.StatusCreated, http.StatusNoContent)
	return err
}

// PutManifest sends a manifest and names it (end-7).
func (r *Repository) PutManifest(ctx context.Context, tag, mediaType string, manifest []byte) error {
	return r.again(ctx, func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPut, r.url("manifests", tag), bytes.NewReader(manifest))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", mediaType)
		_, err = r.do(request, http.StatusCreated, http.StatusOK, http.StatusAccepted)
		return err
	})
}

// again tries until it goes well or cannot.
func (r *Repository) again(ctx context.Context, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if err == nil || try == tries || !passing(err) || pause(ctx, try) != nil {
			return err
		}
	}
}

func (r *Repository) send(ctx context.Context, method, url string, body io.Reader, size int64, ok ...int) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.ContentLength = size
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	return r.do(request, ok...)
}

// do sends a request whose answer's body says nothing.
func (r *Repository) do(request *http.Request, ok ...int) (*http.Response, error) {
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if err := transport.CheckError(answer, ok...); err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10))
	return answer, errors.Join(err)
}
