package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/docker/go-units"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// table prints rows in columns as docker does.
func (c *call) table(rows [][]string) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 10, 1, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	c.view.Stdout += b.String()
}

func (c *call) shortID(id string) string {
	if c.NoTrunc {
		return id
	}
	return Short(id)
}

func (c *call) ago(t time.Time) string {
	if t.IsZero() || t.Unix() == 0 {
		return "N/A"
	}
	return units.HumanDuration(max(0, c.Now.Sub(t))) + " ago"
}

func size(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

func (c *call) ps() error {
	all, err := c.engine.Containers(c)
	if err != nil {
		return err
	}
	rows := [][]string{{"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"}}
	for _, k := range all {
		switch {
		case k.Status != Running && !c.All:
		case c.Quiet:
			c.print("%s\n", c.shortID(k.ID))
		default:
			rows = append(rows, []string{c.shortID(k.ID), k.Image, c.command(k), c.ago(k.Created), c.status(k), "", k.Name})
		}
	}
	if !c.Quiet {
		c.table(rows)
	}
	return nil
}

func (c *call) command(k Container) string {
	text := strings.Join(k.Path, " ")
	if !c.NoTrunc && len([]rune(text)) > 20 {
		text = string([]rune(text)[:19]) + "…"
	}
	return `"` + text + `"`
}

func (c *call) status(k Container) string {
	switch k.Status {
	case Running:
		return "Up " + units.HumanDuration(max(0, c.Now.Sub(k.Started)))
	case Exited:
		return fmt.Sprintf("Exited (%d) %s", k.Exit, c.ago(k.Finished))
	}
	return "Created"
}

func created(img Image) time.Time {
	if img.Config.Created == nil {
		return time.Time{}
	}
	return *img.Config.Created
}

func (c *call) images() error {
	all, err := c.engine.Images(c)
	if err != nil {
		return err
	}
	rows := [][]string{{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"}}
	for _, img := range all {
		for _, v := range imageViews(img) {
			name, tag := splitTag(v.Ref)
			if !c.wanted(name, tag) {
				continue
			}
			rows = append(rows, []string{name, tag, c.shortID(img.ID.String()), c.ago(created(img)), size(img.Size())})
		}
	}
	if !c.Quiet {
		c.table(rows)
		return nil
	}
	for _, row := range rows[1:] {
		c.print("%s\n", row[2])
	}
	return nil
}

// wanted says whether docker images was asked for this repository and tag.
func (c *call) wanted(name, tag string) bool {
	return len(c.Args) == 0 || c.Args[0] == name || c.Args[0] == name+":"+tag
}

func splitTag(ref string) (name, tag string) {
	i := strings.LastIndex(ref, ":")
	return ref[:i], ref[i+1:]
}

func (c *call) history() error {
	img, err := c.engine.Image(c, c.Args[0])
	if err != nil {
		return daemon(err)
	}
	rows := [][]string{{"IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"}}
	id := c.shortID(img.ID.String())
	for _, h := range historySizes(img) {
		rows = append(rows, []string{id, c.ago(h.when()), c.createdBy(h.CreatedBy), size(h.size), h.Comment})
		id = "<missing>"
	}
	if !c.Quiet {
		c.table(rows)
		return nil
	}
	for _, row := range rows[1:] {
		c.print("%s\n", row[0])
	}
	return nil
}

// layerHistory is one line of an image's history with its layer's size.
type layerHistory struct {
	ocispec.History
	size int64
}

func (h layerHistory) when() time.Time {
	if h.Created == nil {
		return time.Time{}
	}
	return *h.Created
}

// historySizes is the history, newest first. A layer belongs to each line that
// is not marked as empty (image-spec, config.md, "history").
func historySizes(img Image) []layerHistory {
	out := make([]layerHistory, len(img.Config.History))
	next := 0
	for i, h := range img.Config.History {
		at := len(out) - 1 - i
		out[at].History = h
		if !h.EmptyLayer && next < len(img.Sizes) {
			out[at].size = img.Sizes[next]
			next++
		}
	}
	return out
}

func (c *call) createdBy(text string) string {
	if runes := []rune(text); !c.NoTrunc && len(runes) > 45 {
		return string(runes[:44]) + "…"
	}
	return text
}

func (c *call) inspect() error {
	found := []map[string]any{}
	err := c.each(func(arg string) error {
		facts, err := c.facts(arg)
		if err == nil {
			found = append(found, facts)
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.Format != "" {
		return c.formatted(found)
	}
	text, err := json.MarshalIndent(found, "", "    ")
	c.print("%s\n", text)
	return err
}

func (c *call) formatted(found []map[string]any) error {
	tmpl, err := template.New("").Funcs(template.FuncMap{"json": asJSON, "join": strings.Join}).Parse(c.Format)
	if err != nil {
		return Refuse("template parsing error: %v", err)
	}
	for _, facts := range found {
		var b strings.Builder
		if err := tmpl.Execute(&b, facts); err != nil {
			return Refuse("template: %v", err)
		}
		c.print("%s\n", b.String())
	}
	return nil
}

func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// facts are what docker inspect tells of a container or an image.
func (c *call) facts(key string) (map[string]any, error) {
	k, err := c.find(key)
	if err == nil {
		c.view.Container = k.ID
		return containerFacts(k), nil
	}
	img, imgErr := c.engine.Image(c, key)
	if imgErr == nil {
		return imageFacts(img), nil
	}
	return nil, Refuse("No such object: %s", key)
}

func containerFacts(k Container) map[string]any {
	path := append(k.Path, "")
	return map[string]any{
		"Id": k.ID, "Created": k.Created.UTC().Format(time.RFC3339Nano), "Path": path[0], "Args": k.Path[min(1, len(k.Path)):],
		"State": map[string]any{
			"Status": k.Status, "Running": k.Status == Running, "ExitCode": k.Exit,
			"StartedAt": k.Started.UTC().Format(time.RFC3339Nano), "FinishedAt": k.Finished.UTC().Format(time.RFC3339Nano),
		},
		"Image": k.ImageID, "Name": "/" + k.Name,
		"HostConfig": map[string]any{"AutoRemove": k.AutoRemove},
		"Config": map[string]any{
			"Hostname": k.Host(), "User": k.User, "Tty": k.TTY, "OpenStdin": k.Interactive, "Env": k.Env,
			"Cmd": k.Args, "Image": k.Image, "WorkingDir": k.Dir, "Entrypoint": k.Entrypoint,
		},
	}
}

func imageFacts(img Image) map[string]any {
	return map[string]any{
		"Id": img.ID, "RepoTags": img.Tags, "Created": created(img).UTC().Format(time.RFC3339Nano),
		"Architecture": img.Config.Architecture, "Os": img.Config.OS, "Size": img.Size(), "Config": img.Config.Config,
		"RootFS": map[string]any{"Type": "layers", "Layers": img.Layers},
	}
}
