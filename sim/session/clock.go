package session

import (
	"twinlayer/fs"
	"twinlayer/sim"
)

// The worlds do the same thing a moment apart, each by its own clock. Nothing
// that a learner looks at later should depend on that moment.

const wroteTime = "the command wrote the time into a file, and the two worlds ran it a moment apart; the model takes over the real file"

// agreeOnTime gives the container that was acted on, in the model, the times
// that its files have in the real world; and where a program has written the
// time into a file, that file.
func (s *Session) agreeOnTime(r *sim.Result) {
	asked := s.Model.AskedTime()
	if r.Real == nil || r.Model.Tree == nil || r.Real.Tree == nil || r.Model.Unknown != "" {
		return
	}
	if r.Model.Layer == r.Real.Layer {
		s.Model.Retime(r.Model.Container, r.Real.Tree)
		return
	}
	if asked && fs.SameButNumbers(r.Model.Tree, r.Real.Tree) {
		r.Declare("layer", wroteTime)
		s.Model.Take(r.Model.Container, r.Real.Tree)
	}
}
