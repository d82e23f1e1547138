package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"twinlayer/sim"
)

// ExplainPull puts what kept ref from being pulled into docker's words.
func ExplainPull(ctx context.Context, ref string, err error) error {
	answer, err := explain(ctx, "pulling "+ref, err)
	switch {
	case answer == nil:
		return err
	case says(answer, transport.ManifestUnknownErrorCode):
		return sim.ManifestUnknown(ref)
	case says(answer, transport.NameUnknownErrorCode, transport.DeniedErrorCode, transport.UnauthorizedErrorCode),
		answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return sim.PullDenied(ref)
	case answer.StatusCode == http.StatusNotFound:
		return sim.ManifestUnknown(ref)
	}
	return err
}

// ExplainPush puts what kept ref from being pushed into docker's words.
func ExplainPush(ctx context.Context, ref string, err error) error {
	answer, err := explain(ctx, "pushing "+ref, err)
	switch {
	case answer == nil:
		return err
	case says(answer, transport.UnauthorizedErrorCode), answer.StatusCode == http.StatusUnauthorized:
		return sim.Refuse("unauthorized: authentication required")
	case says(answer, transport.DeniedErrorCode), answer.StatusCode == http.StatusForbidden:
		return sim.Refuse("denied: requested access to the resource is denied")
	case says(answer, transport.UnsupportedErrorCode), answer.StatusCode == http.StatusMethodNotAllowed:
		return sim.Refuse("unsupported: this registry takes no pushes")
	}
	return err
}

func says(answer *transport.Error, codes ...transport.ErrorCode) bool {
	return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return slices.Contains(codes, d.Code) })
}

// explain is what pulls and pushes have in common. answer is the registry's,
// if it gave one that says more.
func explain(ctx context.Context, doing string, err error) (answer *transport.Error, explained error) {
	var refusal *sim.Refusal
	var asked *url.Error
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &refusal):
		return nil, refusal
	case errors.As(err, &asked):
		// The learner's own mistake, or the network's; docker shows it as it is.
		return nil, sim.Refuse("%s %q: %v", asked.Op, asked.URL, asked.Err)
	case errors.As(err, &answer):
		if answer.StatusCode == http.StatusTooManyRequests {
			return nil, sim.Refuse("toomanyrequests: %s: wait a while, log in with docker login, or have short names come from a mirror (--images)", says429(answer))
		}
		return answer, fmt.Errorf("%s: %w", doing, err)
	}
	return nil, fmt.Errorf("%s: %w", doing, err)
}

func says429(answer *transport.Error) string {
	if len(answer.Errors) > 0 && answer.Errors[0].Message != "" {
		return answer.Errors[0].Message
	}
	return "the registry wants fewer requests"
}

// Unknown says whether a registry answered that it lacks what was asked for.
func Unknown(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusNotFound ||
		says(answer, transport.NameUnknownErrorCode, transport.ManifestUnknownErrorCode))
}
