package bundle

import (
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const osRelease = `NAME="twinlayer busybox"
ID=twinlayer-busybox
VERSION_ID=1
PRETTY_NAME="twinlayer busybox 1 (twinlayer's teaching userland, not BusyBox)"
`

const passwd = `root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
`

const group = `root:x:0:
nobody:x:65534:
`

// busybox is twinlayer's own executable under the names of its applets, in a
// root laid out like that of docker's busybox.
func busybox(open func() (*executable, error), applets []string) (recipe, error) {
	exe, err := open()
	if err != nil {
		return recipe{}, fmt.Errorf("make busybox: %w", err)
	}
	root := skeleton()
	exe.install(root, applets)
	tree, err := root.tree()
	return recipe{
		os:    exe.os, // where that is not linux, no Linux engine can run it
		layer: tree,
		config: ocispec.ImageConfig{
			Env:    []string{searchPath},
			Cmd:    []string{"sh"},
			Labels: labels("busybox", "A shell and its tools in one program: twinlayer's own executable, not BusyBox."),
		},
		history: []string{"ADD rootfs.tar / # buildkit", `CMD ["sh"]`},
	}, err
}

// skeleton is all of busybox but its programs. /etc/hostname, /etc/hosts,
// /etc/resolv.conf, /proc and /sys are in no image: the engine puts them into
// each container.
func skeleton() *rootfs {
	r := newRootfs()
	for _, name := range []string{"bin", "dev", "etc", "home", "usr/bin", "var"} {
		r.dir(name, 0o755)
	}
	r.dir("root", 0o700)
	r.dir("tmp", 0o1777)
	r.dir("var/tmp", 0o1777)
	r.text("etc/group", group)
	r.text("etc/motd", "Welcome to twinlayer's busybox.\n")
	r.text("etc/os-release", osRelease)
	r.text("etc/passwd", passwd)
	return r
}
