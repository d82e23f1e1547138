package packages

import (
	"slices"
)

// remove removes packages, and those that need them.
func (a *apt) remove() int {
	if !a.begin() {
		return exitApt
	}
	var names, left []string
	ok := true
	for _, name := range a.args {
		switch {
		case a.db.get(name) != nil:
			names = append(names, name)
		case a.purging() && a.db.entry(name) != nil:
			left = append(left, name)
		case a.index[name] != nil || a.db.entry(name) != nil:
			a.notef("Package '%s' is not installed, so not removed\n", name)
		default:
			a.errorf("E: Unable to locate package %s", name)
			ok = false
		}
	}
	if !ok {
		return exitApt
	}
	names = a.db.needing(names)
	return a.removeAll(names, left)
}

func (a *apt) purging() bool { return a.purge || a.verb == "purge" || a.verb == "autopurge" }

// autoremove removes what was installed for others that are gone.
func (a *apt) autoremove() int {
	if !a.begin() {
		return exitApt
	}
	return a.removeAll(a.orphans(nil), nil)
}

// orphans are the automatically installed packages that nobody would need
// without gone.
func (a *apt) orphans(gone []string) []string {
	auto := a.autos()
	var roots []string
	for _, s := range a.db.installed() {
		if name := s.get("Package"); !auto[name] && !slices.Contains(gone, name) {
			roots = append(roots, name)
		}
	}
	needed := closure(roots, func(name string) ([]string, bool) { s := a.db.get(name); return s.list("Depends"), s != nil }, func(string) bool { return false })
	var out []string
	for _, s := range a.db.installed() {
		if name := s.get("Package"); auto[name] && !slices.Contains(needed, name) && !slices.Contains(gone, name) {
			out = append(out, name)
		}
	}
	return out
}

// removeAll removes names, and what left has of packages removed before.
func (a *apt) removeAll(names, left []string) int {
	if a.verb != "autoremove" && a.verb != "autopurge" && len(names) > 0 {
		a.tellOrphans(a.orphans(names))
	}
	shown := slices.Clone(sorted(append(slices.Clone(names), left...)))
	if a.purging() {
		for i, name := range shown {
			shown[i] = name + "*"
		}
	}
	a.shown("The following packages will be REMOVED:", shown)
	if essential := a.essentials(names); len(essential) > 0 {
		return a.refuseEssential(essential, len(shown))
	}
	a.counts(0, len(shown))
	if len(shown) == 0 {
		return 0
	}
	space := 0
	for _, name := range names {
		space += number(a.db.get(name), "Installed-Size") * 1024
	}
	switch {
	case a.simulate:
	case space == 0:
		a.notef("After this operation, 0 B of additional disk space will be used.\n")
	default:
		a.notef("After this operation, %s disk space will be freed.\n", aptSize(space))
	}
	if !a.agreed() {
		return 1
	}
	if a.simulate {
		a.simulated("Remv", names)
		return 0
	}
	if err := a.takeAway(names, left); err != nil {
		return a.broken(err)
	}
	return 0
}

func (a *apt) tellOrphans(orphans []string) {
	if len(orphans) == 0 {
		return
	}
	were, them := "packages were", "them"
	if len(orphans) == 1 {
		were, them = "package was", "it"
	}
	a.shown("The following "+were+" automatically installed and "+map[bool]string{true: "is", false: "are"}[len(orphans) == 1]+" no longer required:", orphans)
	a.notef("Use 'apt autoremove' to remove %s.\n", them)
}

func (a *apt) essentials(names []string) (out []string) {
	for _, name := range names {
		if a.db.get(name).get("Essential") == "yes" && !a.essential {
			out = append(out, name)
		}
	}
	return out
}

func (a *apt) refuseEssential(names []string, count int) int {
	a.notef("WARNING: The following essential packages will be removed.\nThis should NOT be done unless you know exactly what you are doing!\n")
	a.notef(" ")
	for _, name := range names {
		a.notef(" %s", name)
	}
	a.notef("\n")
	a.counts(0, count)
	a.errorf("E: Essential packages were removed and -y was used without --allow-remove-essential.")
	return exitApt
}

// takeAway removes the packages and keeps apt's marks and logs.
func (a *apt) takeAway(names, left []string) error {
	d := a.dpkg()
	what := "Remove"
	if err := d.removeAll(dependentsFirst(a.db, names), a.purging()); err != nil {
		return err
	}
	for _, name := range left {
		if err := d.purge(name); err != nil {
			return err
		}
	}
	if err := a.saveStatus(a.db); err != nil {
		return err
	}
	if a.purging() {
		what = "Purge"
	}
	return a.settle(what, names, func(string) bool { return false })
}

// dependentsFirst are the packages, each before what it needs.
func dependentsFirst(d *database, names []string) []string {
	order := closure(names, func(name string) ([]string, bool) { return d.get(name).list("Depends"), slices.Contains(names, name) }, func(string) bool { return false })
	slices.Reverse(order)
	return order
}
