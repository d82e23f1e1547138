package packages

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// install installs the packages that are asked for and what they need.
func (a *apt) install() int {
	if !a.begin() {
		return exitApt
	}
	wanted, ok := a.wanted()
	if !ok {
		return exitApt
	}
	order := closure(wanted, a.depends, func(name string) bool { return !a.again(name, wanted) && a.db.get(name) != nil })
	if missing := a.unmet(order); missing != "" {
		a.errorf("%s", missing)
		return exitApt
	}
	a.keepManual(wanted)
	a.announce(order, wanted)
	if len(order) == 0 {
		return 0
	}
	if len(order) > len(wanted) && !a.agreed() {
		return 1
	}
	if a.simulate {
		a.simulated("Inst", order)
		return 0
	}
	return a.carryOut(order, wanted)
}

// again says whether a package is to be installed although it is.
func (a *apt) again(name string, wanted []string) bool {
	return (a.reinstall || a.verb == "reinstall") && slices.Contains(wanted, name)
}

// wanted are the packages that are asked for and not installed. What nobody
// knows is complained of.
func (a *apt) wanted() (names []string, ok bool) {
	ok = true
	for _, arg := range a.args {
		name, version, pinned := strings.Cut(arg, "=")
		name, _, _ = strings.Cut(name, "/")
		s, known := a.index[name]
		switch have := a.db.get(name); {
		case !known && have == nil:
			a.errorf("E: Unable to locate package %s", name)
			ok = false
		case pinned && known && s.get("Version") != version:
			a.errorf("E: Version '%s' for '%s' was not found", version, name)
			ok = false
		case have != nil && !a.again(name, []string{name}):
			a.notef("%s is already the newest version (%s).\n", name, have.get("Version"))
		case !slices.Contains(names, name):
			names = append(names, name)
		}
	}
	return names, ok
}

func (a *apt) depends(name string) ([]string, bool) {
	s, ok := a.index[name]
	return s.list("Depends"), ok
}

// unmet is apt's complaint of a package that needs what no list has.
func (a *apt) unmet(order []string) string {
	for _, name := range order {
		for _, need := range a.index[name].list("Depends") {
			if a.db.get(need) == nil && !slices.Contains(order, need) {
				return fmt.Sprintf("The following packages have unmet dependencies:\n %s : Depends: %s but it is not installable\nE: Unable to correct problems, you have held broken packages.", name, need)
			}
		}
	}
	return ""
}

