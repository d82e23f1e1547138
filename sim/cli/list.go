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

// row has a value for every column, by the column's name.
type row map[string]sim.Piece

func plainRow(texts map[string]string) row {
	r := row{}
	for name, text := range texts {
		r[name] = sim.Piece{Text: text}
	}
	return r
}

// texts are the values of rows as a template sees them.
func texts(rows []row) (out []map[string]string) {
	for _, r := range rows {
		t := map[string]string{}
		for name, p := range r {
			t[name] = p.Text
		}
		out = append(out, t)
	}
	return out
}

// cells are the values of these columns, row by row.
func cells(columns []string, rows []row) (out [][]sim.Piece) {
	for _, r := range rows {
		var line []sim.Piece
		for _, name := range columns {
			line = append(line, r[name])
		}
		out = append(out, line)
	}
	return out
}

// list prints rows as a table of the columns shown, or as --format says.
func (c *invocation) list(columns []column, shown []string, rows []row) error {
	heads, names := row{}, []string{}
	for _, col := range columns {
		heads[col.name] = sim.Piece{Text: col.head}
		names = append(names, col.name)
	}
	if c.Format == "" || c.Format == "table" {
		c.table(cells(shown, append([]row{heads}, rows...)))
		return nil
	}
	text, err := c.formatted(heads, rows)
	c.view.Lay(text, slices.Concat(cells(names, rows)...)...)
	return err
}

// formatted is what --format makes of rows.
func (c *invocation) formatted(heads row, rows []row) (string, error) {
	format, table := strings.CutPrefix(c.Format, "table ")
	switch {
	case c.Format == "json":
		return asLines(rows)
	case table:
		return formattedTable(format, append([]row{heads}, rows...))
	}
	return execute(format, texts(rows))
}

func asLines(rows []row) (string, error) {
	var b strings.Builder
	for _, t := range texts(rows) {
		text, err := json.Marshal(t)
		if err != nil {
			return "", err
		}
		b.WriteString(string(text) + "\n")
	}
	return b.String(), nil
}

func formattedTable(format string, rows []row) (string, error) {
	text, err := execute(format, texts(rows))
	if err != nil {
		return "", err
	}
	var lines [][]string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return aligned(lines), nil
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
	var rows []row
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

func (c *invocation) psRow(k sim.Container) row {
	var labels, mounts []string
	for key, value := range k.Labels {
		labels = append(labels, key+"="+value)
	}
	for _, m := range k.Mounts {
		mounts = append(mounts, cmp.Or(m.Source, string(m.Type)))
	}
	slices.Sort(labels)
	r := plainRow(map[string]string{
		"ID": c.shortID(k.ID), "Image": k.Image, "Command": c.command(k), "State": string(k.Status), "Ports": "", "Names": k.Name,
		"Labels": strings.Join(labels, ","), "Mounts": strings.Join(mounts, ","), "Networks": cmp.Or(string(k.Network), "none"),
	})
	r["RunningFor"], r["CreatedAt"], r["Status"] = c.ago(k.Created), stamp(k.Created), c.status(k)
	return r
}

func stamp(t time.Time) sim.Piece {
	return sim.Piece{Kind: sim.Clock, Text: t.UTC().Format("2006-01-02 15:04:05 -0700 MST")}
}

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
	var rows []row
	quiet := map[string]bool{}
	for _, img := range all {
		for _, v := range sim.ImageViews(img) {
			name, tag := sim.SplitTag(v.Ref)
			if !c.shown(img, all) || !c.wanted(name, tag) || !fitsImage(img, all, name, tag, filters) {
				continue
			}
			id := c.imageID(img)
			r := plainRow(map[string]string{"Repository": name, "Tag": tag, "Digest": "<none>", "ID": id, "Size": size(img.Size())})
			r["CreatedSince"], r["CreatedAt"] = c.ago(img.CreatedAt()), stamp(img.CreatedAt())
			rows = append(rows, r)
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
	var rows []row
	for _, v := range all {
		if !fits(filters["name"], func(s string) bool { return strings.Contains(v.Name, s) }) ||
			!fits(filters["driver"], func(s string) bool { return s == "local" }) ||
			!fits(filters["dangling"], func(s string) bool { return (s == "true" || s == "1") == !used[v.Name] }) {
			continue
		}
		rows = append(rows, plainRow(map[string]string{"Driver": "local", "Name": v.Name, "Scope": "local"}))
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
func (c *invocation) ago(t time.Time) sim.Piece {
	if t.IsZero() || t.Unix() == 0 {
		return sim.Piece{Text: "N/A"}
	}
	return sim.Piece{Kind: sim.Clock, Text: units.HumanDuration(max(0, c.Now.Sub(t))) + " ago"}
}
