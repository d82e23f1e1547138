package packages

import (
	"path"
	"slices"
	"strings"
)

// database is the packages that are installed, as a file of paragraphs in the
// order of their names: /var/lib/dpkg/status, or /var/lib/rpm/Packages.
type database struct {
	file string
	all  []stanza
}

func (j *job) database(file string) *database {
	return &database{file, parse(j.read(file))}
}

const installed = "install ok installed"

// get is an installed package; nil where there is none.
func (d *database) get(name string) stanza {
	if s := d.entry(name); s.get("Status") == installed {
		return s
	}
	return nil
}

// entry is what is known of a package: also of one that was removed and has
// left its configuration.
func (d *database) entry(name string) stanza {
	if i, ok := d.find(name); ok {
		return d.all[i]
	}
	return nil
}

func (d *database) find(name string) (int, bool) {
	return slices.BinarySearchFunc(d.all, name, func(s stanza, name string) int { return strings.Compare(s.get("Package"), name) })
}

func (d *database) set(s stanza) {
	i, ok := d.find(s.get("Package"))
	if ok {
		d.all[i] = s
		return
	}
	d.all = slices.Insert(d.all, i, s)
}

func (d *database) drop(name string) {
	if i, ok := d.find(name); ok {
		d.all = slices.Delete(d.all, i, i+1)
	}
}

// installed are all packages that are.
func (d *database) installed() (out []stanza) {
	for _, s := range d.all {
		if s.get("Status") == installed {
			out = append(out, s)
		}
	}
	return out
}

// needing are the installed packages that cannot be without one of names, and
// these themselves where installed, sorted.
func (d *database) needing(names []string) []string {
	gone := map[string]bool{}
	for _, name := range names {
		gone[name] = d.get(name) != nil
	}
	for changed := true; changed; {
		changed = false
		for _, s := range d.installed() {
			if gone[s.get("Package")] || !slices.ContainsFunc(s.list("Depends"), func(n string) bool { return gone[n] }) {
				continue
			}
			gone[s.get("Package")], changed = true, true
		}
	}
	return sortedTrue(gone)
}

func sortedTrue(set map[string]bool) (out []string) {
	for name, in := range set {
		if in {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// saveStatus writes dpkg's database as dpkg does: the old one stays as
// status-old.
func (j *job) saveStatus(d *database) error {
	old := d.file + "-old"
	if j.exists(d.file) {
		if j.exists(old) {
			if err := j.FS.Unlink(old); err != nil {
				return err
			}
		}
		if err := j.FS.Link(d.file, old); err != nil {
			return err
		}
	}
	return j.write(d.file, "-new", 0o644, []byte(format(d.all)))
}

// closure is names and what they need and lack, each after what it needs.
func closure(names []string, depends func(string) ([]string, bool), have func(string) bool) (order []string) {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if seen[name] || have(name) {
			return
		}
		seen[name] = true
		needs, ok := depends(name)
		if !ok {
			return
		}
		for _, need := range needs {
			visit(need)
		}
		order = append(order, name)
	}
	for _, name := range names {
		visit(name)
	}
	return order
}

// matches says whether a shell pattern fits a name.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}
