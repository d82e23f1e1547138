// Package platform has the names of the machines that images are made for.
package platform

import "runtime"

// Host is the architecture that this program was built for, as GOARCH has it,
// which is what a session shows unless it is given another. What is built for
// no machine, as for a browser, shows amd64.
func Host() string {
	if runtime.GOARCH == "wasm" {
		return "amd64"
	}
	return runtime.GOARCH
}

// machines are the names that uname -m has for architectures.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// Machine is what uname -m calls an architecture.
func Machine(arch string) string {
	if name, ok := machines[arch]; ok {
		return name
	}
	return arch
}

// Arch is the architecture that uname -m calls machine.
func Arch(machine string) string {
	for arch, name := range machines {
		if name == machine {
			return arch
		}
	}
	return machine
}

// Linux is the platform of images for an architecture, as docker's --platform
// has it.
func Linux(arch string) string { return "linux/" + arch }
