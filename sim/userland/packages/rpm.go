package packages

import (
	"path"
	"slices"
	"strings"
)

// installOne puts a package on disk, as rpm does, and into the database.
func (y *yumRun) installOne(r *recipe) error {
	if err := y.ctx.Err(); err != nil {
		return err
	}
	if err := y.addUsers(r.users, "/sbin/nologin"); err != nil {
		return err
	}
	for _, f := range r.files {
		if err := y.place(f, rpmSuffix); err != nil {
			return err
		}
	}
	y.db.set(r.installedRPM())
	return y.note("Installed: " + nevra(r.stanza))
}

// installedRPM is the package's paragraph in the database: with its files and
// their MD5 sums.
func (r *recipe) installedRPM() stanza {
	files, conf := "", map[string]string{}
	for _, conffiles := range []bool{false, true} {
		for _, f := range r.sums(conffiles) {
			conf[f.path] = " " + f.hash
		}
	}
	for _, f := range r.files {
		files += "\n " + f.path + conf[f.path]
		if f.conf {
			files += " config"
		}
	}
	return append(stanza{{"Package", r.name()}, {"Status", installed}}, append(r.stanza[1:len(r.stanza):len(r.stanza)], field{"Files", files})...)
}

// packageFiles are the files of an installed package.
func packageFiles(s stanza) (names []string, conf map[string]string) {
	conf = map[string]string{}
	for line := range strings.Lines(s.get("Files")) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		names = append(names, words[0])
		if len(words) == 3 {
			conf[words[0]] = words[1]
		}
	}
	return names, conf
}

// eraseOne takes a package off the disk. A configuration file that the
// administrator has changed stays as .rpmsave.
func (y *yumRun) eraseOne(s stanza) error {
	names, conf := packageFiles(s)
	for _, name := range sorted(names) {
		if sum, ok := conf[name]; ok && y.exists(name) && md5Of(y.read(name)) != sum {
			y.errorf("warning: %s saved as %s.rpmsave", name, name)
			if err := y.FS.Rename(name, name+".rpmsave"); err != nil {
				return err
			}
		}
	}
	others := y.othersNeed(s.get("Package"))
	if _, err := y.job.remove(withParents(names), func(p string) bool { return others[p] }); err != nil {
		return err
	}
	y.db.drop(s.get("Package"))
	return y.note("Erased: " + nevra(s))
}

// withParents are paths and the directories above them, sorted.
func withParents(names []string) []string {
	set := map[string]bool{}
	for _, name := range names {
		for at := name; at != "/"; at = path.Dir(at) {
			set[at] = true
		}
	}
	return sortedTrue(set)
}

// othersNeed are the paths of all other packages, with the directories above.
func (y *yumRun) othersNeed(name string) map[string]bool {
	need := map[string]bool{}
	for _, s := range y.db.installed() {
		if s.get("Package") == name {
			continue
		}
		names, _ := packageFiles(s)
		for _, file := range names {
			for at := file; at != "/" && !need[at]; at = path.Dir(at) {
				need[at] = true
			}
		}
	}
	return need
}

func (y *yumRun) saveRPM() error {
	return y.write(rpmPackages, ".tmp", 0o644, []byte(format(y.db.all)))
}

// note adds to yum's log.
func (y *yumRun) note(text string) error {
	return y.log(yumLog, 0o600, y.day().Format("Jan 02 15:04:05 ")+text+"\n")
}

// rpm answers questions about the database, and erases.
func rpm(j *job, args []string) int {
	var flags string
	var names []string
	for _, arg := range args {
		switch {
		case arg == "--version":
			j.printf("RPM version 4.11.3\n")
			return 0
		case arg == "--erase":
			flags += "e"
		case arg == "--query":
			flags += "q"
		case arg == "--all":
			flags += "a"
		case strings.HasPrefix(arg, "--"):
		case strings.HasPrefix(arg, "-"):
			flags += arg[1:]
		default:
			names = append(names, arg)
		}
	}
	y := &yumRun{job: j, db: j.database(rpmPackages)}
	switch {
	case strings.Contains(flags, "q"):
		return y.query(flags, names)
	case strings.Contains(flags, "e"):
		return y.erase(names)
	}
	j.errorf("rpm: twinlayer's rpm has -q and -e; yum installs packages")
	return 1
}

// query is rpm -q with a (all), l (files), i (information), f (whose file).
func (y *yumRun) query(flags string, names []string) int {
	if strings.Contains(flags, "a") {
		for _, s := range y.db.installed() {
			if len(names) == 0 || slices.ContainsFunc(names, func(p string) bool { return matches(p, s.get("Package")) }) {
				y.tell(flags, s)
			}
		}
		return 0
	}
	status := 0
	for _, name := range names {
		if strings.Contains(flags, "f") {
			status = max(status, y.owner(flags, name))
			continue
		}
		s := y.db.get(name)
		for _, other := range y.db.installed() {
			if s == nil && slices.Contains([]string{nvra(other), strings.TrimSuffix(nvra(other), "."+other.get("Architecture"))}, name) {
				s = other
			}
		}
		if s == nil {
			y.printf("package %s is not installed\n", name)
			status = 1
			continue
		}
		y.tell(flags, s)
	}
	return status
}

func (y *yumRun) tell(flags string, s stanza) {
	names, conf := packageFiles(s)
	switch {
	case strings.Contains(flags, "i"):
		y.describe(s, "installed")
	case strings.ContainsAny(flags, "lc"):
		for _, name := range sorted(names) {
			if _, ok := conf[name]; ok || !strings.Contains(flags, "c") {
				y.printf("%s\n", name)
			}
		}
	default:
		y.printf("%s\n", nvra(s))
	}
}

// owner tells whose a file is.
func (y *yumRun) owner(flags, name string) int {
	file := name
	if !path.IsAbs(file) {
		file = path.Join(y.Dir, file)
	}
	if !y.exists(file) {
		y.errorf("error: file %s: No such file or directory", file)
		return 1
	}
	for _, s := range y.db.installed() {
		if names, _ := packageFiles(s); slices.Contains(names, file) || slices.Contains(names, y.merged(file)) {
			y.tell(strings.ReplaceAll(flags, "f", ""), s)
			return 0
		}
	}
	y.printf("file %s is not owned by any package\n", name)
	return 1
}

// merged is the place below /usr of a file whose directory is a link there.
func (y *yumRun) merged(file string) string {
	for _, dir := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(file, dir) {
			return "/usr" + file
		}
	}
	return file
}

// erase is rpm -e.
func (y *yumRun) erase(names []string) int {
	if y.UID != 0 {
		y.errorf("error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Permission denied)")
		return 1
	}
	for _, name := range names {
		s := y.db.get(name)
		if s == nil {
			y.errorf("error: package %s is not installed", name)
			return 1
		}
		needing := slices.DeleteFunc(y.db.needing([]string{name}), func(n string) bool { return slices.Contains(names, n) })
		if len(needing) > 0 {
			y.errorf("error: Failed dependencies:\n\t%s is needed by (installed) %s", name, nvra(y.db.get(needing[0])))
			return 1
		}
	}
	for _, name := range names {
		if err := y.eraseOne(y.db.get(name)); err != nil {
			return y.broken(err)
		}
	}
	if err := y.saveRPM(); err != nil {
		return y.broken(err)
	}
	return 0
}
