// Package platform says for which machine images are made and what runs in
// them: the one that this program was built for, unless it says otherwise.
package platform

import "runtime"

// Arch is the architecture, as GOARCH has it. What is built for no machine, as
// for a browser, models amd64, or what its program sets before all else.
var Arch = modelled(runtime.GOARCH)

func modelled(arch string) string {
	if arch == "wasm" {
		return "amd64"
	}
	return arch
}

// machines are the names that uname -m has for architectures.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// Machine is what uname -m calls the architecture.
func Machine() string {
	if name, ok := machines[Arch]; ok {
		return name
	}
	return Arch
}

// Linux is the platform of the images, as docker's --platform has it.
func Linux() string { return "linux/" + Arch }
