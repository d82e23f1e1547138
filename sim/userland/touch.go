package userland

import (
	"os"
	"time"

	"twinlayer/fs"
)

// touch sets times, and makes the files that are missing.
func touch(t *tool) int {
	if len(t.args) == 0 {
		return badUsage
	}
	atime, mtime, ok := t.touchTimes()
	if !ok {
		return 1
	}
	for _, name := range t.args {
		t.touchOne(name, atime, mtime)
	}
	return 0
}

func (t *tool) touchTimes() (atime, mtime time.Time, ok bool) {
	atime = t.Now()
	mtime = atime
	switch {
	case t.has('r'):
		st, err := t.stat(t.val('r'))
		if err != nil {
			t.fail(t.val('r'), err)
			return atime, mtime, false
		}
		atime, mtime = st.Atime, st.Mtime
	case t.has('d') || t.has('t'):
		text := t.val('d') + t.val('t')
		when, err := parseDate(text, t.Now(), zone(t.Process))
		if err != nil {
			t.errorf("invalid date '%s'", text)
			return atime, mtime, false
		}
		atime, mtime = when, when
	}
	switch {
	case t.has('a') && !t.has('m'):
		mtime = time.Time{}
	case t.has('m') && !t.has('a'):
		atime = time.Time{}
	}
	return atime, mtime, true
}

func (t *tool) touchOne(name string, atime, mtime time.Time) {
	err := t.FS.Utimes(t.abs(name), atime, mtime, !t.has('h'))
	if err == nil {
		return
	}
	if fs.ErrnoOf(err) != fs.ENOENT {
		t.fail(name, err)
		return
	}
	if t.has('c') || t.has('h') {
		return
	}
	f, err := t.FS.OpenFile(t.abs(name), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.fail(name, err)
		return
	}
	f.Close()
	if t.has('d') || t.has('t') || t.has('r') || t.has('a') || t.has('m') {
		if err := t.FS.Utimes(t.abs(name), atime, mtime, true); err != nil {
			t.fail(name, err)
		}
	}
}
