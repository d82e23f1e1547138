package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"

	"twinlayer/sim"
)

// asked refuses what docker asks back about, unless -f answers it.
func (c *invocation) asked(warning string) error {
	if c.Force {
		return nil
	}
	return sim.Refuse("WARNING! This will remove %s.\nNothing was removed: twinlayer does not ask back; type the command again with -f", warning)
}

func (c *invocation) volumeCreate() error {
	name := sim.AnonymousVolume(c.ID, "/")
	if len(c.Args) == 1 {
		name = c.Args[0]
	}
	if err := c.engine.CreateVolume(c, sim.Volume{Name: name, Anonymous: len(c.Args) == 0, Created: c.Now}); err != nil {
		return sim.FromDaemon(err)
	}
	c.view.Print("%s\n", name)
	return nil
}

func (c *invocation) volumeRemove() error {
	return c.each(func(arg string) error {
		err := c.engine.RemoveVolume(c, arg)
		if err == nil || c.Force && err.Error() == sim.NoSuchVolume(arg).Text {
			c.view.Print("%s\n", arg)
			return nil
		}
		return err
	})
}

func (c *invocation) volumeInspect() error {
	c.Type = "volume"
	return c.inspect()
}

func (c *invocation) volume(name string) (sim.Volume, bool, error) {
	all, err := c.engine.Volumes(c)
	i := slices.IndexFunc(all, func(v sim.Volume) bool { return v.Name == name })
	if err != nil || i < 0 {
		return sim.Volume{}, false, err
	}
	return all[i], true, nil
}

// reclaimed are the bytes that a prune has freed.
func (c *invocation) reclaimed(n int64) { c.view.Print("Total reclaimed space: %s\n", size(n)) }

func (c *invocation) volumePrune() error {
	if err := c.asked("anonymous local volumes not used by at least one container"); err != nil {
		return err
	}
	if err := c.pruneVolumes(); err != nil {
		return err
	}
	c.reclaimed(0)
	return nil
}

func (c *invocation) pruneVolumes() error {
	all, err := c.engine.Volumes(c)
	if err != nil {
		return err
	}
	used, err := c.usedVolumes()
	if err != nil {
		return err
	}
	text := ""
	for _, v := range all {
		if used[v.Name] || !v.Anonymous && !c.All {
			continue
		}
		switch err := c.engine.RemoveVolume(c, v.Name); {
		case err == nil:
			text += v.Name + "\n"
		case c.settleQuietly(err) != nil: // one that another session uses stays
			return err
		}
	}
	c.group("Deleted Volumes:", text)
	return nil
}

// group prints what was deleted, with a head, if anything was.
func (c *invocation) group(head, text string) {
	if text != "" {
		c.view.Print("%s\n%s\n", head, text)
	}
}

func (c *invocation) containerPrune() error {
	if err := c.asked("all stopped containers"); err != nil {
		return err
	}
	n, err := c.pruneContainers()
	if err == nil {
		c.reclaimed(n)
	}
	return err
}

func (c *invocation) pruneContainers() (freed int64, err error) {
	all, err := c.engine.Containers(c)
	if err != nil {
		return 0, err
	}
	text := ""
	for _, k := range all {
		if k.Status == sim.Running {
			continue
		}
		n, err := c.layerSize(k)
		if err != nil {
			return freed, err
		}
		if err := c.engine.RemoveContainer(c, k.ID, sim.RemoveOptions{}); err != nil {
			return freed, sim.FromDaemon(err)
		}
		freed += n
		text += k.ID + "\n"
	}
	c.group("Deleted Containers:", text)
	return freed, nil
}

func (c *invocation) layerSize(k sim.Container) (int64, error) {
	layer, err := c.engine.Layer(c, k.ID)
	if err != nil {
		return 0, err
	}
	return layer.Bytes(), nil
}

func (c *invocation) imagePrune() error {
	what := "all dangling images"
	if c.All {
		what = "all images without at least one container associated to them"
	}
	if err := c.asked(what); err != nil {
		return err
	}
	n, err := c.pruneImages()
	if err == nil {
		c.reclaimed(n)
	}
	return err
}

