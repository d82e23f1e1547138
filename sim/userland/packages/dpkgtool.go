package packages

import (
	"path"
	"slices"
	"strings"
)

// dpkgWords are the actions of dpkg and dpkg-query, by their flags.
var dpkgWords = map[string]func(j *job, args []string) int{
	"-l": dpkgList, "--list": dpkgList, "-L": dpkgFiles, "--listfiles": dpkgFiles, "-s": dpkgState, "--status": dpkgState,
	"-S": dpkgOwner, "--search": dpkgOwner, "-W": dpkgShow, "--show": dpkgShow, "--get-selections": dpkgSelections,
	"-r": dpkgRemove, "--remove": dpkgRemove, "-P": dpkgPurge, "--purge": dpkgPurge,
	"-i": dpkgInstall, "--install": dpkgInstall,
	"--print-architecture": func(j *job, _ []string) int { j.printf("%s\n", architecture("debian")); return 0 },
	"--version": func(j *job, _ []string) int {
		j.printf("Debian '%s' package management program version 1.21.22 (%s).\nThis is twinlayer's own, to teach with.\n", j.name, architecture("debian"))
		return 0
	},
	"--configure": func(*job, []string) int { return 0 },
}

func dpkg(j *job, args []string) int {
	for i, arg := range args {
		if do, ok := dpkgWords[arg]; ok {
			return do(j, slices.Delete(slices.Clone(args), i, i+1))
		}
		if strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "-f") && !strings.HasPrefix(arg, "--") {
			j.errorf("%s: error: unknown option %s\n\nType dpkg --help for help about installing and deinstalling packages [*];", j.name, arg)
			return 2
		}
	}
	j.errorf("%s: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];", j.name)
	return 2
}

// dpkgList is the table of installed packages.
func dpkgList(j *job, args []string) int {
	rows, ok := [][]string{}, len(args) == 0
	for _, s := range j.database(dpkgStatus).all {
		name := s.get("Package")
		if len(args) > 0 && !slices.ContainsFunc(args, func(p string) bool { return matches(p, name) }) {
			continue
		}
		ok = true
		state := "ii"
		if s.get("Status") != installed {
			state = "rc"
		}
		summary, _, _ := strings.Cut(s.get("Description"), "\n")
		rows = append(rows, []string{state, name, s.get("Version"), s.get("Architecture"), summary})
	}
	if !ok {
		for _, pattern := range args {
			j.errorf("dpkg-query: no packages found matching %s", pattern)
		}
		return 1
	}
	widths := []int{2, 14, 12, 12, 33}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	j.printf("Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n")
	line := func(cells []string) {
		j.printf("%-3s %-*s %-*s %-*s %s\n", cells[0], widths[1], cells[1], widths[2], cells[2], widths[3], cells[3], cells[4])
	}
	line([]string{"||/", "Name", "Version", "Architecture", "Description"})
	j.printf("+++-%s-%s-%s-%s\n", bar(widths[1]), bar(widths[2]), bar(widths[3]), bar(widths[4]))
	for _, row := range rows {
		line(row)
	}
	return 0
}

func bar(n int) string { return strings.Repeat("=", n) }

// missing complains of a package that is not installed.
func (j *job) missing(name string) {
	j.errorf("dpkg-query: package '%s' is not installed\nUse dpkg --contents (= dpkg-deb --contents) to list archive files contents.", name)
}

func dpkgFiles(j *job, args []string) int {
	db, status := j.database(dpkgStatus), 0
	for _, name := range args {
		if db.entry(name) == nil {
			j.missing(name)
			status = 1
			continue
		}
		j.printf("%s", j.read(dpkgInfo+name+".list"))
	}
	return status
}

func dpkgState(j *job, args []string) int {
	db, status := j.database(dpkgStatus), 0
	for _, name := range args {
		s := db.entry(name)
		if s == nil {
			j.errorf("dpkg-query: package '%s' is not installed and no information is available\nUse dpkg --info (= dpkg-deb --info) to examine archive files.", name)
			status = 1
			continue
		}
		j.printf("%s", format([]stanza{s}))
	}
	return status
}

// dpkgOwner tells whose a file is.
func dpkgOwner(j *job, args []string) int {
	status := 0
	for _, pattern := range args {
		found := false
		for _, s := range j.database(dpkgStatus).all {
			for line := range strings.Lines(j.read(dpkgInfo + s.get("Package") + ".list")) {
				file := strings.TrimSpace(line)
				if owns(pattern, file) {
					found = true
					j.printf("%s: %s\n", s.get("Package"), file)
				}
			}
		}
		if !found {
			j.errorf("dpkg-query: no path found matching pattern %s", pattern)
			status = 1
		}
	}
	return status
}

// owns says whether a file fits what is searched for: a path, a pattern, or a
// part of a path.
func owns(pattern, file string) bool {
	switch {
	case strings.ContainsAny(pattern, "*?["):
		return matches(pattern, file)
	case path.IsAbs(pattern):
		return pattern == file
	}
	return strings.Contains(file, pattern)
}

