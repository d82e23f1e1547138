package sim

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"

	"twinlayer/kernel"
)

// What follows is pure: how docker finds what a word names, and the words it
// says when it finds nothing. The model and the real engines share it, so
// that both worlds answer alike.

// Familiar is ref as docker prints it, with its tag: "busybox:latest". A
// *Refusal where ref is no reference.
func Familiar(ref string) (string, error) {
	named, err := ParseRef(ref)
	if err != nil {
		return "", err
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), nil
}

// SplitRef is ref taken apart: its registry ("" where ref is a short name,
// such as "busybox" or "ana/app"), its repository as it was typed without
// that, and its tag or digest, "latest" where it has none.
func SplitRef(ref string) (registry, repository, version string, err error) {
	named, err := ParseRef(ref)
	if err != nil {
		return "", "", "", err
	}
	version = "latest"
	switch r := named.(type) {
	case reference.Digested:
		version = r.Digest().String()
	case reference.Tagged:
		version = r.Tag()
	}
	repository, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") {
		repository = repository[:i]
	}
	if first, rest, ok := strings.Cut(repository, "/"); ok && isHost(first) {
		return first, rest, version, nil
	}
	return "", repository, version, nil
}

// isHost tells a registry's name from a repository's first part, by docker's
// rule (distribution/reference, splitDockerDomain).
func isHost(s string) bool {
	return s == "localhost" || strings.ContainsAny(s, ".:") || strings.ToLower(s) != s
}

// ParseRef is a reference with docker's defaults (distribution/reference,
// "normalized"); a Refusal with docker's words where it is none.
func ParseRef(ref string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, Refuse("%v", err).About(InvalidReference, ref)
	}
	return named, nil
}

// PullDenied is docker's answer to a repository that the registry lacks.
func PullDenied(ref string) *Refusal {
	if named, err := reference.ParseNormalizedNamed(ref); err == nil {
		ref = reference.FamiliarName(named)
	}
	return Refuse("pull access denied for %s, repository does not exist or may require 'docker login': denied: requested access to the resource is denied", ref).About(DeniedPull, ref)
}

// ManifestUnknown is docker's answer to a tag that the repository lacks.
func ManifestUnknown(ref string) *Refusal {
	if familiar, err := Familiar(ref); err == nil {
		ref = familiar
	}
	return Refuse("manifest for %s not found: manifest unknown: manifest unknown", ref)
}

// Short is an id's first twelve digits, as docker prints it.
func Short[T ~string](id T) string {
	s := strings.TrimPrefix(string(id), "sha256:")
	return s[:min(12, len(s))]
}

// FindContainer is the container that key names: by its id, its name, or a
// unique prefix of its id, in this order.
func FindContainer(all []Container, key string) (Container, error) {
	name := strings.TrimPrefix(key, "/")
	for _, exact := range []func(Container) bool{
		func(c Container) bool { return c.ID == key },
		func(c Container) bool { return c.Name == name },
	} {
		if i := slices.IndexFunc(all, exact); i >= 0 && key != "" {
			return all[i], nil
		}
	}
	var found []Container
	for _, c := range all {
		if key != "" && strings.HasPrefix(c.ID, key) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return Container{}, NotOne(key, len(found))
	}
	return found[0], nil
}

// NotOne is docker's answer where a key names no container, or several.
func NotOne(key string, n int) *Refusal {
	if n == 0 {
		return NoSuchContainer(key)
	}
	return Refuse("multiple IDs found with provided prefix: %s", key)
}

// NoSuchContainer is docker's answer to a container it does not have.
func NoSuchContainer(key string) *Refusal {
	return Refuse("No such container: %s", key).About(MissingContainer, key)
}

// NotRunning is docker's answer to an exec in a container that has ended.
func NotRunning(c Container) *Refusal { return Refuse("container %s is not running", c.ID) }

// NotKilled is docker's answer to a signal for a container that has ended.
func NotKilled(c Container, key string) *Refusal {
	return Refuse("cannot kill container: %s: container %s is not running", key, c.ID)
}

// ParseSignal is the signal that a number or a name means.
func ParseSignal(s string) (kernel.Signal, error) {
	sig, ok := kernel.ParseSignal(s)
	if !ok {
		return 0, InvalidSignal(s)
	}
	return sig, nil
}

// InvalidSignal is docker's answer to a signal that is none.
func InvalidSignal(signal string) *Refusal { return Refuse("invalid signal: %s", signal) }

// StillRunning is docker's answer to removing a running container.
func StillRunning(c Container) *Refusal {
	return Refuse("cannot remove container %q: container is running: stop the container before removing or force remove", "/"+c.Name)
}

// Holder is the id of the container that has this name; "" if none has.
func Holder(all []Container, name string) string {
	i := slices.IndexFunc(all, func(c Container) bool { return c.Name == name })
	if i < 0 {
		return ""
	}
	return all[i].ID
}

