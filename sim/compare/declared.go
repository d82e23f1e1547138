package compare

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"twinlayer/sim"
)

// Declared is a difference between the model and a real engine that is known
// and explained. What the learner is told of it, and what the conformance
// suite lets pass, is this table.
type Declared struct {
	Engines []string // the real engines that it is about; nil: all
	Fields  []string // of the view: "stdout", …; nil: what is printed
	Class   sim.Class
	Reason  string

	when   *regexp.Regexp                // what both texts must have for it to apply; nil: anything
	match  *regexp.Regexp                // blanking out what matches must make the texts equal
	gone   bool                          // what matches may be missing in one of them
	leave  string                        // what stays of what matches; "": nothing
	beside *regexp.Regexp                // what a world shows beside, that excuses the field as it is
	said   *regexp.Regexp                // what both worlds print to stderr, that excuses the field as it is
	typed  *regexp.Regexp                // a command that excuses the field as it is
	equal  func(model, real string) bool // another way to be equal
	layers bool                          // equal layers excuse the field as it is
}

// Declarations are all declared differences.
func Declarations() []Declared { return slices.Clone(declared) }

// printed are the fields that a process or a command has written.
var printed = []string{"stdout", "stderr"}

// anything is all that a program shows and leaves.
var anything = []string{"stdout", "stderr", "exit", "changes", "layer"}

// applies says whether it is about this field of this engine.
func (d Declared) applies(field, engine string, model, real string) bool {
	fields := d.Fields
	if fields == nil {
		fields = printed
	}
	return slices.Contains(fields, field) && (d.Engines == nil || slices.Contains(d.Engines, engine)) &&
		(d.when == nil || d.when.MatchString(model) && d.when.MatchString(real))
}

