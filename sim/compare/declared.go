package compare

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/say"
)

// Declared is a difference between the model and a real engine that is known
// and explained. What the learner is told of it, and what the conformance
// suite lets pass, is this table.
type Declared struct {
	Engines []string // the real engines that it is about; nil: all
	Fields  []string // of the view: "stdout", …; nil: what is printed
	Class   sim.Class
	Reason  say.Phrase

	kind   sim.PieceKind                 // what docker prints of this kind may differ, but for the rest of it
	when   *regexp.Regexp                // what both texts must have for it to apply; nil: anything
	match  *regexp.Regexp                // blanking out what matches must make the texts equal
	gone   bool                          // what matches may be missing in one of them
	leave  string                        // what stays of what matches; "": nothing
	beside func(fs.Change) bool          // a change that either world shows, which excuses the field as it is
	said   *regexp.Regexp                // what both worlds print to stderr, that excuses the field as it is
	typed  *regexp.Regexp                // a command of programs that excuses the field as it is
	flag   func(sim.Cmd) bool            // a command with a flag that does
	equal  func(model, real string) bool // another way to be equal
	layers bool                          // it applies where the layers are equal
}

// Declarations are all declared differences.
func Declarations() []Declared { return slices.Clone(declared) }

// printed are the fields that a process or a command has written.
var printed = []string{"stdout", "stderr"}

// anything is all that a program shows and leaves.
var anything = []string{"stdout", "stderr", "exit", "changes", "layer"}

// applies says whether it is about this field of these worlds.
func (d Declared) applies(field string, model, real sim.View) bool {
	fields := d.Fields
	if fields == nil {
		fields = printed
	}
	return slices.Contains(fields, field) && (d.Engines == nil || slices.Contains(d.Engines, real.Engine)) &&
		(!d.layers || model.Layer != "" && model.Layer == real.Layer)
}

// excused says whether the command, or what either world shows beside a
// field, excuses it as it is.
func (d Declared) excused(cmd sim.Cmd, model, real sim.View) bool {
	switch {
	case d.kind != sim.Plain:
		return false
	case d.layers:
		return true
	case d.typed != nil:
		return d.typed.MatchString(cmd.Text)
	case d.flag != nil:
		return d.flag(cmd)
	case d.said != nil:
		return d.said.MatchString(model.Stderr) && d.said.MatchString(real.Stderr)
	}
	return d.beside != nil && (slices.ContainsFunc(model.Changes, d.beside) || slices.ContainsFunc(real.Changes, d.beside))
}

// explains says whether two pieces differ in nothing but what is declared. Of
// a text that is taken out for those that follow.
func (d Declared) explains(p *pair) bool {
	switch {
	case d.kind != sim.Plain:
		return p.model.Kind == d.kind && p.model.Rest == p.real.Rest
	case p.model.Kind != sim.Words && p.model.Kind != sim.ChangeList:
		return false
	case d.when != nil && !(d.when.MatchString(p.model.Text) && d.when.MatchString(p.real.Text)):
		return false
	}
	p.model.Text, p.real.Text = d.blank(p.model.Text), d.blank(p.real.Text)
	return p.model.Text == p.real.Text || d.equal != nil && d.equal(p.model.Text, p.real.Text)
}

// blank takes out of a text what is declared.
func (d Declared) blank(text string) string {
	switch {
	case d.match == nil:
		return text
	case d.gone:
		return d.match.ReplaceAllString(text, "")
	}
	return d.match.ReplaceAllString(text, cmp.Or(d.leave, "…"))
}

var (
	daemons  = sim.Daemons()
	podman   = []string{sim.Podman}
	embedded = []string{sim.Embedded}
)

// groupsShown is what id tells of a process's groups.
var groupsShown = regexp.MustCompile(` groups=\S+`)

