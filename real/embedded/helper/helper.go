//go:build linux

package helper

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"twinlayer/fs"
	"twinlayer/fs/platform"
	"twinlayer/real/embedded/remote"
	"twinlayer/real/embedded/rpc"
	"twinlayer/real/embedded/runtime"
	"twinlayer/real/store"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// helper is the engine itself, in the process that embedded.Start starts.
type helper struct {
	cfg    Config
	store  *store.Store
	remote *remote.Client

	filling    sync.Mutex               // held while a volume is filled
	mu         sync.Mutex               // of what follows; never held while something runs
	images     []*image                 // of this session alone
	configs    map[digest.Digest]*image // of the index, as they were read
	containers []*container
	shells     map[string]*shellSession
	pipes      map[string]*os.File // far ends, by name
	elsewhere  []sim.Container     // of other sessions, as they were when this one asked last
	lastRead   readLayer
}

// Serve is the helper's main function. It ends when its socket does. The main
// thread does nothing else: what enters a container ends with its thread, and
// the main one shows in /proc as the helper itself.
func Serve() int {
	goruntime.LockOSThread()
	h := newHelper()
	served := make(chan struct{})
	go func() {
		h.answer()
		close(served)
	}()
	<-served
	h.end()
	return 0
}

func newHelper() *helper {
	return &helper{shells: map[string]*shellSession{}, configs: map[digest.Digest]*image{}, pipes: map[string]*os.File{}}
}

// answer answers requests until there are no more.
func (h *helper) answer() {
	// Whatever twinlayer itself was started with ends here too.
	unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	conn := os.NewFile(3, "engine")
	rpc.Serve(conn, map[string]rpc.Method{
		"open":            rpc.Func(h.open),
		"info":            rpc.Func(h.info),
		"pull":            rpc.Func(h.pull),
		"images":          rpc.Func(h.listImages),
		"image":           rpc.Func(h.oneImage),
		"tag":             rpc.Func(h.tag),
		"removeImage":     rpc.Func(h.removeImage),
		"containers":      rpc.Func(h.listContainers),
		"overview":        rpc.Func(h.overview),
		"container":       rpc.Func(h.oneContainer),
		"create":          rpc.Func(h.create),
		"start":           rpc.Func(h.start),
		"exec":            rpc.Func(h.exec),
		"stop":            rpc.Func(h.stop),
		"kill":            rpc.Func(h.signal),
		"wait":            rpc.Func(h.wait),
		"logs":            rpc.Func(h.readLogs),
		"pids":            rpc.Func(h.pids),
		"commit":          rpc.Func(h.commit),
		"facts":           rpc.Func(h.facts),
		"scratch":         rpc.Func(h.scratch),
		"copyIn":          rpc.Func(h.copyIn),
		"copyOut":         rpc.Func(h.copyOut),
		"volumes":         rpc.Func(h.listVolumes),
		"createVolume":    rpc.Func(h.createVolume),
		"removeVolume":    rpc.Func(h.removeVolume),
		"line":            rpc.Func(h.line),
		"hangup":          rpc.Func(h.hangup),
		"removeContainer": rpc.Func(h.removeContainer),
		"changes":         rpc.Func(h.changes),
		"layer":           rpc.Func(h.layer),
		"pipe":            rpc.Func(h.pipe),
		"load":            rpc.Func(h.load),
		"save":            rpc.Func(h.save),
		"import":          rpc.Func(h.importRoot),
		"hold":            rpc.Func(h.hold),
		"read":            rpc.Func(h.read),
		"push":            rpc.Func(h.push),
		"apart":           rpc.Func(h.apart),
		"refresh":         rpc.Func(h.refresh),
		"others":          rpc.Func(h.others),
		"troubles":        rpc.Func(h.troubles),
		"verify":          rpc.Func(h.verify),
	})
}

// open makes the process ready to be an engine: its mounts are its own, /proc
// shows its own processes, and overlayfs works in the store.
func (h *helper) open(_ context.Context, cfg Config) (no Unavailable, err error) {
	debug.SetGCPercent(400) // little is kept: collecting it all the time costs a tenth of a build
	unix.Umask(0)
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return *refusedStart(fmt.Errorf("mounting: %w", err)), nil
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return *refusedStart(fmt.Errorf("mounting /proc: %w", err)), nil
	}
	if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return no, err
	}
	s, err := store.Open(cfg.DataDir)
	if err != nil {
		return Unavailable{err.Error(), "then start again"}, nil
	}
	h.cfg, h.store = cfg, s
	h.remote = remote.New(remote.Config{Bundled: cfg.Registry, Images: cfg.Images, Insecure: cfg.Insecure})
	probe, err := s.Container("probe")
	if err != nil {
		return no, err
	}
	switch overlay, start := runtime.Probe(probe); {
	case overlay != nil:
		return *refusedOverlay(cfg.DataDir, overlay), nil
	case start != nil:
		return *refusedStart(start), nil
	}
	return no, nil
}

// end kills what runs and removes the session.
func (h *helper) end() {
	for _, c := range h.all() {
		c.kill()
	}
	if h.store != nil {
		if err := h.indexAll(); err != nil {
			fmt.Fprintln(os.Stderr, "twinlayer: the images that builds have left without a name could not be kept:", err)
		}
		h.store.Close()
	}
}

func (h *helper) info(context.Context, rpc.None) (sim.Info, error) {
	ids := mapped()
	info := sim.Info{Engine: "embedded engine (overlayfs)", Arch: platform.Host(), IDs: ids, Rootless: ids != 0}
	if info.Rootless {
		info.Engine = "embedded engine (overlayfs, rootless)"
	}
	return info, nil
}

// mapped are the ids of our user namespace.
func mapped() fs.IDMap {
	var sum uint64
	for _, r := range Identity("/proc/self/uid_map") {
		sum += uint64(r.Size)
	}
	if sum >= 1<<32-1 {
		return 0
	}
	return fs.IDMap(sum)
}

// find is the container that key names.
func (h *helper) find(key string) (*container, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, err := sim.FindContainer(h.values(), key)
	if err != nil {
		return nil, err
	}
	for _, c := range h.containers {
		if c.info.ID == found.ID {
			return c, nil
		}
	}
	return nil, fmt.Errorf("container %s vanished", key)
}

// values are all containers as they are now; h.mu must be held.
func (h *helper) values() []sim.Container {
	all := make([]sim.Container, len(h.containers))
	for i, c := range h.containers {
		all[i] = c.info
	}
	return all
}

func (h *helper) all() []*container {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*container(nil), h.containers...)
}

// troubles are what was found damaged since the last call.
func (h *helper) troubles(context.Context, rpc.None) ([]say.Phrase, error) {
	return h.store.Troubles(), nil
}

// verify looks for damage. What of it was only a cache is removed.
func (h *helper) verify(ctx context.Context, _ rpc.None) (store.Verified, error) {
	v, err := store.Verify(ctx, h.store.Dir())
	if err == nil && len(v.Damaged) > 0 {
		err = h.store.Collect()
	}
	return v, err
}

// Identity maps every id of our own user namespace to itself, by the uid_map or
// gid_map of a process in it (user_namespaces(7)).
func Identity(file string) (m []syscall.SysProcIDMap) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var id, outside, size int
		if _, err := fmt.Sscan(lines.Text(), &id, &outside, &size); err == nil {
			m = append(m, syscall.SysProcIDMap{ContainerID: id, HostID: id, Size: size})
		}
	}
	return m
}
