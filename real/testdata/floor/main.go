//go:build linux

// Floor does single works of a container engine with no more than the system
// calls that they take. It keeps no list of anything, checks nothing twice,
// tells nobody, and undoes nothing but what a work says; what it takes is the
// least that any engine could.
//
//	floor build BASE STORE COMMAND…   an image of some shell commands
//	floor run BASE DIR PROGRAM ARG…   a container's life
//	floor change BASE DIR PROGRAM…    the same, but DIR/upper stays
//	floor commit UPPER STORE          a layer of a container's directory
//	floor diff BASE UPPER             what that directory changed
//	floor pull HOST NAME TAG STORE    an image from a registry, unpacked
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	args := os.Args[1:]
	if os.Args[0] == "stage" {
		log.Fatal(stage(args[0], args[1], args[2], args[3:]))
	}
	works := map[string]func(args []string) error{
		"build":  build,
		"run":    func(args []string) error { return live(args[0], args[1], args[2:]) },
		"change": func(args []string) error { return run(args[1], args[0], args[2:]) },
		"commit": func(args []string) error { return commit(args[0], args[1]) },
		"diff":   func(args []string) error { return diff(args[0], args[1]) },
		"pull":   func(args []string) error { return pull(args[0], args[1], args[2], args[3]) },
	}
	if err := works[args[0]](args[1:]); err != nil {
		log.Fatal(err)
	}
}

// build makes an image of shell commands: for each a container, and the
// layer's tar with its SHA-256.
func build(args []string) error {
	lower, store := []string{args[0]}, args[1]
	var layers []string
	for i, command := range args[2:] {
		dir := filepath.Join(store, string(rune('a'+i)))
		if err := run(dir, strings.Join(lower, ":"), []string{"/bin/sh", "-c", command}); err != nil {
			return err
		}
		digest, err := pack(dir)
		if err != nil {
			return err
		}
		layers = append(layers, digest)
		text, err := json.Marshal(map[string]any{"created_by": command, "rootfs": layers})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "config"), text, 0o644); err != nil {
			return err
		}
		lower = append([]string{filepath.Join(dir, "upper")}, lower...)
	}
	return nil
}
