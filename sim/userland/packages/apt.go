package packages

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// The places of apt and dpkg.
const (
	dpkgStatus = "/var/lib/dpkg/status"
	dpkgInfo   = "/var/lib/dpkg/info/"
	dpkgLog    = "/var/log/dpkg.log"
	aptLists   = "/var/lib/apt/lists/"
	aptAuto    = "/var/lib/apt/extended_states"
	archives   = "/var/cache/apt/archives/"
	dpkgSuffix = ".dpkg-new"
	scheme     = "twinlayer://packages"
	suite      = "bookworm"
)

// exitApt is apt's status for whatever failed.
const exitApt = 100

// aptVerbs are what apt-get and apt do.
var aptVerbs = map[string]func(a *apt) int{
	"update": (*apt).update, "install": (*apt).install, "reinstall": (*apt).install,
	"remove": (*apt).remove, "purge": (*apt).remove, "autoremove": (*apt).autoremove, "autopurge": (*apt).autoremove,
	"upgrade": (*apt).upgrade, "dist-upgrade": (*apt).upgrade, "full-upgrade": (*apt).upgrade,
	"clean": (*apt).clean, "autoclean": (*apt).clean, "check": (*apt).check,
}

// aptInfo are what apt does besides, as apt-cache does.
var aptInfo = map[string]func(j *job, args []string) int{
	"list": aptList, "show": aptShow, "search": aptSearch, "policy": aptPolicy, "depends": aptDepends,
}

// apt is a run of apt-get.
type apt struct {
	*job
	verb      string
	args      []string
	purge     bool
	reinstall bool
	simulate  bool
	essential bool // may be removed
	db        *database
	index     map[string]stanza
}

func aptGet(j *job, args []string) int {
	a := &apt{job: j}
	if !a.flags(args) {
		return exitApt
	}
	do, ok := aptVerbs[a.verb]
	info, isInfo := aptInfo[a.verb]
	switch {
	case a.verb == "":
		return a.usage()
	case ok:
		a.unstable()
		return do(a)
	case isInfo && j.name == "apt":
		a.unstable()
		return info(j, a.args)
	}
	a.errorf("E: Invalid operation %s", a.verb)
	return exitApt
}

// unstable is what apt, which is meant for people, says first.
func (a *apt) unstable() {
	if a.name == "apt" {
		a.errorf("\nWARNING: apt does not have a stable CLI interface. Use with caution in scripts.\n")
	}
}

func (a *apt) usage() int {
	a.printf("apt 2.6.1 (%s)\n", architecture("debian"))
	a.printf("Usage: %s [options] command\n\nMost used commands:\n", a.name)
	for _, verb := range []string{"update", "upgrade", "install", "reinstall", "remove", "purge", "autoremove", "clean"} {
		a.printf("  %s\n", verb)
	}
	a.printf("\nThis is twinlayer's %s: it installs teaching packages from a repository of its own.\n", a.name)
	return 0
}

// flags reads the command line; it complains of what it does not know.
func (a *apt) flags(args []string) bool {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch arg {
		case "-y", "--yes", "--assume-yes":
			a.yes = true
		case "-q", "--quiet":
			a.quiet++
		case "-qq", "-q=2":
			a.quiet, a.yes = 2, true
		case "-qy", "-yq":
			a.quiet, a.yes = a.quiet+1, true
		case "-yqq", "-qqy":
			a.quiet, a.yes = 2, true
		case "--purge":
			a.purge = true
		case "--reinstall":
			a.reinstall = true
		case "-s", "--simulate", "--dry-run", "--no-act":
			a.simulate = true
		case "--allow-remove-essential":
			a.essential = true
		case "--autoremove", "--auto-remove", "--no-install-recommends", "--no-install-suggests", "--install-recommends",
			"--installed", "--upgradable", "-f", "--fix-broken", "-m", "--fix-missing", "--no-upgrade", "-V", "--allow-unauthenticated":
		case "-o", "-t", "--option":
			if len(args) > 0 {
				args = args[1:]
			}
		case "-v", "--version", "-h", "--help":
			a.verb, a.args = "", nil
			return true
		default:
			if strings.HasPrefix(arg, "-") {
				a.errorf("E: Command line option %s is not understood in combination with the other options", quoteFlag(arg))
				return false
			}
			if a.verb == "" {
				a.verb = arg
			} else {
				a.args = append(a.args, arg)
			}
		}
	}
	return true
}

