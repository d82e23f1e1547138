package packages

import (
	"slices"
	"strings"
)

// chosen are packages that fit the names given, installed ones and others.
func (y *yumRun) chosen(names []string) (have, more []stanza) {
	fits := func(s stanza) bool {
		return len(names) == 0 || slices.ContainsFunc(names, func(p string) bool {
			return matches(p, s.get("Package")) || p == s.get("Package")+"."+s.get("Architecture")
		})
	}
	for _, s := range y.db.installed() {
		if fits(s) {
			have = append(have, s)
		}
	}
	for name, r := range y.available() {
		if y.db.get(name) == nil && fits(r.stanza) {
			more = append(more, r.stanza)
		}
	}
	slices.SortFunc(more, func(a, b stanza) int { return strings.Compare(a.get("Package"), b.get("Package")) })
	return have, more
}

// sections are what list and info show: which, and the rest of the arguments.
func (y *yumRun) sections() (have, more []stanza, ok bool) {
	which, names := "", y.args
	if len(names) > 0 && slices.Contains([]string{"installed", "available", "all"}, names[0]) {
		which, names = names[0], names[1:]
	}
	have, more = y.chosen(names)
	if which == "installed" {
		more = nil
	}
	if which == "available" {
		have = nil
	}
	if len(have)+len(more) == 0 {
		y.errorf("Error: No matching Packages to list")
		return nil, nil, false
	}
	return have, more, true
}

func (y *yumRun) list() int {
	have, more, ok := y.sections()
	if !ok {
		return 1
	}
	y.rows("Installed Packages", have, "@base")
	y.rows("Available Packages", more, "base")
	return 0
}

func (y *yumRun) rows(heading string, list []stanza, repository string) {
	if len(list) == 0 {
		return
	}
	y.printf("%s\n", heading)
	for _, s := range list {
		y.printf("%-39s %-30s %s\n", s.get("Package")+"."+s.get("Architecture"), s.get("Version"), repository)
	}
}

func (y *yumRun) info() int {
	have, more, ok := y.sections()
	if !ok {
		return 1
	}
	for _, part := range []struct {
		heading, repository string
		list                []stanza
	}{{"Installed Packages", "installed", have}, {"Available Packages", "base/7/" + architecture("centos"), more}} {
		for i, s := range part.list {
			if i == 0 {
				y.printf("%s\n", part.heading)
			}
			y.describe(s, part.repository)
		}
	}
	return 0
}

func (y *yumRun) describe(s stanza, repository string) {
	version, release, _ := strings.Cut(strings.TrimPrefix(s.get("Version"), epochOf(s)), "-")
	summary, rest, _ := strings.Cut(s.get("Description"), "\n")
	for _, f := range []field{
		{"Name", s.get("Package")}, {"Arch", s.get("Architecture")}, {"Epoch", strings.TrimSuffix(epochOf(s), ":")},
		{"Version", version}, {"Release", release}, {"Size", yumSize(number(s, "Installed-Size") * 1024)},
		{"Repo", repository}, {"Summary", summary}, {"License", "ASL 2.0"}, {"Description", strings.TrimSpace(rest)},
	} {
		if f.value != "" {
			y.printf("%-12s: %s\n", f.key, f.value)
		}
	}
	y.printf("\n")
}

func (y *yumRun) search() int {
	if len(y.args) == 0 {
		y.errorf("Error: Need to pass a list of pkgs to search")
		return 1
	}
	have, more := y.chosen(nil)
	all := append(have, more...)
	slices.SortFunc(all, func(a, b stanza) int { return strings.Compare(a.get("Package"), b.get("Package")) })
	found := false
	for _, s := range all {
		summary, _, _ := strings.Cut(s.get("Description"), "\n")
		if slices.ContainsFunc(y.args, func(word string) bool {
			return strings.Contains(strings.ToLower(s.get("Package")+" "+summary), strings.ToLower(word))
		}) {
			if !found {
				y.printf("%s N/S matched: %s %s\n", bar(26), strings.Join(y.args, ", "), bar(26))
			}
			found = true
			y.printf("%s.%s : %s\n", s.get("Package"), s.get("Architecture"), summary)
		}
	}
	if !found {
		y.errorf("Warning: No matches found for: %s", strings.Join(y.args, ", "))
		y.printf("No matches found\n")
	}
	return 0
}

// provides tells which package has a file or a name.
func (y *yumRun) provides() int {
	status := 1
	for _, arg := range y.args {
		for _, r := range y.repo().list {
			if r.name() != arg && !slices.Contains(r.list("Provides"), arg) && !slices.ContainsFunc(r.paths(), func(p string) bool { return p == arg || matches(arg, p) }) {
				continue
			}
			summary, _, _ := strings.Cut(r.get("Description"), "\n")
			y.printf("%s : %s\nRepo        : base\n\n", nevra(r.stanza), summary)
			status = 0
		}
	}
	if status != 0 {
		y.printf("No matches found\n")
	}
	return 0
}

func (y *yumRun) clean() int {
	if len(y.args) == 0 {
		y.errorf("Error: clean requires an option: headers, packages, metadata, dbcache, plugins, expire-cache, rpmdb, all")
		return 1
	}
	if !y.root() {
		return 1
	}
	y.sayf("Cleaning repos: base\n")
	if y.args[0] == "packages" || y.args[0] == "headers" {
		return 0
	}
	if y.args[0] == "all" {
		y.sayf("Cleaning up list of fastest mirrors\n")
		y.FS.Remove(cacheDir() + "timedhosts")
	}
	for _, name := range y.names(cacheDir() + "base") {
		if err := y.FS.Remove(cacheDir() + "base/" + name); err != nil {
			return y.broken(err)
		}
	}
	return 0
}

func (y *yumRun) makecache() int {
	if !y.root() {
		return 1
	}
	if err := y.metadata(); err != nil {
		return y.broken(err)
	}
	y.sayf("Metadata Cache Created\n")
	return 0
}

func (y *yumRun) repolist() int {
	n := len(y.available())
	y.printf("repo id                         repo name                                 status\n")
	if n > 0 {
		y.printf("base/7/%-24s CentOS-7 - Base                           %d\n", architecture("centos"), n)
	}
	y.printf("repolist: %d\n", n)
	return 0
}

// update finds nothing newer: there is one version of each package.
func (y *yumRun) update() int {
	if !y.root() {
		return 1
	}
	if err := y.metadata(); err != nil {
		return y.broken(err)
	}
	y.sayf("No packages marked for update\n")
	return 0
}

func (y *yumRun) checkUpdate() int { return 0 }
