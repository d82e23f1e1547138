package dockerfile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// Apply makes of the configuration what an instruction that runs and copies
// nothing makes of it, and returns what the history tells of that. Values that
// the configuration shares with others are not changed but replaced.
func (s *Stage) Apply(c instructions.Command) (told string, err error) {
	switch c := c.(type) {
	case *instructions.ArgCommand:
		return s.arg(c), nil
	case *instructions.EnvCommand:
		return s.env(c)
	case *instructions.LabelCommand:
		return s.label(c)
	case *instructions.MaintainerCommand:
		s.Author = c.Maintainer
		return " MAINTAINER " + c.Maintainer, nil
	case *instructions.WorkdirCommand:
		return s.workdir(c)
	case *instructions.UserCommand:
		s.Config.User = c.User
		return " USER " + c.User, nil
	case *instructions.CmdCommand:
		s.Config.Cmd, s.cmdSet = s.Argv(c.ShellDependantCmdLine), true
		return fmt.Sprintf(" CMD %q", s.Config.Cmd), nil
	case *instructions.EntrypointCommand:
		return s.entrypoint(c), nil
	case *instructions.ExposeCommand:
		return s.expose(c)
	case *instructions.VolumeCommand:
		return s.volume(c)
	case *instructions.StopSignalCommand:
		return s.stopSignal(c)
	case *instructions.HealthCheckCommand:
		return s.healthcheck(c)
	case *instructions.OnbuildCommand:
		return s.onbuild(c)
	case *instructions.ShellCommand:
		s.Config.Shell = slices.Clone(c.Shell)
		return fmt.Sprintf(" SHELL %v", s.Config.Shell), nil
	}
	return "", fmt.Errorf("unsupported command type: %s", strings.ToUpper(c.Name()))
}

func (s *Stage) arg(c *instructions.ArgCommand) string {
	told := " ARG"
	for _, a := range c.Args {
		told += " " + a.Key
		if a.Value != nil {
			told += "=" + *a.Value
		}
		s.declare(s.declared, a)
	}
	return told
}

func (s *Stage) env(c *instructions.EnvCommand) (string, error) {
	told := " ENV"
	for _, kv := range c.Env {
		if kv.Key == "" {
			return "", fmt.Errorf("ENV names can not be blank")
		}
		s.Config.Env = setenv(s.Config.Env, kv.Key, kv.Value)
		told += " " + kv.String()
	}
	return told, nil
}

// setenv is env with key set, in the place of the old one or at the end.
func setenv(env []string, key, value string) []string {
	env = slices.Clone(env)
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	if i < 0 {
		return append(env, key+"="+value)
	}
	env[i] = key + "=" + value
	return env
}

