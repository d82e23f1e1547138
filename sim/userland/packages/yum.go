package packages

import (
	"fmt"
	"slices"
	"strings"
)

// The places of yum and rpm.
const (
	rpmPackages = "/var/lib/rpm/Packages"
	yumLog      = "/var/log/yum.log"
	rpmSuffix   = ";5e0be100" // rpm's own is a random number
)

// yumVerbs are what yum does.
var yumVerbs = map[string]func(y *yumRun) int{
	"install": (*yumRun).install, "localinstall": (*yumRun).install,
	"remove": (*yumRun).remove, "erase": (*yumRun).remove, "autoremove": (*yumRun).remove,
	"list": (*yumRun).list, "info": (*yumRun).info, "search": (*yumRun).search, "provides": (*yumRun).provides, "whatprovides": (*yumRun).provides,
	"clean": (*yumRun).clean, "makecache": (*yumRun).makecache, "repolist": (*yumRun).repolist,
	"update": (*yumRun).update, "upgrade": (*yumRun).update, "check-update": (*yumRun).checkUpdate,
}

// yumRun is a run of yum.
type yumRun struct {
	*job
	verb  string
	args  []string
	no    bool
	quiet bool
	db    *database
}

func yum(j *job, args []string) int {
	y := &yumRun{job: j}
	for _, arg := range args {
		switch {
		case arg == "-y" || arg == "--assumeyes":
			y.yes = true
		case arg == "--assumeno":
			y.no = true
		case arg == "-q" || arg == "--quiet":
			y.quiet = true
		case arg == "--version":
			j.printf("3.4.3\n  This is twinlayer's yum: it installs teaching packages from a repository of its own.\n")
			return 0
		case strings.HasPrefix(arg, "-"): // of plugins and repositories, of which there is one
		case y.verb == "":
			y.verb = arg
		default:
			y.args = append(y.args, arg)
		}
	}
	y.sayf("Loaded plugins: fastestmirror, ovl\n")
	do, ok := yumVerbs[y.verb]
	switch {
	case y.verb == "":
		y.errorf("You need to give some command")
		y.printf("Usage: yum [options] COMMAND\n\nList of Commands:\n\ncheck-update clean erase info install list makecache provides remove repolist search update\n")
		return 1
	case !ok:
		y.errorf("No such command: %s. Please use /usr/bin/yum --help", y.verb)
		return 1
	}
	y.db = j.database(rpmPackages)
	return do(y)
}

// sayf prints what -q silences.
func (y *yumRun) sayf(format string, args ...any) {
	if !y.quiet {
		y.printf(format, args...)
	}
}

// root complains unless root runs it.
func (y *yumRun) root() bool {
	if y.UID != 0 {
		y.errorf("You need to be root to perform this command.")
	}
	return y.UID == 0
}

// cacheDir is where yum keeps what it knows of the repository.
func cacheDir() string { return "/var/cache/yum/" + architecture("centos") + "/7/" }

