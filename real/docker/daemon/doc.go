// Package daemon finds Docker's and Podman's service, as their own commands
// find it, and says what to do where it does not answer.
package daemon