func (c *invocation) pruneImages() (freed int64, err error) {
	before, err := c.engine.Images(c)
	if err != nil {
		return 0, err
	}
	containers, err := c.engine.Containers(c)
	if err != nil {
		return 0, err
	}
	text := ""
	for _, img := range before {
		if len(sim.Users(containers, img)) > 0 || len(img.Tags) > 0 && !c.All || hasChild(img, before) && len(img.Tags) == 0 {
			continue
		}
		lines, err := c.pruneImage(img)
		if err != nil {
			return 0, err
		}
		text += lines
	}
	c.group("Deleted Images:", text)
	after, err := c.engine.Images(c)
	return layerBytes(before) - layerBytes(after), err
}

// pruneImage removes an image with all its tags. One that others need stays.
func (c *invocation) pruneImage(img sim.Image) (text string, err error) {
	refs := img.Tags
	if len(refs) == 0 {
		refs = []string{img.ID.String()}
	}
	for _, ref := range refs {
		r, err := c.engine.RemoveImage(c, ref, false)
		if err != nil {
			return text, c.settleQuietly(err)
		}
		for _, ref := range r.Untagged {
			text += "untagged: " + ref + "\n"
		}
		for _, id := range r.Deleted {
			text += "deleted: " + id.String() + "\n"
		}
	}
	return text, nil
}

// settleQuietly passes over what docker passes over: a refusal.
func (c *invocation) settleQuietly(err error) error {
	if _, ok := err.(*sim.Refusal); ok {
		return nil
	}
	return err
}

// layerBytes are the bytes of all layers of images, each counted once.
func layerBytes(all []sim.Image) (n int64) {
	for _, size := range layerSizes(all) {
		n += size
	}
	return n
}

func layerSizes(all []sim.Image) map[digest.Digest]int64 {
	out := map[digest.Digest]int64{}
	for _, img := range all {
		for i, chain := range sim.Chains(img) {
			if i < len(img.Sizes) {
				out[chain] = img.Sizes[i]
			}
		}
	}
	return out
}

func (c *invocation) systemPrune() error {
	what := "all stopped containers, all dangling images"
	if c.All {
		what = "all stopped containers, all images without at least one container"
	}
	if c.WithVolumes {
		what += ", all anonymous volumes not used by at least one container"
	}
	if err := c.asked(what); err != nil {
		return err
	}
	freed, err := c.pruneContainers()
	if err != nil {
		return err
	}
	if c.WithVolumes {
		all := c.All
		c.All = false
		if err := c.pruneVolumes(); err != nil {
			return err
		}
		c.All = all
	}
	n, err := c.pruneImages()
	if err == nil {
		c.reclaimed(freed + n)
	}
	return err
}

// usage is what docker system df counts.
type usage struct {
	images     []sim.Image
	containers []sim.Container
	volumes    []sim.Volume
	used       map[string]bool // volumes
	layers     map[string]int64
}

func (c *invocation) usage() (u usage, err error) {
	if u.images, err = c.engine.Images(c); err != nil {
		return u, err
	}
	if u.containers, err = c.engine.Containers(c); err != nil {
		return u, err
	}
	if u.volumes, err = c.engine.Volumes(c); err != nil {
		return u, err
	}
	u.layers = map[string]int64{}
	for _, k := range u.containers {
		if u.layers[k.ID], err = c.layerSize(k); err != nil {
			return u, err
		}
	}
	u.used, err = c.usedVolumes()
	return u, err
}

func (c *invocation) diskUsage() error {
	u, err := c.usage()
	if err != nil {
		return err
	}
	if c.Verbose {
		return c.diskDetails(u)
	}
	c.table([][]sim.Piece{plain("TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"), plain(u.imageRow()...), plain(u.containerRow()...), plain(u.volumeRow()...),
		plain("Build Cache", "0", "0", "0B", "0B")})
	return nil
}

func (u usage) imageRow() []string {
	var active []sim.Image
	for _, img := range u.images {
		if len(sim.Users(u.containers, img)) > 0 {
			active = append(active, img)
		}
	}
	total := layerBytes(u.images)
	return []string{"Images", strconv.Itoa(len(u.images)), strconv.Itoa(len(active)), size(total), percent(total-layerBytes(active), total)}
}

func (u usage) containerRow() []string {
	running, total, free := 0, int64(0), int64(0)
	for _, k := range u.containers {
		total += u.layers[k.ID]
		if k.Status == sim.Running {
			running++
		} else {
			free += u.layers[k.ID]
		}
	}
	return []string{"Containers", strconv.Itoa(len(u.containers)), strconv.Itoa(running), size(total), percent(free, total)}
}

