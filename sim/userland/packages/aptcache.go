package packages

import (
	"slices"
	"strings"
)

func aptCache(j *job, args []string) int {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return strings.HasPrefix(arg, "-") })
	if len(args) == 0 {
		j.printf("apt 2.6.1 (%s)\nUsage: apt-cache [options] command\n\nMost used commands:\n  show\n  search\n  depends\n  policy\n  pkgnames\n", architecture("debian"))
		return 0
	}
	verbs := map[string]func(*job, []string) int{
		"show": aptShow, "search": aptSearch, "policy": aptPolicy, "depends": aptDepends, "pkgnames": aptNames,
	}
	if do, ok := verbs[args[0]]; ok {
		return do(j, args[1:])
	}
	j.errorf("E: Invalid operation %s", args[0])
	return exitApt
}

// known are all packages that the lists or the database have, by name.
func (j *job) known() (names []string, all map[string]stanza) {
	all = j.lists()
	for _, s := range j.database(dpkgStatus).installed() {
		if _, ok := all[s.get("Package")]; !ok {
			all[s.get("Package")] = s
		}
	}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, all
}

func aptShow(j *job, args []string) int {
	_, all := j.known()
	shown := 0
	for _, name := range args {
		s, ok := all[name]
		if !ok {
			j.errorf("N: Unable to locate package %s", name)
			continue
		}
		shown++
		j.printf("%s", format([]stanza{s}))
	}
	if shown == 0 {
		j.errorf("E: No packages found")
		return exitApt
	}
	return 0
}

// aptSearch lists the packages that have every word in name or description.
func aptSearch(j *job, args []string) int {
	if len(args) == 0 {
		j.errorf("E: You must give at least one search pattern")
		return exitApt
	}
	names, all := j.known()
	for _, name := range names {
		summary, _, _ := strings.Cut(all[name].get("Description"), "\n")
		text := strings.ToLower(name + " " + summary)
		if !slices.ContainsFunc(args, func(word string) bool { return !strings.Contains(text, strings.ToLower(word)) }) {
			j.printf("%s - %s\n", name, summary)
		}
	}
	return 0
}

func aptPolicy(j *job, args []string) int {
	lists, db := j.lists(), j.database(dpkgStatus)
	for _, name := range args {
		have, candidate := db.get(name).get("Version"), lists[name].get("Version")
		if have == "" && candidate == "" {
			if j.name == "apt-cache" {
				j.errorf("N: Unable to locate package %s", name)
			}
			continue
		}
		j.printf("%s:\n  Installed: %s\n  Candidate: %s\n  Version table:\n", name, or(have, "(none)"), or(candidate, have))
		mark := "    "
		if have != "" {
			mark = "*** "
		}
		j.printf(" %s%s 500\n", mark, or(candidate, have))
		if candidate != "" {
			j.printf("        500 %s %s/main %s Packages\n", scheme, suite, architecture("debian"))
		}
		if have != "" {
			j.printf("        100 %s\n", dpkgStatus)
		}
	}
	return 0
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func aptDepends(j *job, args []string) int {
	_, all := j.known()
	for _, name := range args {
		s, ok := all[name]
		if !ok {
			j.errorf("E: No packages found")
			return exitApt
		}
		j.printf("%s\n", name)
		for _, key := range []string{"Depends", "Suggests"} {
			for _, other := range s.list(key) {
				j.printf("  %s: %s\n", key, other)
			}
		}
	}
	return 0
}

func aptNames(j *job, _ []string) int {
	names, _ := j.known()
	for _, name := range names {
		j.printf("%s\n", name)
	}
	return 0
}

// aptList is apt list [--installed] [PATTERN...].
func aptList(j *job, args []string) int {
	only := slices.Contains(j.Args, "--installed")
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return strings.HasPrefix(arg, "-") })
	names, all := j.known()
	db := j.database(dpkgStatus)
	j.printf("Listing...\n")
	for _, name := range names {
		have := db.get(name) != nil
		if only && !have || len(args) > 0 && !slices.ContainsFunc(args, func(p string) bool { return matches(p, name) }) {
			continue
		}
		state := ""
		if have {
			state = " [installed]"
			if j.autos()[name] {
				state = " [installed,automatic]"
			}
		}
		j.printf("%s/%s %s %s%s\n", name, suite, all[name].get("Version"), all[name].get("Architecture"), state)
	}
	return 0
}

// aptMark shows and sets who was installed automatically.
func aptMark(j *job, args []string) int {
	a := &apt{job: j, db: j.database(dpkgStatus)}
	auto := a.autos()
	if len(args) == 0 {
		j.errorf("E: No action given")
		return exitApt
	}
	switch verb := args[0]; verb {
	case "showauto", "showmanual":
		for _, s := range a.db.installed() {
			if name := s.get("Package"); auto[name] == (verb == "showauto") {
				j.printf("%s\n", name)
			}
		}
		return 0
	case "auto", "manual":
		for _, name := range args[1:] {
			if a.db.get(name) == nil {
				j.errorf("E: Unable to locate package %s", name)
				return exitApt
			}
			auto[name] = verb == "auto"
			j.printf("%s set to %sally installed.\n", name, map[bool]string{true: "automatic", false: "manu"}[verb == "auto"])
		}
	default:
		j.errorf("E: Invalid operation %s", verb)
		return exitApt
	}
	if err := a.saveAutos(auto); err != nil {
		a.lockProblem(aptAuto, err)
		return exitApt
	}
	return 0
}
