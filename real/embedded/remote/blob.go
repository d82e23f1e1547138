package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// tries is how often something is tried again before it counts as lost.
const tries = 5

// pause waits before the next try, each time longer.
func pause(ctx context.Context, try int) error {
	select {
	case <-time.After(100 * time.Millisecond << try):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// broken says whether an error is that of a connection which was there.
func broken(err error) bool {
	var network net.Error
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.As(err, &network) && network.Timeout()
}

// Blob reads a blob from an offset on. Where the connection breaks, it goes
// on from there with the next one. That the bytes are the right ones is for
// the caller to check.
func (r *Repository) Blob(ctx context.Context, d ocispec.Descriptor, from int64) io.ReadCloser {
	return &download{ctx: ctx, repo: r, want: d, at: from}
}

type download struct {
	ctx   context.Context
	repo  *Repository
	want  ocispec.Descriptor
	at    int64
	body  io.ReadCloser
	fails int // since the last byte came
}

func (d *download) Read(p []byte) (int, error) {
	for {
		if d.at == d.want.Size {
			return 0, io.EOF
		}
		n, err := d.read(p)
		if n > 0 || err == nil {
			d.fails = 0
			d.at += int64(n)
			return n, d.tooLong()
		}
		d.Close()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if d.ctx.Err() != nil {
			return 0, d.ctx.Err()
		}
		if d.fails++; d.fails > tries || !passing(err) {
			return 0, err
		}
		if err := pause(d.ctx, d.fails-1); err != nil {
			return 0, err
		}
	}
}

func (d *download) tooLong() error {
	if d.at > d.want.Size {
		return fmt.Errorf("the blob %s is longer than the %d bytes that its manifest says", d.want.Digest, d.want.Size)
	}
	return nil
}

func (d *download) read(p []byte) (int, error) {
	if d.body == nil {
		if err := d.open(); err != nil {
			return 0, err
		}
	}
	return d.body.Read(p)
}

// open asks for what is still missing (RFC 9110, section 14), and for all
// where the registry knows no ranges.
func (d *download) open() error {
	address := d.repo.url("blobs", d.want.Digest.String())
	if d.at > 0 {
		header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", d.at, d.want.Size-1)}}
		answer, err := d.repo.getOnce(d.ctx, address, header)
		switch {
		case err == nil && answer.StatusCode == http.StatusPartialContent:
			d.body = answer.Body
			return d.begins(answer)
		case err == nil:
			return d.skip(answer.Body)
		case passing(err):
			return err
		}
	}
	answer, err := d.repo.getOnce(d.ctx, address, nil)
	if err != nil {
		return err
	}
	return d.skip(answer.Body)
}

// begins checks that an answer begins where it was asked to.
func (d *download) begins(answer *http.Response) error {
	says := answer.Header.Get("Content-Range")
	if strings.HasPrefix(says, fmt.Sprintf("bytes %d-", d.at)) {
		return nil
	}
	return fmt.Errorf("the registry was asked for %s from byte %d on and sent %q", d.want.Digest, d.at, says)
}

// skip passes over what is there already.
func (d *download) skip(body io.ReadCloser) error {
	d.body = body
	_, err := io.CopyN(io.Discard, body, d.at)
	return err
}

func (d *download) Close() error {
	if d.body == nil {
		return nil
	}
	body := d.body
	d.body = nil
	return body.Close()
}