// quoteFlag is a flag as apt's complaint has it.
func quoteFlag(arg string) string {
	if strings.HasPrefix(arg, "--") {
		return arg
	}
	return "'" + arg[1:2] + "' [from " + arg + "]"
}

// begin takes the lock and reads the lists and the database.
func (a *apt) begin() bool {
	for _, name := range []string{"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"} {
		if a.simulate {
			break
		}
		if err := a.lock(name); err != nil {
			a.lockProblem(name, err)
			a.errorf("E: Unable to acquire the dpkg frontend lock (%s), are you root?", name)
			return false
		}
	}
	a.done("Reading package lists...")
	a.done("Building dependency tree...")
	a.done("Reading state information...")
	a.db, a.index = a.database(dpkgStatus), a.lists()
	return true
}

func (a *apt) lockProblem(name string, err error) {
	a.errorf("E: Could not open lock file %s - open (%d: %s)", name, int(errnoOf(err)), reason(err))
}

// done is a stage of apt's work, which is over at once.
func (a *apt) done(what string) {
	if a.quiet == 0 {
		what += " Done"
	}
	a.notef("%s\n", what)
}

// lists are the packages that the lists have, by name.
func (j *job) lists() map[string]stanza {
	all := map[string]stanza{}
	for _, name := range j.names(aptLists) {
		if !strings.HasSuffix(name, "_Packages") {
			continue
		}
		for _, s := range parse(j.read(aptLists + name)) {
			all[s.get("Package")] = s
		}
	}
	return all
}

// source is a line of sources.list.
type source struct{ uri, suite string }

func (j *job) sources() (list []source) {
	files := []string{"/etc/apt/sources.list"}
	for _, name := range j.names("/etc/apt/sources.list.d") {
		if strings.HasSuffix(name, ".list") {
			files = append(files, "/etc/apt/sources.list.d/"+name)
		}
	}
	for _, name := range files {
		for line := range strings.Lines(j.read(name)) {
			words := strings.Fields(line)
			if len(words) > 1 && strings.HasPrefix(words[1], "[") {
				words = slices.Delete(words, 1, 2)
			}
			if len(words) >= 3 && words[0] == "deb" {
				list = append(list, source{strings.TrimSuffix(words[1], "/"), words[2]})
			}
		}
	}
	return list
}

// listFiles are the files below aptLists that our repository's lists are, with
// their content.
func (j *job) listFiles() []named {
	packages := format(j.repo().index())
	release := fmt.Sprintf("Origin: twinlayer\nLabel: twinlayer's teaching packages\nSuite: %s\nCodename: %s\nArchitectures: %s\nComponents: main\nSHA256:\n %s %d main/binary-%s/Packages\n",
		suite, suite, architecture("debian"), hash(packages), len(packages), architecture("debian"))
	return []named{
		{"packages_dists_" + suite + "_InRelease", release},
		{"packages_dists_" + suite + "_main_binary-" + architecture("debian") + "_Packages", packages},
	}
}

type named struct{ name, text string }

// index is the repository's list: every package but those that are in the
// image anyway, which it has too.
func (r *repository) index() []stanza {
	var all []stanza
	for _, p := range r.list {
		archive := p.archive()
		s := p.stanza.with("Filename", "pool/main/"+p.name()[:1]+"/"+p.name()+"/"+debFile(p.stanza))
		s = s.with("Size", fmt.Sprint(len(archive))).with("SHA256", hash(string(archive)))
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b stanza) int { return strings.Compare(a.get("Package"), b.get("Package")) })
	return all
}

// debFile is the name of a package's archive.
func debFile(s stanza) string {
	return s.get("Package") + "_" + strings.ReplaceAll(s.get("Version"), ":", "%3a") + "_" + s.get("Architecture") + ".deb"
}

