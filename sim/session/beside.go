package session

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"twinlayer/sim"
	"twinlayer/sim/cli"
	"twinlayer/sim/say"
)

// besides are the commands that can be run beside one that goes on: they look
// at containers, or end them.
var besides = map[string]bool{
	"ps": true, "logs": true, "top": true, "inspect": true, "diff": true, "images": true, "kill": true, "stop": true,
}

// Beside runs a docker command in both worlds while another one goes on there,
// as from a second terminal. It may be called at any time but during a
// Reconnect. The views are as they are at that moment; the worlds are compared
// when the command that goes on has ended, which takes over what came of it.
func (s *Session) Beside(ctx context.Context, line string, getenv func(string) string) (sim.Result, error) {
	cmd, err := cli.Parse(line, getenv)
	if err == nil && !besides[cmd.Verb] {
		err = sim.Refuse("docker %s has to wait until the command that goes on has ended: beside it there are only %s", cmd.Verb, strings.Join(slices.Sorted(maps.Keys(besides)), ", "))
	}
	if err != nil {
		cmd = sim.Cmd{Text: line, Verb: sim.VerbRefused, Refused: err}
	}
	cmd.Now = s.now()
	r := sim.Result{Cmd: line, Steps: []sim.Step{}, Differences: []sim.Difference{}, Verdict: sim.Limit}
	host := reader{share(s.Host)}
	var real sim.View
	var lost error
	var wg sync.WaitGroup
	if s.Real != nil && s.Broken() == nil {
		r.Real = &real
		wg.Go(func() { real, lost = cli.Client{Engine: s.Real, Host: host}.Do(ctx, cmd) })
	}
	if r.Model, err = (cli.Client{Engine: s.Model, Host: host}).Do(ctx, cmd); err != nil {
		r.Model.Unknown = say.Verbatim(err.Error())
	}
	wg.Wait()
	if r.Real != nil {
		real.Engine = s.Real.Name()
	}
	if lost != nil {
		r.Real = nil // the command that goes on finds out, too, and says since when
	}
	r.Differences = append(r.Differences, sim.Difference{What: "moment", Class: sim.Limit, Reason: sayCommandGoesOn})
	return r, nil
}