// checkName refuses a container name that is not allowed, or that has a holder.
func checkName(name, holder string) error {
	switch {
	case !validName(name):
		return Refuse("Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name)
	case holder != "":
		return Refuse("Conflict. The container name %q is already in use by container %q. You have to remove (or rename) that container to be able to reuse that name.", "/"+name, holder)
	}
	return nil
}

func validName(name string) bool {
	const start = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(name) > 1 && strings.Contains(start, name[:1]) && strings.Trim(name, start+"_.-") == ""
}

// FindImage is the image that key names: by its id, by its reference, or by a
// prefix of its id, in this order.
func FindImage(all []Image, key string) (Image, error) {
	if id := digest.Digest("sha256:" + strings.TrimPrefix(key, "sha256:")); id.Validate() == nil {
		if i := slices.IndexFunc(all, func(img Image) bool { return img.ID == id }); i >= 0 {
			return all[i], nil
		}
		return Image{}, Refuse("No such image: %s", key).About(MissingImage, key)
	}
	familiar, err := Familiar(key)
	if err != nil {
		return Image{}, err
	}
	if i := slices.IndexFunc(all, func(img Image) bool { return slices.Contains(img.Tags, familiar) }); i >= 0 {
		return all[i], nil
	}
	return findByPrefix(all, key)
}

func findByPrefix(all []Image, key string) (Image, error) {
	var found []Image
	for _, img := range all {
		if IsIDPrefix(img, key) {
			found = append(found, img)
		}
	}
	if len(found) != 1 {
		return Image{}, NoSuchImage(key)
	}
	return found[0], nil
}

// IsIDPrefix says whether key names img by its id or a prefix of that.
func IsIDPrefix(img Image, key string) bool {
	return key != "" && strings.HasPrefix(img.ID.Encoded(), strings.TrimPrefix(key, "sha256:"))
}

// NoSuchImage is docker's answer to an image it does not have.
func NoSuchImage(ref string) *Refusal {
	if familiar, err := Familiar(ref); err == nil {
		ref = familiar
	}
	return Refuse("No such image: %s", ref).About(MissingImage, ref)
}

// Argv is what a container of an image runs: its entrypoint, then its
// arguments. An entrypoint given by the user drops the image's Cmd; [""]
// means none (moby, daemon/create.go and runconfig).
func Argv(config dockerspec.DockerOCIImageConfig, spec Spec) ([]string, error) {
	entry, args := config.Entrypoint, spec.Args
	if args == nil && spec.Entrypoint == nil {
		args = config.Cmd
	}
	if spec.Entrypoint != nil {
		entry = spec.Entrypoint
	}
	if len(entry) == 1 && entry[0] == "" {
		entry = nil
	}
	if all := slices.Concat(entry, args); len(all) > 0 {
		return all, nil
	}
	return nil, Refuse("no command specified")
}

// Plan checks what spec asks for against its image and the [Holder] of its
// name, and returns what the container will run.
func Plan(config dockerspec.DockerOCIImageConfig, spec Spec, holder string) ([]string, error) {
	argv, err := Argv(config, spec)
	if err != nil {
		return nil, err
	}
	if err := checkName(spec.Name, holder); err != nil {
		return nil, err
	}
	if _, err := Capabilities(spec.CapAdd, spec.CapDrop); err != nil {
		return nil, err
	}
	if spec.Dir != "" && !path.IsAbs(spec.Dir) {
		return nil, Refuse("the working directory '%s' is invalid, it needs to be an absolute path", spec.Dir)
	}
	for target := range config.Volumes {
		if path.Clean("/"+target) == "/" && !spec.NoVolumes {
			return nil, Refuse("invalid mount config for type \"volume\": invalid specification: destination can't be '/'")
		}
	}
	return argv, nil
}

// AnonymousVolume is the name of a volume that is made for one container: as
// docker's, 64 hexadecimal digits, but the same in every engine.
func AnonymousVolume(container, target string) string {
	return digest.FromString(container + " " + path.Clean(target)).Encoded()
}

// Mounts are the mounts of a container, by their depth: those it asks for,
// and a volume for each place that its image declares as one. Volumes without
// a name have one then.
func Mounts(image dockerspec.DockerOCIImageConfig, s Spec) []Mount {
	out := slices.Clone(s.Mounts)
	for _, target := range slices.Sorted(maps.Keys(image.Volumes)) {
		if !s.NoVolumes && !slices.ContainsFunc(out, func(m Mount) bool { return path.Clean(m.Target) == path.Clean(target) }) {
			out = append(out, Mount{Type: InStore, Target: path.Clean("/" + target)})
		}
	}
	for i, m := range out {
		if m.Type == InStore && m.Source == "" {
			out[i].Source = AnonymousVolume(s.ID, m.Target)
		}
	}
	slices.SortStableFunc(out, func(a, b Mount) int {
		return strings.Count(path.Clean(a.Target), "/") - strings.Count(path.Clean(b.Target), "/")
	})
	return out
}

// Owns says whether m is a volume that was made for the container alone.
func (s Spec) Owns(m Mount) bool {
	return m.Type == InStore && m.Source == AnonymousVolume(s.ID, m.Target)
}

// CheckVolume refuses a volume name that is not allowed.
func CheckVolume(name string) error {
	if validName(name) {
		return nil
	}
	return Refuse("create %s: %q includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path", name, name)
}

// NoSuchVolume is docker's answer to a volume it does not have.
func NoSuchVolume(name string) *Refusal { return Refuse("get %s: no such volume", name) }

// elsewhere is said of what belongs to another session of twinlayer, whose
// containers this one does not list.
const elsewhere = " of another twinlayer"

// JustTaken is who uses a volume where another session has begun to since the
// command began.
const JustTaken = "a container" + elsewhere

// ForeignUsers are who of another session's containers has a volume.
func ForeignUsers(all []Container, volume string) (users []string) {
	for _, id := range VolumeUsers(all, volume) {
		users = append(users, id+elsewhere)
	}
	return users
}

// VolumeInUse is docker's answer to removing a volume of these containers.
func VolumeInUse(name string, containers []string) *Refusal {
	r := Refuse("remove %s: volume is in use - [%s]", name, strings.Join(containers, ", "))
	if slices.Contains(containers, JustTaken) {
		return r.About(UsedElsewhere, name)
	}
	return r
}

// DefaultPath is the PATH of a container whose image has none.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environ is the environment that docker gives a container's process, but for
// HOME, which depends on the user: PATH, HOSTNAME and, on a terminal, TERM;
// then what the user gave, then what the image has; the user's value wins
// (moby, Container.CreateDaemonEnvironment).
func Environ(hostname string, tty bool, image, user []string) []string {
	env := []string{"PATH=" + DefaultPath, "HOSTNAME=" + hostname}
	if tty {
		env = append(env, "TERM=xterm")
	}
	for _, kv := range user {
		env = Setenv(env, kv)
	}
	for _, kv := range image {
		key, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(user, func(u string) bool { return strings.HasPrefix(u, key+"=") }) {
			env = Setenv(env, kv)
		}
	}
	return env
}

// Setenv is env with kv ("K=v") in the place of the old K, or at the end; a
// kv without "=" takes K away.
func Setenv(env []string, kv string) []string {
	key, _, set := strings.Cut(kv, "=")
	i := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
	switch {
	case !set && i >= 0:
		return slices.Delete(env, i, i+1)
	case !set:
		return env
	case i >= 0:
		env[i] = kv
		return env
	}
	return append(env, kv)
}

// StartFailed is docker's answer where a container's program cannot start;
// cause is [ExecFailed]'s text or another of runc's.
func StartFailed(cause string) *Refusal {
	return ociFailed("failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ", cause)
}

// MountProblem is runc's text where a file would have to be mounted on a
// directory, or a directory on what is none.
func MountProblem(target string) string {
	return fmt.Sprintf("error mounting to rootfs at %q: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type", target)
}

// ProcProblem is runc's text where something is to be mounted on /proc or in
// it; "" where target is neither.
func ProcProblem(target string) string {
	switch target = path.Clean("/" + target); {
	case target == "/proc":
		return fmt.Sprintf("%q cannot be mounted because it is not of type proc", target)
	case strings.HasPrefix(target, "/proc/"):
		return fmt.Sprintf("%q cannot be mounted because it is inside /proc", target)
	}
	return ""
}

// ExecRefused is docker's answer where docker exec cannot start the program.
func ExecRefused(cause string) *Refusal {
	return ociFailed("OCI runtime exec failed: exec failed: unable to start container process: ", cause)
}

// ociFailed has the exit status that docker's command derives from the text
// (docker/cli, runStartContainerErr).
func ociFailed(prefix, cause string) *Refusal {
	exit := 125
	switch {
	case containsAny(cause, "executable file not found", "no such file or directory"):
		exit = 127
	case containsAny(cause, "permission denied", "is a directory"):
		exit = 126
	}
	return &Refusal{Text: prefix + cause + ": unknown", Exit: exit}
}

func containsAny(s string, any ...string) bool {
	return slices.ContainsFunc(any, func(sub string) bool { return strings.Contains(s, sub) })
}

// IsInteractiveShell says whether a process with these arguments is a shell that
// waits for lines: interactive, and given neither a script nor a -c.
func IsInteractiveShell(args []string, interactive bool) bool {
	if !interactive || len(args) == 0 || !isShell(args[0]) {
		return false
	}
	return !slices.ContainsFunc(args[1:], func(arg string) bool { return !isLoginFlag(arg) })
}

func isShell(name string) bool {
	return slices.Contains([]string{"sh", "ash", "bash", "dash", "zsh"}, strings.TrimPrefix(path.Base(name), "-"))
}

func isLoginFlag(arg string) bool {
	return arg == "--login" || len(arg) > 1 && arg[0] == '-' && strings.Trim(arg[1:], "il") == ""
}

// NoSuchPath is docker's answer to docker cp of a path that is not there.
func NoSuchPath(c Container, name string) *Refusal {
	return Refuse("Could not find the file %s in container %s", name, c.Name).About(MissingPath, name)
}

// NoReference is docker save's answer to an image that it does not have.
func NoReference() *Refusal { return Refuse("reference does not exist") }