// declared is every difference between the worlds that is not a fault. They
// apply one after another, so the reason given is that of the last needed.
var declared = []Declared{
	{Class: sim.Expected, Reason: sayLayerKept, kind: sim.LayerState},
	{Class: sim.Expected, Reason: sayLayerPushed, kind: sim.PushState},
	{Class: sim.Expected, Reason: sayClock, kind: sim.Clock},
	{Class: sim.Expected, Reason: sayClock,
		match: regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4}|Z)?|\b\d\d:\d\d(:\d\d)?\b`)},
	{Class: sim.Expected, Reason: sayPids,
		when: regexp.MustCompile(`(?m)^PID +USER `), match: regexp.MustCompile(`(?m)^ *\d+ `)},
	{Class: sim.Expected, Reason: sayPids,
		typed: regexp.MustCompile(`\$\$|\$!|/proc/self\b`)},
	{Class: sim.Expected, Reason: sayHostPIDs, kind: sim.HostProcess},
	{Engines: embedded, Class: sim.Expected, Reason: sayOwnedByHost,
		match: regexp.MustCompile(`(?m)^([cd]\S+ +\S+ +)(?:root|nobody|0|65534) +(?:root|nobody|0|65534) +(.* (?:/dev/|/)?(?:full|null|random|tty|urandom|zero|proc|sys))$`), leave: "$1… … $2"},
	{Engines: embedded, Class: sim.Expected, Reason: sayOwnGroups,
		equal: func(model, real string) bool {
			return !groupsShown.MatchString(model) && groupsShown.ReplaceAllString(real, "") == model
		}},
	{Class: sim.Expected, Reason: sayProcDirs,
		match: regexp.MustCompile(`(?m)^(d\S+) +\d+( .*?)(?: [A-Z][a-z]{2} +\d+ +\S*)? +(/?(?:proc|sys))$`), leave: "$1 …$2 $3"},
	{Class: sim.Expected, Reason: sayOwnEngine, kind: sim.OwnName},
	{Class: sim.Expected, Reason: sayCompressed, kind: sim.Compressed},
	{Class: sim.Limit, Reason: sayBlocks,
		when: regexp.MustCompile(`^[0-9.]+[KMG]?\t`), match: regexp.MustCompile(`(?m)^[0-9.]+[KMG]?\t`)},
	{Class: sim.Limit, Reason: sayMounts,
		match: regexp.MustCompile(`(?m)^\S+ (on )?/\S* (type )?[\w.]+ \(?r[ow][,)].*\n|^(overlay|proc|tmpfs|devpts|sysfs|mqueue|shm|cgroup\d?|/dev/\S+|udev|none) .*\n`), gone: true},
	{Class: sim.Expected, Reason: sayDeviceTimes,
		match: regexp.MustCompile(`(?m)^([cb]\S+ +\d+ \S+ +\S+ +\d+, +\d+) .{6,14} `), leave: "$1 …"},
	{Class: sim.Limit, Reason: sayInodes,
		match: regexp.MustCompile(`(?m)\bInode: \d+ +|\bDevice: \S+\s|^ *\d+ ([-dlcbps][r-][w-])`), leave: "$1 …"},
	{Fields: []string{"stdout"}, Class: sim.Limit, Reason: sayInodes,
		typed: regexp.MustCompile(`\bls +-[[:alpha:]]*i|\bstat\b.*%i`)},

	{Engines: daemons, Fields: []string{"exit"}, Class: sim.Expected, Reason: sayArgumentsTooLong,
		said: regexp.MustCompile(`(?m)^exec .*: argument list too long$`)},
	{Engines: daemons, Fields: []string{"stdout", "stderr", "exit"}, Class: sim.Expected, Reason: sayHostsFiles,
		typed: regexp.MustCompile(`/etc/(hosts|hostname|resolv\.conf|mtab)\b`)},
	{Engines: daemons, Fields: []string{"stderr"}, Class: sim.Expected, Reason: sayRuntimeWords,
		match: regexp.MustCompile(`exec: "[^"]*":( stat [^:]*:)? (permission denied|is a directory|no such file or directory)`)},
	{Engines: podman, Fields: []string{"stderr"}, Class: sim.Expected, Reason: sayPodmanWorkdir,
		match: regexp.MustCompile(`workdir "[^"]*" exists on container [0-9a-f]+, but is not a directory|Cannot mkdir: \S+ is not a directory`)},
	{Engines: podman, Fields: []string{"stdout", "stderr", "changes"}, Class: sim.Expected, Reason: sayPodmanFiles,
		match: regexp.MustCompile(`(?m)^.*\b(resolv\.conf|mtab)\b.*\n|^(.* )?(/run(/.*)?|run)\n`), gone: true},
	{Engines: daemons[:1], Class: sim.Expected, Reason: sayDockerenv,
		match: regexp.MustCompile(`(?m)^(.* |\S*/)?\.dockerenv\n`), gone: true},
	{Engines: podman, Class: sim.Expected, Reason: sayPodmanRoot,
		match: regexp.MustCompile(`\(0[57]55/dr.xr-xr-x\)`)},
	{Engines: daemons, Class: sim.Expected, Reason: sayEngineDirs,
		match: regexp.MustCompile(`(?m)^d\S+ +\d+ \S+ +\S+ +\d+ .{6,14} (dev|etc|run|\.|\.\.)$|^total \d+$`)},
	{Engines: daemons, Class: sim.Expected, Reason: sayEngineFiles,
		match: regexp.MustCompile(`(?m)^[-l]\S+ +\d+ \S+ +\S+ +\d+ .{6,14} (hosts|hostname|resolv\.conf|mtab -> /proc/mounts|\.dockerenv)\n`), gone: true},
	{Engines: daemons, Fields: []string{"layer"}, Class: sim.Expected, Reason: sayCopiedHosts,
		beside: isHostsFile},
	{Engines: daemons, Fields: anything, Class: sim.Expected, Reason: sayMknod,
		typed: regexp.MustCompile(`\bmknod\b.* [bcu] +\d`)},
	{Engines: daemons[:1], Class: sim.Expected, Reason: sayBuilderDigest, kind: sim.Content},
	{Engines: daemons, Fields: []string{"images"}, Class: sim.Expected, Reason: sayEnginesOwn},
	{Engines: podman, Fields: []string{"changes"}, Class: sim.Expected, Reason: sayPodmanDiff, layers: true},
	{Engines: podman, Fields: []string{"stdout"}, Class: sim.Expected, Reason: sayPodmanDiff, layers: true, kind: sim.ChangeList},
	{Engines: podman, Fields: []string{"stdout", "changes"}, Class: sim.Expected, Reason: sayPodmanDiff, equal: copiedUp},
	{Engines: podman, Class: sim.Expected, Reason: sayPodmanEnv,
		match: regexp.MustCompile(`(?m)^(container=podman|TERM=xterm)\n`), gone: true},
	{Engines: podman, Class: sim.Expected, Reason: sayPodmanGroups,
		match: regexp.MustCompile(` groups=\S+`), gone: true},
	{Engines: podman, Fields: anything, Class: sim.Expected, Reason: sayPodmanReadOnly,
		flag: func(c sim.Cmd) bool { return c.RootReadOnly }},
	{Engines: podman, Fields: []string{"changes", "layer"}, Class: sim.Expected, Reason: sayPodmanLateWorkdir,
		flag: func(c sim.Cmd) bool { return makesContainer(c) && c.Dir != "" }},
	{Engines: podman, Fields: []string{"changes", "layer"}, Class: sim.Expected, Reason: sayPodmanPasswd,
		flag: func(c sim.Cmd) bool { return makesContainer(c) && c.User != "" }},
	{Fields: anything, Class: sim.Limit, Reason: sayCLibrary,
		beside: takesLibrary},
	{Engines: podman, Fields: anything, Class: sim.Expected, Reason: sayPodmanRootWrite,
		flag: func(c sim.Cmd) bool { return len(c.CapDrop) > 0 }},
	{Class: sim.Limit, Reason: sayDirectorySize,
		match: regexp.MustCompile(`(?m)^(d\S+ +\d+ \S+ +\S+) +\d+|^total \d+$|Size: \d+\s+Blocks: \d+\s+IO Block: \d+\s+directory`), leave: "$1 …"},
}

func makesContainer(c sim.Cmd) bool { return c.Verb == "create" || c.Verb == "run" }

// isHostsFile says whether a change is that of a file that engines write for
// each container.
func isHostsFile(c fs.Change) bool {
	return slices.Contains([]string{"hosts", "hostname", "resolv.conf", "mtab"}, path.Base(c.Path))
}

// takesLibrary says whether a change takes the C library away.
func takesLibrary(c fs.Change) bool {
	rest, ok := strings.CutPrefix(c.Path, "/usr")
	if !ok {
		rest, ok = strings.CutPrefix(c.Path, "/lib64")
	}
	return c.Kind == fs.Delete && ok && (rest == "" || strings.HasPrefix(rest, "/lib"))
}

// copiedUp says whether real is model's list of changes as Podman has it.
func copiedUp(model, real string) bool {
	want := map[string]bool{}
	for line := range strings.Lines(model) {
		want[line] = true
	}
	for line := range strings.Lines(real) {
		kind, path, _ := strings.Cut(line, " ")
		switch {
		case want[line]:
			delete(want, line)
		case kind == "D" && want["C "+path]:
			delete(want, "C "+path)
		case kind == "A": // its layer is compared beside
			return false
		}
	}
	return len(want) == 0
}