// dpkgShow prints a line for each package, by default its name and version.
func dpkgShow(j *job, args []string) int {
	layout := `${Package}\t${Version}\n`
	var names []string
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-f" && i+1 < len(args):
			i++
			layout = args[i]
		case strings.HasPrefix(arg, "-f="):
			layout = arg[3:]
		case strings.HasPrefix(arg, "--showformat="):
			layout = strings.TrimPrefix(arg, "--showformat=")
		default:
			names = append(names, arg)
		}
	}
	layout = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(layout)
	found := map[string]bool{}
	for _, s := range j.database(dpkgStatus).all {
		name := s.get("Package")
		i := slices.IndexFunc(names, func(p string) bool { return matches(p, name) })
		if len(names) > 0 && i < 0 {
			continue
		}
		if i >= 0 {
			found[names[i]] = true
		}
		var pairs []string
		for _, f := range s {
			pairs = append(pairs, "${"+f.key+"}", f.value)
		}
		j.printf("%s", strings.NewReplacer(pairs...).Replace(layout))
	}
	status := 0
	for _, name := range names {
		if !found[name] {
			j.errorf("dpkg-query: no packages found matching %s", name)
			status = 1
		}
	}
	return status
}

func dpkgSelections(j *job, _ []string) int {
	for _, s := range j.database(dpkgStatus).all {
		state, _, _ := strings.Cut(s.get("Status"), " ")
		j.printf("%-47s %s\n", s.get("Package"), state)
	}
	return 0
}

// changing takes dpkg's lock.
func (j *job) changing() (*unpacker, bool) {
	if err := j.lock("/var/lib/dpkg/lock"); err != nil {
		j.errorf("dpkg: error: requested operation requires superuser privilege")
		return nil, false
	}
	return &unpacker{job: j, db: j.database(dpkgStatus)}, true
}

func dpkgRemove(j *job, args []string) int { return j.dpkgRemove(args, false) }
func dpkgPurge(j *job, args []string) int  { return j.dpkgRemove(args, true) }

func (j *job) dpkgRemove(args []string, purge bool) int {
	d, ok := j.changing()
	if !ok {
		return 2
	}
	status := 0
	for _, name := range args {
		s := d.db.get(name)
		needing := slices.DeleteFunc(d.db.needing([]string{name}), func(n string) bool { return n == name || slices.Contains(args, n) })
		var err error
		switch {
		case s == nil && purge && d.db.entry(name) != nil:
			err = d.purge(name)
		case s == nil:
			j.errorf("dpkg: warning: ignoring request to remove %s which isn't installed", name)
		case s.get("Essential") == "yes":
			j.errorf("dpkg: error processing package %s (--remove):\n this is an essential package; it should not be removed\nErrors were encountered while processing:\n %s", name, name)
			status = 1
		case len(needing) > 0:
			j.errorf("dpkg: dependency problems prevent removal of %s:\n %s depends on %s.\n\ndpkg: error processing package %s (--remove):\n dependency problems - not removing\nErrors were encountered while processing:\n %s", name, needing[0], name, name, name)
			status = 1
		default:
			err = d.removeAll([]string{name}, purge)
		}
		if err != nil {
			j.errorf("dpkg: error: %v", err)
			return 2
		}
	}
	if err := j.saveStatus(d.db); err != nil {
		j.errorf("dpkg: error: %v", err)
		return 2
	}
	return status
}

// dpkgInstall installs archives that apt-get has left in its cache.
func dpkgInstall(j *job, args []string) int {
	d, ok := j.changing()
	if !ok {
		return 2
	}
	status := 0
	for _, file := range args {
		name := file
		if !path.IsAbs(name) {
			name = path.Join(j.Dir, name)
		}
		if !j.exists(name) {
			j.errorf("dpkg: error: cannot access archive '%s': No such file or directory", file)
			return 2
		}
		r := j.repo().archived(j.read(name))
		if r == nil {
			j.errorf("dpkg-deb: error: '%s' is not a Debian format archive\ndpkg: error processing archive %s (--install):\n dpkg-deb --control subprocess returned error exit status 2\nErrors were encountered while processing:\n %s", file, file, file)
			status = 1
			continue
		}
		if err := d.installOne(r, file); err != nil {
			j.errorf("dpkg: error: %v", err)
			return 2
		}
	}
	return status
}

func (d *unpacker) installOne(r *recipe, file string) error {
	if err := d.unpackAll([]*recipe{r}, func(*recipe) string { return file }); err != nil {
		return err
	}
	return d.configureAll([]*recipe{r})
}

// archived is the package whose archive has this content.
func (repo *repository) archived(content string) *recipe {
	all := parse(content)
	if len(all) == 0 {
		return nil
	}
	if r := repo.byName[all[0].get("Package")]; r != nil && string(r.archive()) == content {
		return r
	}
	return nil
}
