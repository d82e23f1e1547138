package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/docker/go-units"

	"twinlayer/sim"
)

// column is a column of a list: its head, and its name in --format.
type column struct{ head, name string }

// list prints rows, each a value for every column: as a table of the columns
// shown, or as --format says.
func (c *invocation) list(columns []column, shown []string, rows []map[string]string) error {
	heads := map[string]string{}
	for _, col := range columns {
		heads[col.name] = col.head
	}
	format, table := strings.CutPrefix(c.Format, "table ")
	switch {
	case c.Format == "json":
		return c.asLines(rows)
	case c.Format == "" || c.Format == "table":
		return c.columns(heads, shown, rows)
	case table:
		return c.formattedTable(format, heads, rows)
	}
	text, err := execute(format, rows)
	c.view.Print("%s", text)
	return err
}

func (c *invocation) columns(heads map[string]string, shown []string, rows []map[string]string) error {
	var out [][]string
	for _, row := range append([]map[string]string{heads}, rows...) {
		var cells []string
		for _, name := range shown {
			cells = append(cells, row[name])
		}
		out = append(out, cells)
	}
	c.table(out)
	return nil
}

func (c *invocation) asLines(rows []map[string]string) error {
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		c.view.Print("%s\n", text)
	}
	return nil
}

func (c *invocation) formattedTable(format string, heads map[string]string, rows []map[string]string) error {
	text, err := execute(strings.ReplaceAll(format, `\t`, "\t"), append([]map[string]string{heads}, rows...))
	if err != nil {
		return err
	}
	var cells [][]string
	for line := range strings.Lines(text) {
		cells = append(cells, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	c.table(cells)
	return nil
}

// execute applies a template to each row, a line each.
func execute[T any](format string, rows []T) (string, error) {
	tmpl, err := template.New("").Option("missingkey=error").Funcs(templateFuncs).Parse(strings.ReplaceAll(format, `\t`, "\t"))
	if err != nil {
		return "", sim.Refuse("template parsing error: %v", err)
	}
	var b strings.Builder
	for _, row := range rows {
		if err := tmpl.Execute(&b, row); err != nil {
			return "", sim.Refuse("template: %v", err)
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

var templateFuncs = template.FuncMap{
	"json": asJSON, "join": strings.Join, "lower": strings.ToLower, "upper": strings.ToUpper, "split": strings.Split,
	"println": fmt.Sprintln, "truncate": func(s string, n int) string { return s[:min(max(n, 0), len(s))] },
}

// filters are what --filter asks for, by key.
func (c *invocation) filters(known ...string) (map[string][]string, error) {
	out := map[string][]string{}
	for _, f := range c.Filters {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			return nil, &sim.Refusal{Exit: 125, Text: fmt.Sprintf("invalid argument %q for \"-f, --filter\" flag: invalid argument %q: bad format of filter (expected name=value)", f, f)}
		}
		if !slices.Contains(known, key) {
			return nil, sim.FromDaemon(sim.Refuse("invalid filter '%s'", key))
		}
		out[key] = append(out[key], value)
	}
	return out, nil
}

// any says whether one of a filter's values fits, or it was not given.
func fits(values []string, fit func(string) bool) bool {
	return len(values) == 0 || slices.ContainsFunc(values, fit)
}

var psColumns = []column{
	{"CONTAINER ID", "ID"}, {"IMAGE", "Image"}, {"COMMAND", "Command"}, {"CREATED", "RunningFor"}, {"CREATED AT", "CreatedAt"},
	{"STATUS", "Status"}, {"STATE", "State"}, {"PORTS", "Ports"}, {"NAMES", "Names"}, {"LABELS", "Labels"}, {"MOUNTS", "Mounts"}, {"NETWORKS", "Networks"},
}

func (c *invocation) ps() error {
	all, err := c.engine.Containers(c)
	if err != nil {
		return err
	}
	filters, err := c.filters("name", "status", "ancestor", "id", "label", "exited")
	if err != nil {
		return err
	}
	images, err := c.engine.Images(c)
	if err != nil {
		return err
	}
	var rows []map[string]string
	for i, k := range all {
		if !c.listed(i, k, filters) || !fitsContainer(k, images, filters) {
			continue
		}
		if c.Quiet {
			c.view.Print("%s\n", c.shortID(k.ID))
			continue
		}
		rows = append(rows, c.psRow(k))
	}
	if c.Quiet {
		return nil
	}
	return c.list(psColumns, []string{"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"}, rows)
}

// listed says whether the i-th container from the newest is to be shown.
func (c *invocation) listed(i int, k sim.Container, filters map[string][]string) bool {
	switch {
	case c.Latest:
		return i == 0
	case c.Last >= 0:
		return i < c.Last
	}
	return c.All || k.Status == sim.Running || len(filters["status"]) > 0 || len(filters["exited"]) > 0
}

func fitsContainer(k sim.Container, images []sim.Image, f map[string][]string) bool {
	return fits(f["name"], func(v string) bool { return strings.Contains(k.Name, strings.Trim(v, "^$/")) }) &&
		fits(f["status"], func(v string) bool { return v == string(k.Status) }) &&
		fits(f["id"], func(v string) bool { return strings.HasPrefix(k.ID, v) }) &&
		fits(f["exited"], func(v string) bool { return k.Status == sim.Exited && v == strconv.Itoa(k.Exit) }) &&
		fits(f["label"], func(v string) bool { return labelled(k.Labels, v) }) &&
		fits(f["ancestor"], func(v string) bool { return descends(k, images, v) })
}

func labelled(labels map[string]string, want string) bool {
	key, value, exact := strings.Cut(want, "=")
	have, ok := labels[key]
	return ok && (!exact || have == value)
}

// descends says whether a container is of the image ref or of one built on it.
func descends(k sim.Container, images []sim.Image, ref string) bool {
	base, err := sim.FindImage(images, ref)
	if err != nil {
		return false
	}
	if k.ImageID == base.ID {
		return true
	}
	i := slices.IndexFunc(images, func(img sim.Image) bool { return img.ID == k.ImageID })
	return i >= 0 && len(images[i].Layers) >= len(base.Layers) && slices.Equal(images[i].Layers[:len(base.Layers)], base.Layers)
}

func (c *invocation) psRow(k sim.Container) map[string]string {
	var labels, mounts []string
	for key, value := range k.Labels {
		labels = append(labels, key+"="+value)
	}
	for _, m := range k.Mounts {
		mounts = append(mounts, cmp.Or(m.Source, string(m.Type)))
	}
	slices.Sort(labels)
	return map[string]string{
		"ID": c.shortID(k.ID), "Image": k.Image, "Command": c.command(k), "RunningFor": c.ago(k.Created), "CreatedAt": stamp(k.Created),
		"Status": c.status(k), "State": string(k.Status), "Ports": "", "Names": k.Name, "Labels": strings.Join(labels, ","),
		"Mounts": strings.Join(mounts, ","), "Networks": cmp.Or(string(k.Network), "none"),
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 -0700 MST") }

var imageColumns = []column{
	{"REPOSITORY", "Repository"}, {"TAG", "Tag"}, {"DIGEST", "Digest"}, {"IMAGE ID", "ID"}, {"CREATED", "CreatedSince"},
	{"CREATED AT", "CreatedAt"}, {"SIZE", "Size"},
}

func (c *invocation) listImages() error {
	all, err := c.engine.Images(c)
	if err != nil {
		return err
	}
	filters, err := c.filters("dangling", "reference", "label", "before", "since")
	if err != nil {
		return err
	}
	var rows []map[string]string
	quiet := map[string]bool{}
	for _, img := range all {
		for _, v := range sim.ImageViews(img) {
			name, tag := sim.SplitTag(v.Ref)
			if !c.shown(img, all) || !c.wanted(name, tag) || !fitsImage(img, all, name, tag, filters) {
				continue
			}
			id := c.imageID(img)
			rows = append(rows, map[string]string{
				"Repository": name, "Tag": tag, "Digest": "<none>", "ID": id, "CreatedSince": c.ago(img.CreatedAt()), "CreatedAt": stamp(img.CreatedAt()),
				"Size": size(img.Size()),
			})
			if c.Quiet && !quiet[id] {
				c.view.Print("%s\n", id)
			}
			quiet[id] = true
		}
	}
	if c.Quiet {
		return nil
	}
	shown := []string{"Repository", "Tag", "ID", "CreatedSince", "Size"}
	if c.Digests {
		shown = slices.Insert(shown, 2, "Digest")
	}
	return c.list(imageColumns, shown, rows)
}

func (c *invocation) imageID(img sim.Image) string { return c.shortID(img.ID.String()) }

// shown says whether docker images lists img: untagged ones that others stand
// on only with -a.
func (c *invocation) shown(img sim.Image, all []sim.Image) bool {
	return c.All || len(img.Tags) > 0 || !hasChild(img, all)
}

func hasChild(img sim.Image, all []sim.Image) bool {
	return slices.ContainsFunc(all, func(o sim.Image) bool { return o.Parent == img.ID })
}

// wanted says whether docker images was asked for this repository and tag.
func (c *invocation) wanted(name, tag string) bool {
	if len(c.Args) == 0 {
		return true
	}
	want, wantTag := c.Args[0], ""
	if i := strings.LastIndex(want, ":"); i > strings.LastIndex(want, "/") {
		want, wantTag = want[:i], want[i+1:]
	}
	return matches(want, name) && (wantTag == "" || matches(wantTag, tag))
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == name || ok && err == nil
}

func fitsImage(img sim.Image, all []sim.Image, name, tag string, f map[string][]string) bool {
	return fits(f["dangling"], func(v string) bool {
		return (len(img.Tags) == 0 && !hasChild(img, all)) == (v == "true" || v == "1")
	}) &&
		fits(f["reference"], func(v string) bool { return matches(v, name) || matches(v, name+":"+tag) }) &&
		fits(f["label"], func(v string) bool { return labelled(img.Config.Config.Labels, v) }) &&
		fits(f["before"], func(v string) bool { return older(img, all, v) }) &&
		fits(f["since"], func(v string) bool { return younger(img, all, v) })
}

func older(img sim.Image, all []sim.Image, ref string) bool {
	than, err := sim.FindImage(all, ref)
	return err == nil && img.CreatedAt().Before(than.CreatedAt())
}

func younger(img sim.Image, all []sim.Image, ref string) bool {
	than, err := sim.FindImage(all, ref)
	return err == nil && img.CreatedAt().After(than.CreatedAt())
}

func (c *invocation) volumeList() error {
	all, err := c.engine.Volumes(c)
	if err != nil {
		return err
	}
	filters, err := c.filters("name", "dangling", "driver")
	if err != nil {
		return err
	}
	used, err := c.usedVolumes()
	if err != nil {
		return err
	}
	var rows []map[string]string
	for _, v := range all {
		if !fits(filters["name"], func(s string) bool { return strings.Contains(v.Name, s) }) ||
			!fits(filters["driver"], func(s string) bool { return s == "local" }) ||
			!fits(filters["dangling"], func(s string) bool { return (s == "true" || s == "1") == !used[v.Name] }) {
			continue
		}
		rows = append(rows, map[string]string{"Driver": "local", "Name": v.Name, "Scope": "local"})
		if c.Quiet {
			c.view.Print("%s\n", v.Name)
		}
	}
	if c.Quiet {
		return nil
	}
	return c.list([]column{{"DRIVER", "Driver"}, {"VOLUME NAME", "Name"}, {"SCOPE", "Scope"}}, []string{"Driver", "Name"}, rows)
}

// usedVolumes are the volumes that containers have.
func (c *invocation) usedVolumes() (map[string]bool, error) {
	all, err := c.engine.Containers(c)
	used := map[string]bool{}
	for _, k := range all {
		for _, m := range k.Mounts {
			used[m.Source] = used[m.Source] || m.Type == sim.InStore
		}
	}
	return used, err
}

// ago tells how long ago t is, as docker does.
func (c *invocation) ago(t time.Time) string {
	if t.IsZero() || t.Unix() == 0 {
		return "N/A"
	}
	return units.HumanDuration(max(0, c.Now.Sub(t))) + " ago"
}