// announce says what will be done.
func (a *apt) announce(order, wanted []string) {
	var extra, suggested []string
	size, space := 0, 0
	for _, name := range order {
		s := a.index[name]
		if !slices.Contains(wanted, name) {
			extra = append(extra, name)
		}
		for _, other := range s.list("Suggests") {
			if a.db.get(other) == nil && !slices.Contains(order, other) {
				suggested = append(suggested, other)
			}
		}
		size += number(s, "Size")
		space += number(s, "Installed-Size") * 1024
	}
	slices.Sort(suggested)
	a.shown("The following additional packages will be installed:", sorted(extra))
	a.shown("Suggested packages:", slices.Compact(suggested))
	a.shown("The following NEW packages will be installed:", sorted(order))
	a.counts(len(order), 0)
	if len(order) > 0 && !a.simulate {
		a.notef("Need to get %s of archives.\n", aptSize(size))
		a.notef("After this operation, %s of additional disk space will be used.\n", aptSize(space))
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }

func number(s stanza, key string) int {
	n, _ := strconv.Atoi(s.get(key))
	return n
}

// agreed asks whether to go on.
func (a *apt) agreed() bool {
	if a.yes || a.simulate {
		return true
	}
	a.printf("Do you want to continue? [Y/n] ")
	if line, ok := a.answer(); ok && (line == "" || strings.HasPrefix(line, "y")) {
		return true
	}
	a.printf("Abort.\n")
	return false
}

func (a *apt) simulated(word string, order []string) {
	for _, name := range order {
		a.printf("%s %s (%s)\n", word, name, a.index[name].get("Version"))
	}
	for _, name := range order {
		if word == "Inst" {
			a.printf("Conf %s (%s)\n", name, a.index[name].get("Version"))
		}
	}
}

// carryOut fetches, unpacks and sets up the packages.
func (a *apt) carryOut(order, wanted []string) int {
	if err := a.fetch(order); err != nil {
		return a.broken(err)
	}
	d := a.dpkg()
	err := d.unpackAll(a.recipes(order), func(r *recipe) string { return ".../" + debFile(r.stanza) })
	if err == nil {
		err = d.configureAll(a.recipes(order))
	}
	if err == nil {
		err = a.settle("Install", order, func(name string) bool { return !slices.Contains(wanted, name) })
	}
	if err != nil {
		return a.broken(err)
	}
	return 0
}

// broken tells of what the system refused.
func (a *apt) broken(err error) int {
	a.errorf("dpkg: error: %v", err)
	a.errorf("E: Sub-process /usr/bin/dpkg returned an error code (1)")
	return exitApt
}

func (a *apt) recipes(names []string) (list []*recipe) {
	for _, name := range names {
		if r := a.repo().byName[name]; r != nil {
			list = append(list, r)
		}
	}
	return list
}

// fetch brings the archives into the cache.
func (a *apt) fetch(order []string) error {
	if err := a.lock(archives + "lock"); err != nil {
		return err
	}
	if err := a.dirs(archives + "partial"); err != nil {
		return err
	}
	total := 0
	for n, r := range a.recipes(order) {
		content := r.archive()
		a.notef("Get:%d %s %s/main %s %s %s %s [%s]\n", n+1, scheme, suite, architecture("debian"), r.name(), r.get("Architecture"), r.version(), aptSize(len(content)))
		partial := archives + "partial/" + debFile(r.stanza)
		if err := a.fill(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644, content); err != nil {
			return err
		}
		if err := a.FS.Rename(partial, archives+debFile(r.stanza)); err != nil {
			return err
		}
		total += len(content)
	}
	a.notef("Fetched %s in 0s (0 B/s)\n", aptSize(total))
	return nil
}

// settle is what apt does when dpkg is done: marks, logs, and the hook that
// Docker's images of Debian have.
func (a *apt) settle(what string, names []string, auto func(string) bool) error {
	if err := a.mark(names, auto); err != nil {
		return err
	}
	if err := a.history(what, names, auto); err != nil {
		return err
	}
	if !strings.Contains(a.read("/etc/apt/apt.conf.d/docker-clean"), "DPkg::Post-Invoke") {
		return nil
	}
	for _, name := range a.names(archives) {
		if strings.HasSuffix(name, ".deb") {
			if err := a.FS.Remove(archives + name); err != nil {
				return err
			}
		}
	}
	return nil
}

// history writes apt's logs.
func (a *apt) history(what string, names []string, auto func(string) bool) error {
	stamp := a.day().Format("2006-01-02  15:04:05")
	var list []string
	for _, name := range names {
		s := a.index[name]
		if s == nil {
			s = a.db.entry(name)
		}
		more := ""
		if auto(name) && what == "Install" {
			more = ", automatic"
		}
		list = append(list, fmt.Sprintf("%s:%s (%s%s)", name, s.get("Architecture"), s.get("Version"), more))
	}
	text := fmt.Sprintf("\nStart-Date: %s\nCommandline: %s\n%s: %s\nEnd-Date: %s\n", stamp, strings.Join(a.Args, " "), what, strings.Join(list, ", "), stamp)
	if err := a.log("/var/log/apt/history.log", 0o644, text); err != nil {
		return err
	}
	return a.log("/var/log/apt/term.log", 0o640, "\nLog started: "+stamp+"\n"+a.transcript+"Log ended: "+stamp+"\n")
}

// autos are the packages that were installed because others need them.
func (j *job) autos() map[string]bool {
	auto := map[string]bool{}
	for _, s := range parse(j.read(aptAuto)) {
		auto[s.get("Package")] = s.get("Auto-Installed") == "1"
	}
	return auto
}

// mark keeps who was installed automatically.
func (a *apt) mark(names []string, auto func(string) bool) error {
	all := a.autos()
	for _, name := range names {
		all[name] = a.db.get(name) != nil && auto(name)
	}
	return a.saveAutos(all)
}

func (a *apt) saveAutos(all map[string]bool) error {
	var out []stanza
	for _, name := range sortedTrue(all) {
		out = append(out, stanza{{"Package", name}, {"Architecture", architecture("debian")}, {"Auto-Installed", "1"}})
	}
	text := format(out)
	if text == a.read(aptAuto) {
		return nil
	}
	return a.write(aptAuto, ".tmp", 0o644, []byte(text))
}

// keepManual notes that what was installed automatically is now asked for.
func (a *apt) keepManual(wanted []string) {
	auto := a.autos()
	changed := false
	for _, arg := range a.args {
		name, _, _ := strings.Cut(arg, "=")
		if auto[name] && !slices.Contains(wanted, name) {
			a.notef("%s set to manually installed.\n", name)
			auto[name], changed = false, true
		}
	}
	if changed && !a.simulate {
		a.saveAutos(auto)
	}
}
