package bundle

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"
	"twinlayer/fs/vfs"

	"twinlayer/fs"
	"twinlayer/sim/userland"
	"twinlayer/sim/userland/packages"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// distribution is an image of a family of [packages]: twinlayer's executable,
// and the essential packages installed beside it.
func distribution(open func() (*executable, error), family string, image ocispec.ImageConfig, history ...string) (recipe, error) {
	exe, err := open()
	if err != nil {
		return recipe{}, fmt.Errorf("make %s: %w", family, err)
	}
	root := newRootfs()
	root.program(packages.Multicall[1:], exe.content)
	for name, content := range exe.libraries {
		root.program(merged(name)[1:], content)
	}
	base, err := root.tree()
	if err != nil {
		return recipe{}, err
	}
	tree, err := bootstrap(base, family)
	image.Env = []string{searchPath}
	return recipe{os: exe.os, layer: tree, config: image, history: history}, err
}

// merged is where a library is in a root whose /lib and /lib64 are links into
// /usr.
func merged(name string) string {
	if strings.HasPrefix(name, "/lib") {
		return "/usr" + name
	}
	return name
}

// bootstrap installs a family's essential packages in the model.
func bootstrap(base *fs.Tree, family string) (*fs.Tree, error) {
	root := vfs.NewTmpfs(base)
	sys := &vfs.Sys{
		Mounts: vfs.NewMounts(vfs.Mount{Target: "/", FS: root}), Umask: 0o022, Clock: func() time.Time { return epoch },
	}
	p := &userland.Process{Args: []string{"bootstrap"}, Dir: "/", FS: sys.FS(), Now: sys.Clock}
	err := packages.Bootstrap(context.Background(), p, family)
	return root.Upper(), err
}

func debian(open func() (*executable, error)) (recipe, error) {
	return distribution(open, "debian", ocispec.ImageConfig{
		Cmd:    []string{"bash"},
		Labels: labels("debian", "A root file system in Debian's layout, with apt-get and a repository of teaching packages: not Debian."),
	}, "ADD rootfs.tar.xz / # buildkit", `CMD ["bash"]`)
}

func centos(open func() (*executable, error)) (recipe, error) {
	all := labels("centos", "A root file system in CentOS 7's layout, with yum and a repository of teaching packages: not CentOS.")
	maps.Copy(all, map[string]string{
		"name": "twinlayer centos", "vendor": "twinlayer", "license": "Apache-2.0", "build-date": epoch.Format("20060102"),
	})
	return distribution(open, "centos", ocispec.ImageConfig{Cmd: []string{"/bin/bash"}, Labels: all},
		"ADD centos-7-docker.tar.xz / # buildkit",
		"LABEL name=twinlayer centos vendor=twinlayer license=Apache-2.0 build-date="+epoch.Format("20060102"), `CMD ["/bin/bash"]`)
}
