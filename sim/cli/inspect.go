package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"twinlayer/sim"
)

// inspect prints what is known of objects, as JSON or as --format says.
func (c *invocation) inspect() error {
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
	text, err := c.inspected(found)
	c.view.Lay(text, values(found)...)
	return err
}

// inspected is what docker inspect prints of objects.
func (c *invocation) inspected(found []map[string]any) (string, error) {
	switch c.Format {
	case "json":
		text, err := json.Marshal(found)
		return string(text) + "\n", err
	case "":
		text, err := json.MarshalIndent(found, "", "    ")
		return string(text) + "\n", err
	}
	return execute(c.Format, found)
}

// timed are the facts that the clock gives.
var timed = []string{".Created", ".CreatedAt", ".State.StartedAt", ".State.FinishedAt"}

// values are the single facts of objects, in the order of their names.
func values(found []map[string]any) (out []sim.Piece) {
	for _, facts := range found {
		text, err := json.Marshal(facts)
		var v any
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil {
			return nil // which is no JSON is told where it is printed
		}
		out = append(out, leaves("", v)...)
	}
	return out
}

// leaves are the values in what encoding/json has read, each with its path.
func leaves(path string, v any) (out []sim.Piece) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, leaves(path+"."+key, v[key])...)
		}
	case []any:
		for i, element := range v {
			out = append(out, leaves(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	default:
		p := sim.Piece{Text: fmt.Sprintf("%s=%v", path, v)}
		if slices.Contains(timed, path) {
			p.Kind, p.Rest = sim.Clock, path
		}
		return []sim.Piece{p}
	}
	return append(out, sim.Piece{Text: fmt.Sprintf("%s: %d", path, len(out))})
}

// facts are what docker inspect tells of a container, an image or a volume.
func (c *invocation) facts(key string) (map[string]any, error) {
	if c.Type == "" || c.Type == "container" {
		if k, err := c.find(key); err == nil {
			c.view.Container = k.ID
			return containerFacts(k), nil
		}
	}
	if c.Type == "" || c.Type == "image" {
		if img, err := c.engine.Image(c, key); err == nil {
			return imageFacts(img), nil
		}
	}
	if c.Type == "" || c.Type == "volume" {
		if v, ok, err := c.volume(key); ok || err != nil {
			return volumeFacts(v), err
		}
	}
	switch c.Type {
	case "":
		return nil, sim.Refuse("No such object: %s", key)
	case "volume":
		return nil, sim.NoSuchVolume(key)
	case "container", "image":
		return nil, sim.Refuse("No such %s: %s", c.Type, key)
	}
	return nil, sim.Refuse("%q is not a valid value for --type", c.Type)
}

func volumeFacts(v sim.Volume) map[string]any {
	return map[string]any{"Name": v.Name, "Driver": "local", "Scope": "local", "CreatedAt": v.Created.UTC().Format(time.RFC3339)}
}

func mountFacts(k sim.Container) []map[string]any {
	out := []map[string]any{}
	for _, m := range k.Mounts {
		facts := map[string]any{"Type": m.Type, "Destination": m.Target, "RW": !m.ReadOnly}
		if m.Type == sim.InStore {
			facts["Name"] = m.Source
		} else if m.Source != "" {
			facts["Source"] = m.Source
		}
		out = append(out, facts)
	}
	return out
}

func containerFacts(k sim.Container) map[string]any {
	path := append(k.Path[:len(k.Path):len(k.Path)], "")
	return map[string]any{
		"Id": k.ID, "Created": k.Created.UTC().Format(time.RFC3339Nano), "Path": path[0], "Args": k.Path[min(1, len(k.Path)):],
		"State": map[string]any{
			"Status": k.Status, "Running": k.Status == sim.Running, "ExitCode": k.LastExit(),
			"StartedAt": k.Started.UTC().Format(time.RFC3339Nano), "FinishedAt": k.Finished.UTC().Format(time.RFC3339Nano),
		},
		"Image": k.ImageID, "Name": "/" + k.Name,
		"HostConfig": map[string]any{
			"AutoRemove": k.AutoRemove, "NetworkMode": cmp.Or(string(k.Network), "none"), "ReadonlyRootfs": k.ReadOnly, "Memory": k.Memory,
			"PidsLimit": k.PIDs, "CapAdd": k.CapAdd, "CapDrop": k.CapDrop,
		},
		"Mounts": mountFacts(k),
		"Config": map[string]any{
			"Hostname": k.Host(), "User": k.User, "Tty": k.TTY, "OpenStdin": k.Interactive, "Env": k.Env,
			"Cmd": k.Args, "Image": k.Image, "WorkingDir": k.Dir, "Entrypoint": k.Entrypoint,
			"Labels": k.Labels, "StopSignal": k.StopSignal,
		},
	}
}

func imageFacts(img sim.Image) map[string]any {
	return map[string]any{
		"Id": img.ID, "RepoTags": append([]string{}, img.Tags...), "Parent": img.Parent, "Created": img.CreatedAt().UTC().Format(time.RFC3339Nano),
		"Author": img.Config.Author, "Comment": comment(img),
		"Architecture": img.Config.Architecture, "Os": img.Config.OS, "Size": img.Size(), "Config": img.Config.Config,
		"RootFS": map[string]any{"Type": "layers", "Layers": img.Layers},
	}
}

// comment is what was said of an image when it was made.
func comment(img sim.Image) string {
	if len(img.Config.History) == 0 {
		return ""
	}
	return img.Config.History[len(img.Config.History)-1].Comment
}
