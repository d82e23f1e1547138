// Package platform says for which machine images are made and what runs in
// them: the one that this program was built for, unless it says otherwise.
package platform

import "runtime"

// Arch is the architecture, as GOARCH has it. A program that is built for no
// machine, as for a browser, says before all else which one it models.
var Arch = runtime.GOARCH

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
