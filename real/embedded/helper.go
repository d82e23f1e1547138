//go:build linux

package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"

	"twinlayer/real/embedded/box"
	"twinlayer/real/embedded/remote"
	"twinlayer/real/embedded/store"
	"twinlayer/real/embedded/wire"
	"twinlayer/sim"
)

// helper is the engine itself, in the process that [Start] starts.
type helper struct {
	cfg    Config
	store  *store.Store
	remote *remote.Client

	filling    sync.Mutex               // held while a volume is filled
	mu         sync.Mutex               // of what follows; never held while something runs
	images     []*image                 // of this session alone
	configs    map[digest.Digest]*image // of the index, as they were read
	containers []*container
	shells     map[string]*waiting
	pipes      map[string]*os.File // far ends, by name
	elsewhere  []sim.Container     // of other sessions, as they were when this one asked last
	lastRead   readLayer
}

// serve is the helper's main function. It ends when its socket does. The main
// thread does nothing else: what enters a container ends with its thread, and
// the main one shows in /proc as the helper itself.
func serve() int {
	runtime.LockOSThread()
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
	return &helper{shells: map[string]*waiting{}, configs: map[digest.Digest]*image{}, pipes: map[string]*os.File{}}
}

// answer answers requests until there are no more.
func (h *helper) answer() {
	// Whatever twinlayer itself was started with ends here too.
	unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	conn := os.NewFile(3, "engine")
	wire.Serve(conn, map[string]wire.Method{
		"open":            wire.Func(h.open),
		"info":            wire.Func(h.info),
		"pull":            wire.Func(h.pull),
		"images":          wire.Func(h.listImages),
		"image":           wire.Func(h.oneImage),
		"tag":             wire.Func(h.tag),
		"removeImage":     wire.Func(h.removeImage),
		"containers":      wire.Func(h.listContainers),
		"overview":        wire.Func(h.overview),
		"container":       wire.Func(h.oneContainer),
		"create":          wire.Func(h.create),
		"start":           wire.Func(h.start),
		"exec":            wire.Func(h.exec),
		"stop":            wire.Func(h.stop),
		"kill":            wire.Func(h.signal),
		"wait":            wire.Func(h.wait),
		"logs":            wire.Func(h.readLogs),
		"pids":            wire.Func(h.pids),
		"commit":          wire.Func(h.commit),
		"facts":           wire.Func(h.facts),
		"scratch":         wire.Func(h.scratch),
		"copyIn":          wire.Func(h.copyIn),
		"copyOut":         wire.Func(h.copyOut),
		"volumes":         wire.Func(h.listVolumes),
		"createVolume":    wire.Func(h.createVolume),
		"removeVolume":    wire.Func(h.removeVolume),
		"line":            wire.Func(h.line),
		"hangup":          wire.Func(h.hangup),
		"removeContainer": wire.Func(h.removeContainer),
		"changes":         wire.Func(h.changes),
		"layer":           wire.Func(h.layer),
		"pipe":            wire.Func(h.pipe),
		"load":            wire.Func(h.load),
		"save":            wire.Func(h.save),
		"import":          wire.Func(h.importRoot),
		"hold":            wire.Func(h.hold),
		"read":            wire.Func(h.read),
		"push":            wire.Func(h.push),
		"apart":           wire.Func(h.apart),
		"refresh":         wire.Func(h.refresh),
		"others":          wire.Func(h.others),
		"troubles":        wire.Func(h.troubles),
		"verify":          wire.Func(h.verify),
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
	switch overlay, start := box.Probe(probe); {
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
		if err := h.settleAll(); err != nil {
			fmt.Fprintln(os.Stderr, "twinlayer: the images that builds have left without a name could not be kept:", err)
		}
		h.store.Close()
	}
}

func (h *helper) info(context.Context, wire.None) (sim.Info, error) {
	ids := mapped()
	info := sim.Info{Engine: "embedded engine (overlayfs)", IDs: ids, Rootless: ids != 0}
	if info.Rootless {
		info.Engine = "embedded engine (overlayfs, rootless)"
	}
	return info, nil
}

// mapped is how many ids our user namespace has; 0 if it has all.
func mapped() uint32 {
	var sum uint64
	for _, r := range identity("/proc/self/uid_map") {
		sum += uint64(r.Size)
	}
	if sum >= 1<<32-1 {
		return 0
	}
	return uint32(sum)
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
func (h *helper) troubles(context.Context, wire.None) ([]string, error) {
	return h.store.Troubles(), nil
}

// verify looks for damage. What of it was only a cache is removed.
func (h *helper) verify(ctx context.Context, _ wire.None) (store.Verified, error) {
	v, err := store.Verify(ctx, h.store.Dir())
	if err == nil && len(v.Damaged) > 0 {
		err = h.store.Collect()
	}
	return v, err
}