// excused says whether the command, or what either world shows beside a
// field, excuses it.
func (d Declared) excused(cmd string, model, real sim.View) bool {
	switch {
	case d.typed != nil && !d.typed.MatchString(cmd):
		return false
	case d.layers:
		return model.Layer != "" && model.Layer == real.Layer
	case d.typed != nil:
		return true
	case d.said != nil:
		return d.said.MatchString(model.Stderr) && d.said.MatchString(real.Stderr)
	}
	return d.beside != nil && (d.beside.MatchString(changesText(model.Changes)) || d.beside.MatchString(changesText(real.Changes)))
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

// podmanDiff is why Podman's docker diff differs where its layer does not.
const podmanDiff = "Podman's diff lists what overlayfs has copied up, and compares directories by their times alone; of one that was removed and made anew it says that it was deleted"

// pidsDiffer is why the ids of processes differ.
const pidsDiffer = "every process and every thread takes the next number, and how many the real ones have had is the kernel's affair"

// inodesDiffer is why inode numbers differ.
const inodesDiffer = "the disk's file system numbers the inodes, so the worlds have other numbers; which names have the same one is the same in both"

// ownedByHost is why what the kernel shows has other owners without root.
const ownedByHost = "the devices, /proc and /sys belong to the host's root; in a container of an ordinary user, whose user namespace does not know him, the kernel calls him nobody"

// groupsShown is what id tells of a process's groups.
var groupsShown = regexp.MustCompile(` groups=\S+`)

// enginesOwnReason is why an image of an exported root file system is not the
// same in both worlds; see [ImageMap].
const enginesOwnReason = "the image has files from a container's whole root file system, and with them what each engine makes there itself (/proc, /etc/hosts, …): which of those become part of a layer is the engine's affair"

// declared is every difference between the worlds that is not a fault. They
// apply one after another, so the reason given is that of the last needed.
var declared = []Declared{
	{Class: sim.Expected, Reason: "the real store has kept this layer from an earlier session, so it need not be pulled again; the model starts empty",
		match: regexp.MustCompile(`(?m)^[0-9a-f]{12}: (Already exists|Pull complete)$`)},
	{Class: sim.Expected, Reason: "twinlayer's own registry has kept this layer from an earlier session, so it need not be sent again; the model's is empty at first",
		match: regexp.MustCompile(`(?m)^[0-9a-f]{12}: (Pushed|Layer already exists|Mounted from \S+)$`)},
	{Class: sim.Expected, Reason: "the two worlds do the same thing a moment apart, so the clock shows different times",
		match: regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4}|Z)?|\b\d\d:\d\d(:\d\d)?\b|\b(About )?(a|an|\d+|Less than a) (nano|micro|milli)?(second|minute|hour|day|week|month|year)s?\b( ago)? *|\b(CREATED|STATUS) +`)},
	{Class: sim.Expected, Reason: pidsDiffer,
		when: regexp.MustCompile(`(?m)^PID +USER `), match: regexp.MustCompile(`(?m)^ *\d+ `)},
	{Class: sim.Expected, Reason: pidsDiffer,
		typed: regexp.MustCompile(`\$\$|\$!|/proc/self\b`)},
	{Class: sim.Expected, Reason: "the host numbers its processes as they come, and how busy they are is the real clock's affair",
		when: regexp.MustCompile(`^UID +PID +PPID `), match: regexp.MustCompile(`(?m)^UID +PID +PPID.*CMD$|^\S+ +\d+ +\d+ +\d+ +\S+ +\S+ +\S+ +`)},
	{Engines: embedded, Class: sim.Expected, Reason: ownedByHost,
		match: regexp.MustCompile(`(?m)^([cd]\S+ +\S+ +)(?:root|nobody|0|65534) +(?:root|nobody|0|65534) +(.* (?:/dev/|/)?(?:full|null|random|tty|urandom|zero|proc|sys))$`), leave: "$1… … $2"},
	{Engines: embedded, Class: sim.Expected, Reason: "an ordinary user who maps one id may not set groups (user_namespaces(7)): a process keeps those that twinlayer was started with",
		equal: func(model, real string) bool {
			return !groupsShown.MatchString(model) && groupsShown.ReplaceAllString(real, "") == model
		}},
	{Class: sim.Expected, Reason: "how many directories /proc and /sys have, and since when, is the running kernel's affair",
		match: regexp.MustCompile(`(?m)^(d\S+) +\d+( .*?)(?: [A-Z][a-z]{2} +\d+ +\S*)? +(/?(?:proc|sys))$`), leave: "$1 …$2 $3"},
	{Class: sim.Expected, Reason: "each world tells of its own engine", match: regexp.MustCompile(`(?m)^Engine: .*$`)},
	{Class: sim.Expected, Reason: "the manifest names the layers as they were compressed, and the configuration by its id",
		match: regexp.MustCompile(`(?m)digest: sha256:[0-9a-f]{64} size: \d+|^Digest: sha256:[0-9a-f]{64}$`)},
	{Class: sim.Limit, Reason: "how many blocks a file takes is the affair of the disk's file system; the model counts what the file holds",
		when: regexp.MustCompile(`^[0-9.]+[KMG]?\t`), match: regexp.MustCompile(`(?m)^[0-9.]+[KMG]?\t`)},
	{Class: sim.Limit, Reason: "the real mounts and their options depend on the machine; the model shows their shape only",
		match: regexp.MustCompile(`(?m)^\S+ (on )?/\S* (type )?[\w.]+ \(?r[ow][,)].*\n|^(overlay|proc|tmpfs|devpts|sysfs|mqueue|shm|cgroup\d?|/dev/\S+|udev|none) .*\n`), gone: true},
	{Class: sim.Expected, Reason: "a container's devices are the host's, and have the times that they have there",
		match: regexp.MustCompile(`(?m)^([cb]\S+ +\d+ \S+ +\S+ +\d+, +\d+) .{6,14} `), leave: "$1 …"},
	{Class: sim.Limit, Reason: inodesDiffer,
		match: regexp.MustCompile(`(?m)\bInode: \d+ +|\bDevice: \S+\s|^ *\d+ ([-dlcbps][r-][w-])`), leave: "$1 …"},
	{Fields: []string{"stdout"}, Class: sim.Limit, Reason: inodesDiffer,
		typed: regexp.MustCompile(`\bls +-[[:alpha:]]*i|\bstat\b.*%i`)},

	{Engines: daemons, Fields: []string{"exit"}, Class: sim.Expected, Reason: "where the kernel does not take so many arguments, a newer runc ends with 255 and an older one with 1",
		said: regexp.MustCompile(`(?m)^exec .*: argument list too long$`)},
	{Engines: daemons, Fields: []string{"stdout", "stderr", "exit"}, Class: sim.Expected, Reason: "the engine writes /etc/hosts, /etc/hostname and /etc/resolv.conf itself, from its own version's text and from the host's files",
		typed: regexp.MustCompile(`/etc/(hosts|hostname|resolv\.conf|mtab)\b`)},
	{Engines: daemons, Fields: []string{"stderr"}, Class: sim.Expected, Reason: "the runtime of this engine has another age, and words it otherwise that a program cannot be started",
		match: regexp.MustCompile(`exec: "[^"]*":( stat [^:]*:)? (permission denied|is a directory|no such file or directory)`)},
	{Engines: podman, Fields: []string{"stderr"}, Class: sim.Expected, Reason: "Podman words it otherwise that the working directory is none",
		match: regexp.MustCompile(`workdir "[^"]*" exists on container [0-9a-f]+, but is not a directory|Cannot mkdir: \S+ is not a directory`)},
	{Engines: podman, Fields: []string{"stdout", "stderr", "changes"}, Class: sim.Expected, Reason: "without a network Podman gives a container no /etc/resolv.conf, and each has Podman's own /run and /etc/mtab",
		match: regexp.MustCompile(`(?m)^.*\b(resolv\.conf|mtab)\b.*\n|^(.* )?(/run(/.*)?|run)\n`), gone: true},
	{Engines: daemons[:1], Class: sim.Expected, Reason: "Docker marks the root of each container with an empty file /.dockerenv",
		match: regexp.MustCompile(`(?m)^(.* |\S*/)?\.dockerenv\n`), gone: true},
	{Engines: podman, Class: sim.Expected, Reason: "in Podman a container's root directory has mode 0555",
		match: regexp.MustCompile(`\(0[57]55/dr.xr-xr-x\)`)},
	{Engines: daemons, Class: sim.Expected, Reason: "the engine makes /dev, and /etc for its own files, when it makes the container: their size and time are not the image's",
		match: regexp.MustCompile(`(?m)^d\S+ +\d+ \S+ +\S+ +\d+ .{6,14} (dev|etc|run|\.|\.\.)$|^total \d+$`)},
	{Engines: daemons, Class: sim.Expected, Reason: "each engine makes these files itself, in its own way and when it makes the container",
		match: regexp.MustCompile(`(?m)^[-l]\S+ +\d+ \S+ +\S+ +\d+ .{6,14} (hosts|hostname|resolv\.conf|mtab -> /proc/mounts|\.dockerenv)\n`), gone: true},
	{Engines: daemons, Fields: []string{"layer"}, Class: sim.Expected, Reason: "the layer holds a copy of a file that the engine writes for the container (/etc/hosts, /etc/resolv.conf, …), and its content is the engine's own",
		beside: regexp.MustCompile(`(?m)^[ACD] .*/(hosts|hostname|resolv\.conf|mtab)$`)},
	{Engines: daemons, Fields: anything, Class: sim.Expected, Reason: "this engine lets root in a container make devices; the model forbids it, as a user namespace does",
		typed: regexp.MustCompile(`\bmknod\b.* [bcu] +\d`)},
	{Engines: daemons[:1], Class: sim.Expected, Reason: "Docker's own builder has a digest of its own, over the archive that was sent, for what COPY and ADD copy",
		match: regexp.MustCompile(` *(file|dir|multi):[0-9a-f]+`)},
	{Engines: daemons, Fields: []string{"images"}, Class: sim.Expected, Reason: enginesOwnReason},
	{Engines: podman, Fields: []string{"changes"}, Class: sim.Expected, Reason: podmanDiff, layers: true},
	{Engines: podman, Fields: []string{"stdout"}, Class: sim.Expected, Reason: podmanDiff, layers: true, typed: regexp.MustCompile(`^\s*(docker )?(container )?diff\b`)},
	{Engines: podman, Fields: []string{"stdout", "changes"}, Class: sim.Expected, Reason: podmanDiff, equal: copiedUp},
	{Engines: podman, Class: sim.Expected, Reason: "Podman says in every container's environment that it is Podman, and which terminal it would have",
		match: regexp.MustCompile(`(?m)^(container=podman|TERM=xterm)\n`), gone: true},
	{Engines: podman, Class: sim.Expected, Reason: "Podman does not put a user's own group among his other groups, as Docker does since 20.10.18",
		match: regexp.MustCompile(` groups=\S+`), gone: true},
	{Engines: podman, Fields: anything, Class: sim.Expected, Reason: "Podman gives a read-only container writable memory on /tmp, /run and /var/tmp all the same",
		typed: regexp.MustCompile(`--read-only\b`)},
	{Engines: podman, Fields: []string{"changes", "layer"}, Class: sim.Expected, Reason: "Podman makes the working directory not before it starts the container",
		typed: regexp.MustCompile(`\b(create|run)\b.* (-w|--workdir)\b`)},
	{Engines: podman, Fields: []string{"changes", "layer"}, Class: sim.Expected, Reason: "Podman writes a container's user into its /etc/passwd and /etc/group",
		typed: regexp.MustCompile(`\b(create|run)\b.* (-u|--user)\b`)},
	{Fields: anything, Class: sim.Limit, Reason: "this twinlayer was built with a C library: without what the image has of it in /lib64 and /usr no program starts",
		beside: regexp.MustCompile(`(?m)^D /(usr|lib64)(/lib.*)?$`)},
	{Engines: podman, Fields: anything, Class: sim.Expected, Reason: "in Podman a container's root directory has mode 0555, and root without CAP_DAC_OVERRIDE may not write there",
		typed: regexp.MustCompile(`--cap-drop\b`)},
	{Class: sim.Limit, Reason: "how many bytes a directory takes, and how many blocks a file, is the affair of the disk's file system; the model has those of ext4",
		match: regexp.MustCompile(`(?m)^(d\S+ +\d+ \S+ +\S+) +\d+|^total \d+$|Size: \d+\s+Blocks: \d+\s+IO Block: \d+\s+directory`), leave: "$1 …"},
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
