package sim

import (
	"path"

	"twinlayer/fs"
)

// InitLayer is what a container's root needs and its image lacks: the mount
// points of /proc, /dev and /sys, and of the files that the engine binds into
// /etc, and /etc/mtab, where old programs look for mounts. Engines put it, as Docker does its "-init" layer, between the image
// and the container's layer, so that it is in neither. Directories that the
// image has keep their attributes; an image may have something else where a
// directory is needed, and then lacks the mount.
func InitLayer(image *fs.Tree) *fs.Tree {
	b := fs.NewBuilder()
	root := *image.Root()
	root.Opaque = false
	b.MustPut("/", root)
	for _, dir := range []string{"/dev", "/dev/pts", "/dev/shm", "/proc", "/sys", "/etc"} {
		initNode(b, image, dir, fs.Node{Mode: fs.S_IFDIR | 0o755})
	}
	for file := range EtcFiles("") {
		initNode(b, image, file, fs.Node{Mode: fs.S_IFREG | 0o755})
	}
	initNode(b, image, "/etc/mtab", fs.Node{Mode: fs.S_IFLNK | 0o777, Target: "/proc/mounts"})
	return b.Tree()
}

// initNode puts n at name unless the image has something there or its parent
// cannot hold it.
func initNode(b *fs.Builder, image *fs.Tree, name string, n fs.Node) {
	parent := path.Dir(name)
	if image.Lookup(name) != nil {
		return
	}
	if have := image.Lookup(parent); have != nil && !have.IsDir() {
		return
	} else if have != nil && b.Lookup(parent) == nil {
		b.MustPut(parent, *have)
	}
	b.MustPut(name, n)
}

// EtcFiles are the files that an engine binds over a container's own, by
// absolute path, with what they hold. The container's only network interface
// is lo, so its hosts are local and it has no name server.
func EtcFiles(hostname string) map[string]string {
	return map[string]string{
		"/etc/hostname": hostname + "\n",
		"/etc/hosts": "127.0.0.1\tlocalhost\n" +
			"::1\tlocalhost ip6-localhost ip6-loopback\n" +
			"fe00::\tip6-localnet\n" +
			"ff00::\tip6-mcastprefix\n" +
			"ff02::1\tip6-allnodes\n" +
			"ff02::2\tip6-allrouters\n" +
			"127.0.1.1\t" + hostname + "\n",
		"/etc/resolv.conf": "# this container's network is lo alone: there is no name server\n",
	}
}
