package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"twinlayer/fs"
)

// CompareImages puts the newest first; of one time, those with the longest
// history, then by name, and then by id, so that all engines list alike.
func CompareImages(a, b Image) int {
	return cmp.Or(b.CreatedAt().Compare(a.CreatedAt()), len(b.Config.History)-len(a.Config.History), slices.Compare(a.Tags, b.Tags), strings.Compare(string(a.ID), string(b.ID)))
}

// VolumeUsers are the ids of those containers that have a volume.
func VolumeUsers(all []Container, name string) (ids []string) {
	for _, c := range all {
		if slices.ContainsFunc(c.Mounts, func(m Mount) bool { return m.Type == InStore && m.Source == name }) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// CreatedAt is when the image was made; the zero time where it does not say.
func (img Image) CreatedAt() time.Time {
	if img.Config.Created == nil {
		return time.Time{}
	}
	return *img.Config.Created
}

// SplitTag takes "name:tag" apart.
func SplitTag(ref string) (name, tag string) {
	i := strings.LastIndex(ref, ":")
	return ref[:i], ref[i+1:]
}

// Image reads the artifact's configuration.
func (a *Artifact) Image() (Image, error) {
	var config dockerspec.DockerOCIImage
	if err := json.Unmarshal(a.Config, &config); err != nil {
		return Image{}, fmt.Errorf("reading image configuration: %w", err)
	}
	return Image{ID: digest.FromBytes(a.Config), Layers: config.RootFS.DiffIDs, Config: config}, nil
}

// Tar is the layer's uncompressed tar.
func (b Blob) Tar() (io.ReadCloser, error) {
	blob, err := b.Open()
	if err != nil {
		return nil, err
	}
	return fs.Decompress(blob, fs.DefaultLimits)
}

// LastExit is the exit status that docker inspect tells: none while it runs.
func (k Container) LastExit() int {
	if k.Status == Running {
		return 0
	}
	return k.Exit
}

// Printed is what docker prints of the pull off a terminal.
func (p PullResult) Printed() []Piece {
	_, name, tag, _ := SplitRef(p.Ref)
	out := []Piece{{Text: tag + ": Pulling from " + name + "\n"}}
	for _, l := range p.Layers {
		if p.UpToDate {
			break // docker then tells of no layer
		}
		state := "Pull complete"
		if l.Exists {
			state = "Already exists"
		}
		out = append(out, Piece{Kind: LayerState, Text: Short(l.Digest) + ": " + state + "\n"})
	}
	status := "Downloaded newer image for "
	if p.UpToDate {
		status = "Image is up to date for "
	}
	return append(out, Piece{Kind: Compressed, Text: "Digest: " + p.Digest.String() + "\n"}, Piece{Text: "Status: " + status + p.Ref + "\n"})
}

// SetField sets one "key=value" of --mount.
func (m *Mount) SetField(field string) error {
	key, value, set := strings.Cut(field, "=")
	switch strings.ToLower(key) {
	case "type":
		switch m.Type = MountType(value); m.Type {
		case Bind, InStore, Tmpfs:
		default:
			return Refuse("unknown mount type %q", value)
		}
	case "source", "src":
		m.Source = value
	case "target", "dst", "destination":
		m.Target = value
	case "readonly", "ro":
		m.ReadOnly = !set || value == "true" || value == "1"
	default:
		return Refuse("unexpected key '%s' in '%s'", key, field)
	}
	return nil
}

// Overview is what a [View] tells of containers.
func Overview(all []Container) []ContainerView {
	out := make([]ContainerView, len(all))
	for i, k := range all {
		out[i] = k.View()
	}
	return out
}

// View is what a [View] tells of the container.
func (k Container) View() ContainerView { return ContainerView{k.Name, k.Image, string(k.Status)} }

// Process is the container's own process: what the user said, else what the
// image's configuration says.
func (s Spec) Process(argv []string, config dockerspec.DockerOCIImageConfig) Process {
	return Process{
		ID: s.ID, Args: argv, Dir: cmp.Or(s.Dir, config.WorkingDir), User: cmp.Or(s.User, config.User),
		Env: Environ(s.Host(), s.TTY, config.Env, s.Env), Interactive: s.Interactive,
	}
}

// Host is the name a container gives itself.
func (s Spec) Host() string {
	if s.Hostname != "" {
		return s.Hostname
	}
	return Short(s.ID)
}

// ImageViews are what a [View] tells of an image, one for each of its tags.
func ImageViews(img Image) []ImageView {
	v := ImageView{"<none>:<none>", img.ID.String(), img.Size(), []string{}}
	for _, l := range img.Layers {
		v.Layers = append(v.Layers, l.String())
	}
	if len(img.Tags) == 0 {
		return []ImageView{v}
	}
	var out []ImageView
	for _, tag := range img.Tags {
		v.Ref = tag
		out = append(out, v)
	}
	return out
}

func SameContent(a, b *fs.Node) bool {
	if a.Mode != b.Mode || a.Target != b.Target || a.Size() != b.Size() {
		return false
	}
	if !a.IsRegular() || a.Data.Shares(b.Data) {
		return true
	}
	x, err1 := a.Data.Bytes()
	y, err2 := b.Data.Bytes()
	return err1 == nil && err2 == nil && string(x) == string(y)
}
