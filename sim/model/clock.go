package model

import "twinlayer/fs"

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