func (u usage) volumeRow() []string {
	active := 0
	for _, v := range u.volumes {
		if u.used[v.Name] {
			active++
		}
	}
	return []string{"Local Volumes", strconv.Itoa(len(u.volumes)), strconv.Itoa(active), "N/A", "N/A"}
}

// percent is a part of a whole as docker shows it, "1.2MB (50%)".
func percent(part, whole int64) string {
	if whole == 0 {
		return size(part)
	}
	return fmt.Sprintf("%s (%d%%)", size(part), part*100/whole)
}

func (c *invocation) diskDetails(u usage) error {
	c.view.Print("Images space usage:\n\n")
	rows := [][]sim.Piece{plain("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")}
	for _, img := range u.images {
		shared := u.shared(img)
		for _, v := range sim.ImageViews(img) {
			name, tag := sim.SplitTag(v.Ref)
			row := append(plain(name, tag, c.imageID(img)), c.ago(img.CreatedAt()))
			rows = append(rows, append(row, plain(size(img.Size()), size(shared), size(img.Size()-shared), strconv.Itoa(len(sim.Users(u.containers, img))))...))
		}
	}
	c.table(rows)
	c.view.Print("\nContainers space usage:\n\n")
	rows = [][]sim.Piece{plain("CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES")}
	for _, k := range u.containers {
		row := plain(c.shortID(k.ID), k.Image, c.command(k), strconv.Itoa(len(k.Mounts)), size(u.layers[k.ID]))
		rows = append(rows, append(row, c.ago(k.Created), c.status(k), sim.Piece{Text: k.Name}))
	}
	c.table(rows)
	c.view.Print("\nLocal Volumes space usage:\n\n")
	rows = [][]sim.Piece{plain("VOLUME NAME", "LINKS", "SIZE")}
	for _, v := range u.volumes {
		rows = append(rows, plain(v.Name, strconv.Itoa(u.links(v)), "N/A"))
	}
	c.table(rows)
	return nil
}

// shared are the bytes of img's layers that another image has too.
func (u usage) shared(img sim.Image) (n int64) {
	others := layerSizes(slices.DeleteFunc(slices.Clone(u.images), func(o sim.Image) bool { return o.ID == img.ID }))
	for _, chain := range sim.Chains(img) {
		n += others[chain]
	}
	return n
}

func (u usage) links(v sim.Volume) (n int) {
	for _, k := range u.containers {
		if slices.ContainsFunc(k.Mounts, func(m sim.Mount) bool { return m.Source == v.Name }) {
			n++
		}
	}
	return n
}

func (c *invocation) info() error {
	u, err := c.usage()
	if err != nil {
		return err
	}
	i, err := c.engine.Info(c)
	if err != nil {
		return err
	}
	running, created := 0, 0
	for _, k := range u.containers {
		switch k.Status {
		case sim.Running:
			running++
		case sim.Created:
			created++
		}
	}
	c.view.Print("Containers: %d\n Running: %d\n Created: %d\n Stopped: %d\nImages: %d\nVolumes: %d\nStorage Driver: overlay\nNetwork: none host\n",
		len(u.containers), running, created, len(u.containers)-running-created, len(u.images), len(u.volumes))
	c.view.Put(ownName(i))
	if i.IDs != 0 {
		c.view.Print("User ids: 0 to %d\n", i.IDs-1)
	}
	return nil
}

func ownName(i sim.Info) sim.Piece {
	return sim.Piece{Kind: sim.OwnName, Text: "Engine: " + i.Engine + "\n"}
}

func (c *invocation) version() error {
	i, err := c.engine.Info(c)
	if err != nil {
		return err
	}
	c.view.Print("Client: twinlayer\n")
	c.view.Put(ownName(i))
	return nil
}

// login says where logins come from: a password typed here would be shown.
func (c *invocation) login() error {
	return sim.Refuse("docker login: twinlayer keeps no passwords; it takes those of docker's own configuration file, %s. Write them there with docker login or %s, then pull and push",
		"~/.docker/config.json", strings.Join([]string{"podman login", "skopeo login"}, " or "))
}
