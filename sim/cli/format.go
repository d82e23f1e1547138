package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"twinlayer/sim"
)

// table prints rows in columns.
func (c *invocation) table(rows [][]sim.Piece) {
	var texts [][]string
	for _, row := range rows {
		var cells []string
		for _, p := range row {
			cells = append(cells, p.Text)
		}
		texts = append(texts, cells)
	}
	c.view.Lay(aligned(texts), slices.Concat(rows...)...)
}

// aligned are rows in columns as docker prints them.
func aligned(rows [][]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 10, 1, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	return b.String()
}

// plain are texts as values that every world shows alike.
func plain(texts ...string) (out []sim.Piece) {
	for _, text := range texts {
		out = append(out, sim.Piece{Text: text})
	}
	return out
}

func (c *invocation) shortID(id string) string {
	if c.NoTrunc {
		return id
	}
	return sim.Short(id)
}

func size(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

func (c *invocation) command(k sim.Container) string {
	text := strings.Join(k.Path, " ")
	if !c.NoTrunc && len([]rune(text)) > 20 {
		text = string([]rune(text)[:19]) + "…"
	}
	return `"` + text + `"`
}

func (c *invocation) status(k sim.Container) sim.Piece {
	switch k.Status {
	case sim.Running:
		return sim.Piece{Kind: sim.Clock, Text: "Up " + units.HumanDuration(max(0, c.Now.Sub(k.Started))), Rest: "Up"}
	case sim.Exited:
		exited := fmt.Sprintf("Exited (%d) ", k.Exit)
		p := c.ago(k.Finished)
		p.Text, p.Rest = exited+p.Text, exited
		return p
	}
	return sim.Piece{Text: "Created"}
}

func (c *invocation) history() error {
	img, err := c.engine.Image(c, c.Args[0])
	if err != nil {
		return sim.FromDaemon(err)
	}
	all, err := c.engine.Images(c)
	if err != nil {
		return err
	}
	rows := [][]sim.Piece{plain("IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT")}
	ids := historyIDs(img, all)
	for i, h := range historySizes(img) {
		id := missing
		if i < len(ids) {
			id = c.shortID(ids[i].String())
		}
		by := sim.Piece{Kind: sim.Content, Text: c.createdBy(h.CreatedBy), Rest: sim.WithoutContent(h.CreatedBy)}
		rows = append(rows, append([]sim.Piece{{Text: id}, c.ago(h.when()), by}, plain(size(h.size), h.Comment)...))
	}
	if len(ids) < len(rows)-1 {
		c.view.Hint(sayBuiltElsewhere(missing))
	}
	if !c.Quiet {
		c.table(rows)
		return nil
	}
	for _, row := range rows[1:] {
		c.view.Print("%s\n", row[0].Text)
	}
	return nil
}

// missing is what docker history says of an image that is not here.
const missing = "<missing>"

// historyIDs are the images that the lines of the history stand for, newest
// first, as far as they are here.
func historyIDs(img sim.Image, all []sim.Image) (ids []digest.Digest) {
	for lines := len(img.Config.History); len(ids) < lines; {
		ids = append(ids, img.ID)
		i := slices.IndexFunc(all, func(o sim.Image) bool { return o.ID == img.Parent })
		if i < 0 {
			break
		}
		img = all[i]
	}
	return ids
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
func historySizes(img sim.Image) []layerHistory {
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

func (c *invocation) createdBy(text string) string {
	if runes := []rune(text); !c.NoTrunc && len(runes) > 45 {
		return string(runes[:44]) + "…"
	}
	return text
}

func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
