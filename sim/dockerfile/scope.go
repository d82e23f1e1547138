package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// Scope is what variables mean: the ARGs that have been declared so far, with
// what --build-arg gives them.
type Scope struct {
	file     *File
	given    map[string]string  // --build-arg
	global   map[string]*string // ARGs before the first FROM
	declared map[string]*string // of the stage
	used     map[string]bool    // of given
}

// proxies may be given without an ARG (Dockerfile reference, "Predefined
// ARGs"), and leave no trace in the history.
var proxies = []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"}

// Scope begins the build of a file with these --build-args. The ARGs before
// the first FROM are evaluated, after those that every build has of its
// platform, such as TARGETARCH ("Automatic platform ARGs").
func (f *File) Scope(given map[string]string, platform string) (*Scope, error) {
	s := &Scope{file: f, given: given, global: platformArgs(platform), used: map[string]bool{}}
	for _, c := range f.args {
		if err := c.Expand(s.expander(nil)); err != nil {
			return nil, f.Fault(err, c.Location())
		}
		for _, a := range c.Args {
			s.declare(s.global, a)
		}
	}
	return s, nil
}

func platformArgs(platform string) map[string]*string {
	os, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	out := map[string]*string{}
	for _, prefix := range []string{"BUILD", "TARGET"} {
		for key, value := range map[string]string{"PLATFORM": platform, "OS": os, "ARCH": arch, "VARIANT": variant} {
			out[prefix+key] = &value
		}
	}
	return out
}

func (s *Scope) declare(into map[string]*string, a instructions.KeyValuePairOptional) {
	if _, ok := s.given[a.Key]; ok {
		s.used[a.Key] = true
	}
	if a.Value == nil {
		a.Value = s.global[a.Key]
	}
	into[a.Key] = a.Value
}

// begin forgets the ARGs of the stage before.
func (s *Scope) begin() { s.declared = map[string]*string{} }

// values are the ARGs in scope that have a value.
func (s *Scope) values() map[string]string {
	from := s.declared
	if from == nil {
		from = s.global
	}
	out := map[string]string{}
	for key, value := range from {
		if given, ok := s.given[key]; ok {
			value = &given
		}
		if value != nil {
			out[key] = *value
		}
	}
	return out
}

// Unused are the --build-args that no ARG has asked for, sorted.
func (s *Scope) Unused() []string {
	var out []string
	for _, key := range sortedKeys(s.given) {
		if !s.used[key] && !slices.Contains(proxies, key) {
			out = append(out, key)
		}
	}
	return out
}

// expander replaces variables in a word; the environment wins over ARGs.
func (s *Scope) expander(env []string) instructions.SingleWordExpander {
	lex, vars := s.file.lex(), s.vars(env)
	return func(word string) (string, error) {
		out, _, err := lex.ProcessWord(word, vars)
		return out, err
	}
}

func (s *Scope) vars(env []string) shell.EnvGetter {
	var all []string
	values := s.values()
	for _, key := range sortedKeys(values) {
		all = append(all, key+"="+values[key])
	}
	return shell.EnvsFromSlice(append(all, env...))
}

// Base is the name of a stage's base, with its variables replaced, and its
// platform.
func (s *Scope) Base(stage instructions.Stage) (name, platform string, err error) {
	s.declared = nil
	expand := s.expander(nil)
	if name, err = expand(stage.BaseName); err == nil {
		platform, err = expand(stage.Platform)
	}
	switch {
	case err != nil:
		return "", "", s.file.Fault(err, stage.Location)
	case name == "":
		return "", "", s.file.Fault(fmt.Errorf("base name (%s) should not be blank", stage.BaseName), stage.Location)
	}
	return name, platform, nil
}

// Stage is a stage under way: what its instructions so far have made of the
// configuration.
type Stage struct {
	*Scope
	Config dockerspec.DockerOCIImageConfig
	Author string
	cmdSet bool
}

