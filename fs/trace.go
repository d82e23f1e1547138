package fs

import (
	"archive/tar"
	"encoding"
	"hash"
	"maps"
	"slices"
)

// trace is a digest of a tar on its way, and what it leaves for the next one:
// the entries, and the state of the hash after some of them. SHA-256 goes
// through its input from front to back, so what can be spared is what comes
// before the first difference.
type trace struct {
	old    []passed // of an earlier tar, as long as this one is the same; then nil
	passed []passed

	to    *plainTar
	sum   hash.Hash
	since int64 // bytes of contents since the last state
}

// passed is an entry that was digested.
type passed struct {
	*tar.Header
	content *Data
	state   []byte // of the hash after it; nil: it was not kept
}

// stateEvery is how many bytes of contents lie between two states at least.
const stateEvery = 1 << 20

// begin begins a digest of what is written to to.
func (t *trace) begin(sum hash.Hash, to *plainTar) *trace {
	t.sum, t.to = sum, to
	return t
}

// put passes over an entry that the earlier tar has here too.
func (t *trace) put(h *tar.Header, content *Data) error {
	if n := len(t.passed); n < len(t.old) && t.old[n].same(h, content) {
		t.passed = append(t.passed, t.old[n])
		return nil
	}
	if err := t.part(); err != nil {
		return err
	}
	return t.write(passed{Header: h, content: content})
}

// part goes on from the last state that both tars have in common.
func (t *trace) part() error {
	if t.old == nil {
		return nil
	}
	again := t.passed
	t.old, t.passed = nil, nil
	for i := len(again) - 1; i >= 0; i-- {
		if again[i].state != nil {
			if err := t.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(again[i].state); err != nil {
				return err
			}
			t.passed, again = slices.Clip(again[:i+1]), again[i+1:]
			break
		}
	}
	for _, p := range again {
		if err := t.write(p); err != nil {
			return err
		}
	}
	return nil
}

func (t *trace) write(p passed) error {
	if err := t.to.put(p.Header, p.content); err != nil {
		return err
	}
	if t.since += p.content.Size(); t.since >= stateEvery {
		t.since = 0
		err := t.to.w.Flush()
		if err == nil {
			p.state, err = t.sum.(encoding.BinaryMarshaler).MarshalBinary()
		}
		if err != nil {
			return err
		}
	}
	t.passed = append(t.passed, p)
	return nil
}

func (t *trace) close() error {
	if err := t.part(); err != nil {
		return err
	}
	err := t.to.close()
	t.to, t.sum = nil, nil
	return err
}

// same says whether an entry is this one again.
func (p passed) same(h *tar.Header, content *Data) bool {
	o := p.Header
	return o.Name == h.Name && o.Typeflag == h.Typeflag && o.Linkname == h.Linkname && o.Mode == h.Mode &&
		o.Uid == h.Uid && o.Gid == h.Gid && o.Size == h.Size && o.Devmajor == h.Devmajor && o.Devminor == h.Devminor &&
		maps.Equal(o.PAXRecords, h.PAXRecords) && p.content.Shares(content)
}
