package sim

import "twinlayer/fs"

// The worlds do the same thing a moment apart, each by its own clock. Nothing
// that a learner looks at later should depend on that moment.

const wroteTime = "the command wrote the time into a file, and the two worlds ran it a moment apart; the model takes over the real file"

// agreeOnTime gives the container that was acted on, in the model, the times
// that its files have in the real world; and where a program has written the
// time into a file, that file.
func (s *Session) agreeOnTime(r *Result) {
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

// AskedTime says whether a program has asked for the time since the last call.
func (m *Model) AskedTime() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = false
	return asked
}

// Retime gives a container's files other times. One whose process goes on by
// the clock keeps its own.
func (m *Model) Retime(id string, times *fs.Tree) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.state.container(id)
	if err != nil || c.held != nil {
		return
	}
	c.mounts = c.mounts.Fork()
	c.root().Retime(times)
	m.state = m.state.with(c)
}

// Take gives a container another layer.
func (m *Model) Take(id string, layer *fs.Tree) {
	m.do(func(t *transition) error {
		if c, err := t.state.container(id); err == nil && c.held == nil {
			t.adoptLayer(c, layer)
		}
		return nil
	})
}
