package session

import (
	"twinlayer/fs/vfs"
	"twinlayer/sim"
)

// The worlds do the same thing a moment apart, each by its own clock. Nothing
// that a learner looks at later should depend on that moment.

// agreeOnTime gives the container that was acted on, in the model, the times
// that its files have in the real world; and where a program has written the
// time into a file, that file.
func (s *Session) agreeOnTime(r *sim.Result) {
	asked := s.Model.AskedTime()
	if r.Real == nil || r.Model.Tree == nil || r.Real.Tree == nil || !r.Model.Unknown.Empty() {
		return
	}
	if r.Model.Layer == r.Real.Layer {
		s.Model.Retime(r.Model.Container, r.Real.Tree)
		return
	}
	if asked && vfs.SameButNumbers(r.Model.Tree, r.Real.Tree) {
		r.Declare("layer", sayWroteTime)
		s.Model.Take(r.Model.Container, r.Real.Tree)
	}
}