func (s *Stage) label(c *instructions.LabelCommand) (string, error) {
	told, labels := " LABEL", maps.Clone(s.Config.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for _, kv := range c.Labels {
		if kv.Key == "" {
			return "", fmt.Errorf("LABEL names can not be blank")
		}
		labels[kv.Key] = kv.Value
		told += " " + kv.String()
	}
	s.Config.Labels = labels
	return told, nil
}

func (s *Stage) workdir(c *instructions.WorkdirCommand) (string, error) {
	if c.Path == "" {
		return "", fmt.Errorf("cannot normalize nothing")
	}
	dir := c.Path
	if !path.IsAbs(dir) {
		dir = path.Join("/", s.Config.WorkingDir, dir)
	}
	s.Config.WorkingDir = path.Clean(dir)
	return "WORKDIR " + s.Config.WorkingDir, nil
}

// entrypoint drops the Cmd that the base image has, but not one of this file.
func (s *Stage) entrypoint(c *instructions.EntrypointCommand) string {
	s.Config.Entrypoint = s.Argv(c.ShellDependantCmdLine)
	if !s.cmdSet {
		s.Config.Cmd = nil
	}
	return fmt.Sprintf(" ENTRYPOINT %q", s.Config.Entrypoint)
}

// Argv is what the shell form or the exec form of a command runs.
func (s *Stage) Argv(c instructions.ShellDependantCmdLine) []string {
	if c.PrependShell {
		return slices.Concat(s.Shell(), c.CmdLine)
	}
	return slices.Clone(c.CmdLine)
}

// RunArgv is what a RUN runs. A here-document that is the whole command is its
// script, run by the interpreter that its first line names; one that is part
// of a command is left to the shell.
func (s *Stage) RunArgv(c *instructions.RunCommand) ([]string, error) {
	if len(c.Files) == 0 {
		return s.Argv(c.ShellDependantCmdLine), nil
	}
	if len(c.CmdLine) != 1 || !c.PrependShell {
		return nil, fmt.Errorf("parsing produced an invalid run command: %v", c.CmdLine)
	}
	if heredoc, err := parser.ParseHeredoc(c.CmdLine[0]); err == nil && heredoc != nil {
		return s.script(heredocText(c.Files[0])), nil
	}
	full := c.CmdLine[0]
	for _, f := range c.Files {
		full += "\n" + f.Data + f.Name
	}
	return slices.Concat(s.Shell(), []string{full}), nil
}

func heredocText(f instructions.ShellInlineFile) string {
	if f.Chomp {
		return parser.ChompHeredocContent(f.Data)
	}
	return f.Data
}

// script is how a text is run: by the shell, or by what "#!" names. That gets
// it as an argument, so that no file of it stays in the layer.
func (s *Stage) script(text string) []string {
	first, _, _ := strings.Cut(text, "\n")
	line, ok := strings.CutPrefix(first, "#!")
	interpreter := strings.Fields(line)
	if !ok || len(interpreter) == 0 {
		return slices.Concat(s.Shell(), []string{text})
	}
	flag := "-c"
	switch path.Base(interpreter[len(interpreter)-1]) {
	case "perl", "ruby", "node", "lua":
		flag = "-e"
	}
	return append(interpreter, flag, text)
}

func (s *Stage) expose(c *instructions.ExposeCommand) (string, error) {
	var words []string
	lex, vars := s.file.lex(), s.vars(s.Config.Env)
	for _, p := range c.Ports {
		more, err := lex.ProcessWords(p, vars)
		if err != nil {
			return "", err
		}
		words = append(words, more...)
	}
	slices.Sort(words)
	for _, word := range words {
		if err := s.exposePorts(word); err != nil {
			return "", err
		}
	}
	return " EXPOSE " + strings.Join(words, " "), nil
}

// exposePorts takes "port", "from-to", either with "/protocol".
func (s *Stage) exposePorts(word string) error {
	ports, proto, ok := strings.Cut(word[strings.LastIndex(word, ":")+1:], "/")
	if !ok {
		proto = "tcp"
	}
	if proto = strings.ToLower(proto); !slices.Contains([]string{"tcp", "udp", "sctp"}, proto) {
		return says("Invalid proto: %s", proto)
	}
	from, to, isRange := strings.Cut(ports, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.ParseUint(from, 10, 16)
	last, err2 := strconv.ParseUint(to, 10, 16)
	switch {
	case ports == "":
		return says("No port specified: %s<empty>", word)
	case err1 != nil || err2 != nil:
		return says("Invalid containerPort: %s", ports)
	case last < first:
		return says("Invalid range specified for the Port: %s", ports)
	}
	exposed := maps.Clone(s.Config.ExposedPorts)
	if exposed == nil {
		exposed = map[string]struct{}{}
	}
	for p := first; p <= last; p++ {
		exposed[fmt.Sprintf("%d/%s", p, proto)] = struct{}{}
	}
	s.Config.ExposedPorts = exposed
	return nil
}

func (s *Stage) volume(c *instructions.VolumeCommand) (string, error) {
	for _, v := range c.Volumes {
		s.Config.Volumes = withSet(s.Config.Volumes, strings.TrimSpace(v))
	}
	return fmt.Sprintf(" VOLUME %v", c.Volumes), nil
}

// signals are Linux's, without "SIG" (signal(7)).
var signals = strings.Fields(`ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV
	STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX`)

func (s *Stage) stopSignal(c *instructions.StopSignalCommand) (string, error) {
	if !validSignal(c.Signal) {
		return "", says("Invalid signal: %s", c.Signal)
	}
	s.Config.StopSignal = c.Signal
	return " STOPSIGNAL " + c.Signal, nil
}

func validSignal(name string) bool {
	if n, err := strconv.Atoi(name); err == nil {
		return n > 0 && n <= 64
	}
	name = strings.TrimPrefix(strings.ToUpper(name), "SIG")
	base, offset, relative := strings.Cut(strings.Replace(name, "-", "+", 1), "+")
	if n, err := strconv.Atoi(offset); relative && (err != nil || n < 1 || n > 15 || !strings.HasPrefix(base, "RT")) {
		return false
	}
	return slices.Contains(signals, base)
}

func (s *Stage) healthcheck(c *instructions.HealthCheckCommand) (string, error) {
	h := *c.Health
	s.Config.Healthcheck = &dockerspec.HealthcheckConfig{
		Test: slices.Clone(h.Test), Interval: h.Interval, Timeout: h.Timeout,
		StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
	}
	return fmt.Sprintf(" HEALTHCHECK &{%q %q %q %q %q}", h.Test, h.Interval, h.Timeout, h.StartPeriod, rune(h.Retries)), nil
}

func (s *Stage) onbuild(c *instructions.OnbuildCommand) (string, error) {
	s.Config.OnBuild = append(slices.Clip(s.Config.OnBuild), c.Expression)
	return " ONBUILD " + c.Expression, nil
}