// update brings the lists up to date.
func (a *apt) update() int {
	if err := a.lock(aptLists + "lock"); err != nil {
		a.done("Reading package lists...")
		a.lockProblem(aptLists+"lock", err)
		a.errorf("E: Unable to lock directory %s", aptLists)
		return exitApt
	}
	fetched, failed := 0, []source{}
	for n, s := range a.sources() {
		if s.uri != scheme || s.suite != suite {
			a.notef("Err:%d %s %s InRelease\n  %s\n", n+1, s.uri, s.suite, unresolved(s))
			failed = append(failed, s)
			continue
		}
		size, err := a.fetchLists(n + 1)
		if err != nil {
			a.errorf("E: %s: %s", aptLists, reason(err))
			return exitApt
		}
		fetched += size
	}
	if fetched > 0 {
		a.notef("Fetched %s in 0s (0 B/s)\n", aptSize(fetched))
	}
	a.done("Reading package lists...")
	for _, s := range failed {
		a.errorf("W: Failed to fetch %s/dists/%s/InRelease  %s", s.uri, s.suite, unresolved(s))
	}
	if len(failed) > 0 {
		a.errorf("W: Some index files failed to download. They have been ignored, or old ones used instead.")
	}
	if a.name == "apt" {
		a.printf("All packages are up to date.\n")
	}
	return 0
}

// unresolved is why a source cannot be reached: there is no network.
func unresolved(s source) string {
	_, host, _ := strings.Cut(s.uri, "://")
	host, _, _ = strings.Cut(host, "/")
	if s.uri == scheme {
		return "twinlayer has the suite " + suite + " only"
	}
	return "Temporary failure resolving '" + host + "'"
}

// fetchLists writes the lists where they are missing or differ, and returns
// the bytes that took.
func (a *apt) fetchLists(n int) (fetched int, err error) {
	files := a.listFiles()
	if !slices.ContainsFunc(files, func(f named) bool { return a.read(aptLists+f.name) != f.text }) {
		a.notef("Hit:%d %s %s InRelease\n", n, scheme, suite)
		return 0, nil
	}
	for i, f := range files {
		what := suite + " InRelease"
		if i > 0 {
			what = suite + "/main " + architecture("debian") + " Packages"
		}
		a.notef("Get:%d %s %s [%s]\n", n+i, scheme, what, aptSize(len(f.text)))
		if err := a.dirs(aptLists + "partial"); err != nil {
			return 0, err
		}
		partial := aptLists + "partial/" + f.name
		if err := a.fill(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644, []byte(f.text)); err != nil {
			return 0, err
		}
		if err := a.FS.Rename(partial, aptLists+f.name); err != nil {
			return 0, err
		}
		fetched += len(f.text)
	}
	return fetched, nil
}

// aptSize is a number of bytes in apt's words.
func aptSize(n int) string {
	x := float64(n)
	for i, unit := range []string{" B", " kB", " MB", " GB"} {
		switch {
		case x < 100 && i > 0:
			return fmt.Sprintf("%.1f%s", x, unit)
		case x < 10000:
			return fmt.Sprintf("%.0f%s", x, unit)
		}
		x /= 1000
	}
	return fmt.Sprintf("%.0f TB", x)
}

// clean removes the archives.
func (a *apt) clean() int {
	if err := a.lock(archives + "lock"); err != nil {
		a.lockProblem(archives+"lock", err)
		a.errorf("E: Unable to lock directory %s", archives)
		return exitApt
	}
	for _, dir := range []string{archives, archives + "partial/"} {
		for _, name := range a.names(dir) {
			if a.verb == "clean" && path.Ext(name) == ".deb" {
				a.FS.Remove(dir + name)
			}
		}
	}
	if a.verb == "autoclean" {
		a.done("Reading package lists...")
		a.done("Building dependency tree...")
		a.done("Reading state information...")
	}
	return 0
}

func (a *apt) check() int {
	if !a.begin() {
		return exitApt
	}
	return 0
}

// upgrade finds nothing newer: there is one version of each package.
func (a *apt) upgrade() int {
	if !a.begin() {
		return exitApt
	}
	a.done("Calculating upgrade...")
	a.counts(0, 0)
	return 0
}

func (a *apt) counts(install, remove int) {
	a.notef("0 upgraded, %d newly installed, %d to remove and 0 not upgraded.\n", install, remove)
}

// shown prints a list of names under a heading, in lines of a terminal's
// width.
func (a *apt) shown(heading string, names []string) {
	if len(names) == 0 {
		return
	}
	a.notef("%s\n", heading)
	line := ""
	for _, name := range names {
		if line != "" && len(line)+1+len(name) > 78 {
			a.notef(" %s\n", line)
			line = ""
		}
		line += " " + name
	}
	a.notef(" %s\n", line)
}