// defaultPath is the PATH that a build gives an image that has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Begin begins a stage on an image with this configuration.
func (s *Scope) Begin(config dockerspec.DockerOCIImageConfig) *Stage {
	s.begin()
	if !slices.ContainsFunc(config.Env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") }) {
		config.Env = append(slices.Clip(config.Env), "PATH="+defaultPath)
	}
	return &Stage{Scope: s, Config: config}
}

// Triggers takes the ONBUILD instructions that the base has left.
func (s *Stage) Triggers() []string {
	triggers := s.Config.OnBuild
	s.Config.OnBuild = nil
	return triggers
}

// Expand replaces the variables in an instruction.
func (s *Stage) Expand(c instructions.Command) error {
	if ex, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		if err := ex.Expand(s.expander(s.Config.Env)); err != nil {
			return err
		}
	}
	if ex, ok := c.(instructions.SupportsSingleWordExpansionRaw); ok {
		return ex.ExpandRaw(s.heredocExpander())
	}
	return nil
}

// heredocExpander leaves quotes as they are, as a shell's here-document does.
func (s *Stage) heredocExpander() instructions.SingleWordExpander {
	lex, vars := shell.NewLex('\\'), s.vars(s.Config.Env)
	lex.SkipProcessQuotes = true
	return func(word string) (string, error) {
		out, _, err := lex.ProcessWord(word, vars)
		return out, err
	}
}

// BuildEnv is the environment that RUN has beside the image's: the ARGs in
// scope that no ENV overrides, sorted. Those that the history does not tell of
// come last, from index shown on.
func (s *Stage) BuildEnv() (env []string, shown int) {
	values := s.values()
	for _, kv := range s.Config.Env {
		key, _, _ := strings.Cut(kv, "=")
		delete(values, key)
	}
	for _, key := range sortedKeys(values) {
		env = append(env, key+"="+values[key])
	}
	shown = len(env)
	for _, key := range proxies {
		if value, ok := s.given[key]; ok && !hasKey(s.declared, key) {
			env = append(env, key+"="+value)
		}
	}
	return env, shown
}

func hasKey(m map[string]*string, key string) bool { _, ok := m[key]; return ok }

// Shell is what the shell form of an instruction is run by.
func (s *Stage) Shell() []string {
	if len(s.Config.Shell) > 0 {
		return s.Config.Shell
	}
	return []string{"/bin/sh", "-c"}
}

// Nop is the history's line for an instruction that runs nothing; text is the
// instruction as docker tells it.
func (s *Stage) Nop(text string) string {
	return strings.Join(s.Shell(), " ") + " #(nop) " + text
}

// Ran is the history's line for a RUN: the ARGs in scope, then the command.
func (s *Stage) Ran(argv []string) string {
	line := strings.Join(argv, " ")
	if env, shown := s.BuildEnv(); shown > 0 {
		line = fmt.Sprintf("|%d %s %s", shown, strings.Join(env[:shown], " "), line)
	}
	return line
}

// Abs is a path in the image, relative ones below the working directory. A
// slash at the end stays.
func (s *Stage) Abs(name string) string {
	out := name
	if !path.IsAbs(name) {
		out = path.Join("/", s.Config.WorkingDir, name)
	}
	out = path.Clean(out)
	last := name[strings.LastIndex(name, "/")+1:]
	if out != "/" && (last == "" || last == ".") {
		out += "/"
	}
	return out
}

func withSet(m map[string]struct{}, key string) map[string]struct{} {
	out := maps.Clone(m)
	if out == nil {
		out = map[string]struct{}{}
	}
	out[key] = struct{}{}
	return out
}

// Bare is a stage without a Dockerfile, for instructions that are given one by
// one.
func Bare(config dockerspec.DockerOCIImageConfig) (*Stage, error) {
	f := &File{name: "the instruction", escape: '\\'}
	s, err := f.Scope(nil, "")
	if err != nil {
		return nil, err
	}
	s.begin()
	return &Stage{Scope: s, Config: config}, nil
}
