package packages

import (
	"crypto/sha256"
	"fmt"
	"path"
	"strings"
)

func hash(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// unpacker is dpkg at work: it puts packages on disk and takes them off.
type unpacker struct {
	*job
	db      *database
	counted bool // the database was "read" and its size told
}

func (a *apt) dpkg() *unpacker { return &unpacker{job: a.job, db: a.db} }

// sayf prints, and keeps it for apt's log.
func (d *unpacker) sayf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	d.transcript += text
	d.printf("%s", text)
}

// logf adds a line to dpkg's log.
func (d *unpacker) logf(format string, args ...any) error {
	return d.log(dpkgLog, 0o644, d.day().Format("2006-01-02 15:04:05 ")+fmt.Sprintf(format, args...)+"\n")
}

// count tells how many files are installed, once.
func (d *unpacker) count() {
	if d.counted {
		return
	}
	d.counted = true
	n := 0
	for _, s := range d.db.installed() {
		n += strings.Count(d.read(dpkgInfo+s.get("Package")+".list"), "\n")
	}
	d.sayf("(Reading database ... %d files and directories currently installed.)\n", n)
}

// unpackAll unpacks packages in their order; from is the archive's name as it
// is shown.
func (d *unpacker) unpackAll(list []*recipe, from func(*recipe) string) error {
	if err := d.logf("startup archives unpack"); err != nil {
		return err
	}
	for _, r := range list {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if err := d.unpack(r, from(r)); err != nil {
			return err
		}
	}
	return d.saveStatus(d.db)
}

func (d *unpacker) unpack(r *recipe, from string) error {
	old := d.db.get(r.name()).get("Version")
	if old == "" {
		d.sayf("Selecting previously unselected package %s.\n", r.name())
	}
	d.count()
	d.sayf("Preparing to unpack %s ...\n", from)
	over := ""
	if old != "" {
		over = fmt.Sprintf(" over (%s)", old)
	}
	d.sayf("Unpacking %s (%s)%s ...\n", r.name(), r.version(), over)
	if old == "" {
		old = "<none>"
	}
	if err := d.logf("install %s:%s %s %s", r.name(), r.get("Architecture"), old, r.version()); err != nil {
		return err
	}
	for _, f := range r.files {
		if err := d.place(f, dpkgSuffix); err != nil {
			return fmt.Errorf("unable to create '%s%s' (while processing '.%s'): %s", f.path, dpkgSuffix, f.path, reason(err))
		}
	}
	if err := d.saveInfo(r); err != nil {
		return err
	}
	d.db.set(r.status())
	return d.logf("status unpacked %s:%s %s", r.name(), r.get("Architecture"), r.version())
}

// status is the package's paragraph in the database.
func (r *recipe) status() stanza {
	s := stanza{{"Package", r.name()}, {"Status", installed}}
	for _, f := range r.stanza {
		if f.key != "Package" && f.key != "Description" {
			s = append(s, f)
		}
	}
	conf := ""
	for _, f := range r.sums(true) {
		conf += "\n " + f.path + " " + f.hash
	}
	if conf != "" {
		s = append(s, field{"Conffiles", conf})
	}
	return append(s, field{"Description", r.get("Description")})
}

// saveInfo writes what dpkg keeps of a package's files.
func (d *unpacker) saveInfo(r *recipe) error {
	list := "/.\n" + strings.Join(r.paths(), "\n") + "\n"
	sums, conf := "", ""
	for _, f := range r.sums(false) {
		sums += f.hash + "  " + f.path[1:] + "\n"
	}
	for _, f := range r.sums(true) {
		conf += f.path + "\n"
	}
	for _, f := range []named{{"list", list}, {"md5sums", sums}, {"conffiles", conf}} {
		if f.text == "" {
			continue
		}
		if err := d.write(dpkgInfo+r.name()+"."+f.name, ".tmp", 0o644, []byte(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// configureAll sets packages up.
func (d *unpacker) configureAll(list []*recipe) error {
	for _, r := range list {
		d.sayf("Setting up %s (%s) ...\n", r.name(), r.version())
		if err := d.addUsers(r.users, "/usr/sbin/nologin"); err != nil {
			return err
		}
		for _, line := range []string{"configure %s:%s %s <none>", "status installed %s:%s %s"} {
			if err := d.logf(line, r.name(), r.get("Architecture"), r.version()); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeAll removes packages, and with purge what they would leave.
func (d *unpacker) removeAll(names []string, purge bool) error {
	d.count()
	for _, name := range names {
		if err := d.removeOne(name); err != nil {
			return err
		}
	}
	for _, name := range names {
		if !purge || d.db.entry(name) == nil {
			continue
		}
		if err := d.purge(name); err != nil {
			return err
		}
	}
	return nil
}

func (d *unpacker) removeOne(name string) error {
	s := d.db.get(name)
	d.sayf("Removing %s (%s) ...\n", name, s.get("Version"))
	if err := d.logf("remove %s:%s %s <none>", name, s.get("Architecture"), s.get("Version")); err != nil {
		return err
	}
	conf := strings.Fields(d.read(dpkgInfo + name + ".conffiles"))
	stays := map[string]bool{}
	for _, file := range conf {
		for at := file; at != "/"; at = path.Dir(at) {
			stays[at] = true
		}
	}
	if err := d.takeOff(name, func(p string) bool { return stays[p] }); err != nil {
		return err
	}
	if err := d.forget(name, len(conf) > 0); err != nil {
		return err
	}
	if len(conf) == 0 {
		d.db.drop(name)
		return d.logf("status not-installed %s:%s <none>", name, s.get("Architecture"))
	}
	d.db.set(s.with("Status", "deinstall ok config-files"))
	return d.logf("status config-files %s:%s %s", name, s.get("Architecture"), s.get("Version"))
}

// takeOff removes a package's files that are not to stay.
func (d *unpacker) takeOff(name string, stay func(string) bool) error {
	others := map[string]bool{}
	for _, s := range d.db.all {
		if other := s.get("Package"); other != name {
			for line := range strings.Lines(d.read(dpkgInfo + other + ".list")) {
				others[strings.TrimSpace(line)] = true
			}
		}
	}
	paths := strings.Split(strings.TrimSpace(d.read(dpkgInfo+name+".list")), "\n")
	full, err := d.remove(paths, func(p string) bool { return others[p] || p == "/." || stay(p) })
	for _, dir := range full {
		d.flush()
		d.errorf("dpkg: warning: while removing %s, directory '%s' not empty so not removed", name, dir)
	}
	return err
}

// forget removes what dpkg keeps of a package's files; of one that leaves its
// configuration, the list of that stays.
func (d *unpacker) forget(name string, configured bool) error {
	for _, kind := range []string{"md5sums", "conffiles", "list"} {
		file := dpkgInfo + name + "." + kind
		if configured && kind != "md5sums" || !d.exists(file) {
			continue
		}
		if err := d.FS.Unlink(file); err != nil {
			return err
		}
	}
	return nil
}

// purge removes the configuration that a removed package has left.
func (d *unpacker) purge(name string) error {
	s := d.db.entry(name)
	d.count()
	d.sayf("Purging configuration files for %s (%s) ...\n", name, s.get("Version"))
	if err := d.logf("purge %s:%s %s <none>", name, s.get("Architecture"), s.get("Version")); err != nil {
		return err
	}
	if err := d.takeOff(name, func(string) bool { return false }); err != nil {
		return err
	}
	if err := d.forget(name, false); err != nil {
		return err
	}
	d.db.drop(name)
	return d.logf("status not-installed %s:%s <none>", name, s.get("Architecture"))
}
