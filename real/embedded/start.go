//go:build linux

package embedded

import (
	"context"
	"errors"

	"twinlayer/real/embedded/helper"
	"twinlayer/real/embedded/rpc"
)

// Init turns a program that an engine started into what it was started as;
// then it does not return. Otherwise it does nothing.
func Init() { helper.Init() }

// Start starts an engine. The error is an *[Unavailable] where the machine or
// the data directory does not allow it.
func Start(cfg Config) (*Engine, error) {
	conn, process, err := helper.Spawn(cfg.As)
	if err != nil {
		return nil, helper.RefusedClone(err)
	}
	e := &Engine{client: rpc.NewClient(conn), pid: process.Pid, wait: func() error {
		_, err := process.Wait()
		return err
	}}
	no, err := rpc.Call[Unavailable](context.Background(), e.client, "open", cfg)
	if err == nil && no.Reason != "" {
		err = &no
	}
	if errors.Is(err, rpc.ErrGone) {
		err = &Unavailable{Reason: "its helper process ended at once", Remedy: "run twinlayer again with more memory free, and report this if it stays"}
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}