// metadata brings the repository's list into the cache, where it is not.
func (y *yumRun) metadata() error {
	file := cacheDir() + "base/primary"
	text := format(y.repo().index())
	if y.read(file) == text {
		return nil
	}
	y.sayf("Determining fastest mirrors\n * base: %s\n", strings.TrimPrefix(scheme, "twinlayer://")+" (inside twinlayer)")
	for _, f := range []named{
		{file, text}, {cacheDir() + "base/repomd", hash(text) + "\n"}, {cacheDir() + "base/cachecookie", ""}, {cacheDir() + "timedhosts", "packages 0.0\n"},
	} {
		if err := y.write(f.name, ".tmp", 0o644, []byte(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// available are the repository's packages, by name.
func (y *yumRun) available() map[string]*recipe {
	if !strings.Contains(y.repos(), "twinlayer://") {
		return nil
	}
	return y.repo().byName
}

func (y *yumRun) repos() (text string) {
	for _, name := range y.names("/etc/yum.repos.d") {
		text += y.read("/etc/yum.repos.d/" + name)
	}
	return text
}

// meant is the package that a name stands for: its own, what it provides, or
// with version and architecture.
func (y *yumRun) meant(name string) *recipe {
	for _, r := range y.repo().list {
		s := r.stanza
		if y.available()[r.name()] != nil && slices.Contains([]string{r.name(), nevra(s), strings.TrimPrefix(nevra(s), epochOf(s)), r.name() + "." + s.get("Architecture")}, name) {
			return r
		}
	}
	for _, r := range y.repo().list {
		if y.available()[r.name()] != nil && slices.Contains(r.list("Provides"), name) {
			return r
		}
	}
	return nil
}

// epochOf is "2:" of "2:7.4-1", "" where there is none.
func epochOf(s stanza) string {
	if epoch, _, ok := strings.Cut(s.get("Version"), ":"); ok {
		return epoch + ":"
	}
	return ""
}

// nvra is a package's name, version, release and architecture.
func nvra(s stanza) string {
	return s.get("Package") + "-" + strings.TrimPrefix(s.get("Version"), epochOf(s)) + "." + s.get("Architecture")
}

// nevra is the same with the epoch in front, where there is one.
func nevra(s stanza) string { return epochOf(s) + nvra(s) }

// full is a version as yum's last lists have it: with an epoch always.
func full(s stanza) string {
	if epochOf(s) == "" {
		return "0:" + s.get("Version")
	}
	return s.get("Version")
}

func (y *yumRun) install() int {
	if !y.root() {
		return 1
	}
	if len(y.args) == 0 {
		y.errorf("Error: Need to pass a list of pkgs to install")
		return 1
	}
	if err := y.metadata(); err != nil {
		return y.broken(err)
	}
	var wanted []string
	have := false
	for _, arg := range y.args {
		r := y.meant(arg)
		switch {
		case r == nil:
			y.sayf("No package %s available.\n", arg)
		case y.db.get(r.name()) != nil:
			have = true
			y.sayf("Package %s already installed and latest version\n", nevra(y.db.get(r.name())))
		default:
			wanted = append(wanted, r.name())
		}
	}
	switch {
	case len(wanted) == 0 && have:
		y.sayf("Nothing to do\n")
		return 0
	case len(wanted) == 0:
		y.errorf("Error: Nothing to do")
		return 1
	}
	return y.installAll(wanted)
}

func (y *yumRun) installAll(wanted []string) int {
	by := y.available()
	needs := func(name string) ([]string, bool) { r := by[name]; return listOf(r), r != nil }
	order := closure(wanted, needs, func(name string) bool { return y.db.get(name) != nil })
	y.resolve(order, wanted)
	var list []stanza
	for _, name := range order {
		list = append(list, by[name].stanza)
	}
	y.table(list, wanted, "Installing:", "Installing for dependencies:")
	y.summary("Install", list, wanted)
	if !y.agreed() {
		return 1
	}
	y.sayf("Downloading packages:\nRunning transaction check\nRunning transaction test\nTransaction test succeeded\nRunning transaction\n")
	for i, name := range order {
		if err := y.installOne(by[name]); err != nil {
			return y.broken(err)
		}
		y.progress("Installing", nevra(by[name].stanza), i+1, len(order))
	}
	if err := y.saveRPM(); err != nil {
		return y.broken(err)
	}
	for i, name := range order {
		y.progress("Verifying", nevra(by[name].stanza), i+1, len(order))
	}
	y.sayf("\n")
	y.ended("Installed:", list, func(name string) bool { return slices.Contains(wanted, name) })
	y.ended("Dependency Installed:", list, func(name string) bool { return !slices.Contains(wanted, name) })
	y.sayf("Complete!\n")
	return 0
}

func listOf(r *recipe) []string {
	if r == nil {
		return nil
	}
	return r.list("Depends")
}

// resolve shows how what is needed was found.
func (y *yumRun) resolve(order, wanted []string) {
	y.sayf("Resolving Dependencies\n--> Running transaction check\n")
	level := slices.DeleteFunc(slices.Clone(order), func(n string) bool { return !slices.Contains(wanted, n) })
	seen := map[string]bool{}
	for len(level) > 0 {
		var next []string
		for _, name := range level {
			s := y.available()[name].stanza
			y.sayf("---> Package %s.%s %s will be installed\n", name, s.get("Architecture"), full(s))
			seen[name] = true
		}
		for _, name := range level {
			s := y.available()[name].stanza
			for _, need := range s.list("Depends") {
				if slices.Contains(order, need) && !seen[need] {
					y.sayf("--> Processing Dependency: %s for package: %s\n", need, nevra(s))
					next = append(next, need)
					seen[need] = true
				}
			}
		}
		if level = next; len(level) > 0 {
			y.sayf("--> Running transaction check\n")
		}
	}
	y.sayf("--> Finished Dependency Resolution\n\nDependencies Resolved\n\n")
}

const rule = "================================================================================\n"

// table is the transaction, as yum shows it before it asks.
func (y *yumRun) table(list []stanza, wanted []string, heading, more string) {
	y.sayf("%s Package                 Arch       Version                  Repository    Size\n%s", rule, rule)
	for _, part := range []struct {
		heading string
		wanted  bool
	}{{heading, true}, {more, false}} {
		first := true
		for _, s := range list {
			if slices.Contains(wanted, s.get("Package")) != part.wanted {
				continue
			}
			if first {
				y.sayf("%s\n", part.heading)
				first = false
			}
			repository := "base"
			if y.db.get(s.get("Package")) != nil {
				repository = "@base"
			}
			y.sayf(" %-23s %-10s %-24s %-10s %7s\n", s.get("Package"), s.get("Architecture"), s.get("Version"), repository, yumSize(number(s, "Installed-Size")*1024))
		}
	}
	y.sayf("\nTransaction Summary\n%s", rule)
}

// summary counts the packages and their bytes.
func (y *yumRun) summary(what string, list []stanza, wanted []string) {
	packages := func(n int) string {
		if n == 1 {
			return "1 Package"
		}
		return fmt.Sprintf("%d Packages", n)
	}
	y.sayf("%-7s  %s", what, packages(len(wanted)))
	switch more := len(list) - len(wanted); {
	case more == 1:
		y.sayf(" (+1 Dependent package)")
	case more > 1:
		y.sayf(" (+%d Dependent packages)", more)
	}
	y.sayf("\n\n")
	download, space := 0, 0
	for _, s := range list {
		if r := y.repo().byName[s.get("Package")]; r != nil {
			download += len(r.archive())
		}
		space += number(s, "Installed-Size") * 1024
	}
	if what == "Install" {
		y.sayf("Total download size: %s\n", yumSize(download))
	}
	y.sayf("Installed size: %s\n", yumSize(space))
}

// yumSize is a number of bytes in yum's words.
func yumSize(n int) string {
	x := float64(n)
	for _, unit := range []string{"", " k", " M", " G"} {
		switch {
		case x < 10 && unit != "":
			return fmt.Sprintf("%.1f%s", x, unit)
		case x < 1000:
			return fmt.Sprintf("%.0f%s", x, unit)
		}
		x /= 1024
	}
	return fmt.Sprintf("%.0f T", x)
}

func (y *yumRun) agreed() bool {
	if y.yes {
		return true
	}
	y.printf("Is this ok [y/d/N]: ")
	if line, ok := y.answer(); !y.no && ok && strings.HasPrefix(line, "y") {
		return true
	}
	y.printf("Exiting on user command\n")
	return false
}

// progress is a line of 80 columns, the last one blank.
func (y *yumRun) progress(what, name string, n, all int) {
	digits := len(fmt.Sprint(all))
	y.sayf("  %-11s: %-*s %*d/%d \n", what, 62-2*digits, name, digits, n, all)
}

// ended lists what was done.
func (y *yumRun) ended(heading string, list []stanza, in func(string) bool) {
	first := true
	for _, s := range list {
		if !in(s.get("Package")) {
			continue
		}
		if first {
			y.sayf("%s\n", heading)
			first = false
		}
		y.sayf("  %s.%s %s\n", s.get("Package"), s.get("Architecture"), full(s))
	}
	if !first {
		y.sayf("\n")
	}
}

// broken tells of what the system refused.
func (y *yumRun) broken(err error) int {
	y.errorf("Error: %v", err)
	return 1
}

func (y *yumRun) remove() int {
	if !y.root() {
		return 1
	}
	var wanted []string
	for _, arg := range y.args {
		name := arg
		if r := y.meant(arg); r != nil {
			name = r.name()
		}
		if y.db.get(name) == nil {
			y.sayf("No Match for argument: %s\n", arg)
			continue
		}
		wanted = append(wanted, name)
	}
	if len(wanted) == 0 {
		y.sayf("No Packages marked for removal\n")
		return 0
	}
	names := dependentsFirst(y.db, y.db.needing(wanted))
	var list []stanza
	y.sayf("Resolving Dependencies\n--> Running transaction check\n")
	for _, name := range names {
		s := y.db.get(name)
		if s.get("Essential") == "yes" {
			y.sayf("--> Finished Dependency Resolution\n")
			y.errorf("Error: Trying to remove \"%s\", which is protected", name)
			return 1
		}
		list = append(list, s)
		y.sayf("---> Package %s.%s %s will be erased\n", name, s.get("Architecture"), full(s))
	}
	y.sayf("--> Finished Dependency Resolution\n\nDependencies Resolved\n\n")
	y.table(list, wanted, "Removing:", "Removing for dependencies:")
	y.summary("Remove", list, wanted)
	if !y.agreed() {
		return 1
	}
	return y.eraseAll(list, wanted)
}

func (y *yumRun) eraseAll(list []stanza, wanted []string) int {
	y.sayf("Downloading packages:\nRunning transaction check\nRunning transaction test\nTransaction test succeeded\nRunning transaction\n")
	for i, s := range list {
		if err := y.eraseOne(s); err != nil {
			return y.broken(err)
		}
		y.progress("Erasing", nevra(s), i+1, len(list))
	}
	if err := y.saveRPM(); err != nil {
		return y.broken(err)
	}
	for i, s := range list {
		y.progress("Verifying", nevra(s), i+1, len(list))
	}
	y.sayf("\n")
	y.ended("Removed:", list, func(name string) bool { return slices.Contains(wanted, name) })
	y.ended("Dependency Removed:", list, func(name string) bool { return !slices.Contains(wanted, name) })
	y.sayf("Complete!\n")
	return 0
}
