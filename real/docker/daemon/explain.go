package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/moby/moby/client"

	"twinlayer/sim"
)

// Explain tells what the engine answers, a *sim.Refusal in its words, from an
// engine that cannot be asked, a *sim.Lost with the remedy.
func (t Target) Explain(err error) error {
	var refusal *sim.Refusal
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &refusal):
		return err
	case errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "permission denied while trying to connect"):
		return lost("%s at %s may not be used by you (permission denied): %s", t.Title(), t.Host, t.permission())
	case strings.HasPrefix(t.Host, "ssh://") && strings.Contains(err.Error(), "stderr="):
		_, said, _ := strings.Cut(err.Error(), "stderr=")
		return lost("%s at %s cannot be reached (%s): see that \"docker -H %[2]s version\" works without a password, then type reconnect", t.Title(), t.Host, strings.TrimSpace(said))
	case strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "remote error: tls:"):
		return lost("%s at %s does not accept twinlayer's certificate, or the other way round (%v): see that ca.pem, cert.pem and key.pem, which DOCKER_CERT_PATH or the docker context names, are that engine's", t.Title(), t.Host, rootCause(err))
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		return lost("%s at %s wants TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to where its certificates are", t.Title(), t.Host)
	case Gone(err):
		return lost("%s at %s does not answer (%v): start it, for instance with %q, then type reconnect", t.Title(), t.Host, rootCause(err), t.start())
	case strings.Contains(err.Error(), "client version") && strings.Contains(err.Error(), "is too"), strings.Contains(err.Error(), "API version"):
		return lost("%s at %s speaks an API that twinlayer does not (%v): it needs 1.40 or newer, which Docker has since 19.03", t.Title(), t.Host, err)
	case strings.Contains(err.Error(), "no space left on device"):
		return sim.Refuse("the disk of %s is full (%s): see what takes the room with \"%s system df\", free some, then try again", t.Title(), Words(err), t.Name())
	case strings.Contains(err.Error(), "toomanyrequests"), strings.Contains(err.Error(), "429 Too Many Requests"):
		return sim.Refuse("%s\nThe registry lets nobody pull more for now: wait a while, or log in with \"%s login\" to be allowed more.", Words(err), t.Name())
	}
	return refused(err)
}

// refused is what the engine answers. Its kind can be told by the words alone,
// for the API has one status for many.
func refused(err error) *sim.Refusal {
	words := Words(err)
	r := sim.Refuse("%s", words)
	for prefix, kind := range map[string]sim.RefusalKind{
		"No such image: ": sim.MissingImage, "No such container: ": sim.MissingContainer,
		"Could not find the file ": sim.MissingPath, "invalid reference format": sim.InvalidReference,
	} {
		if subject, ok := strings.CutPrefix(words, prefix); ok {
			return r.About(kind, subject)
		}
	}
	if rest, ok := strings.CutPrefix(words, "pull access denied for "); ok {
		name, _, _ := strings.Cut(rest, ",")
		return r.About(sim.DeniedPull, name)
	}
	return r
}

func lost(format string, args ...any) error { return &sim.Lost{Err: fmt.Errorf(format, args...)} }

// Gone says whether the engine itself is missing.
func Gone(err error) bool {
	var op *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrNotExist)
}

// rootCause is the last word of a chain of errors.
func rootCause(err error) error {
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) == 1 {
			next = joined.Unwrap()[0]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// Words are what the engine said.
func Words(err error) string {
	text := strings.TrimSpace(err.Error())
	return strings.TrimPrefix(text, "Error response from daemon: ")
}

// start is a command that starts the engine.
func (t Target) start() string {
	if t.Podman {
		return "systemctl start podman.socket"
	}
	return "systemctl start docker"
}

// permission is what gives a person the right to the socket.
func (t Target) permission() string {
	if t.Podman {
		return "use your own with \"systemctl --user start podman.socket\", or run twinlayer as root"
	}
	return "join the group of the socket with \"sudo usermod -aG docker $USER\" and log in again, or run twinlayer as root"
}
