package userland

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"
)

// sum is md5sum and its kin: digests of files, or with -c their check.
func sum(t *tool) int {
	if t.has('c') {
		return t.checkSums()
	}
	names := t.inputNames()
	for _, name := range names {
		digest, ok := t.digest(name)
		if ok {
			t.printf("%s  %s\n", digest, name)
		}
	}
	return 0
}

func newHash(name string) hash.Hash {
	switch name {
	case "md5sum":
		return md5.New()
	case "sha1sum":
		return sha1.New()
	case "sha512sum":
		return sha512.New()
	}
	return sha256.New()
}

func (t *tool) digest(name string) (string, bool) {
	r, err := t.catOpen(name)
	if err != nil {
		t.cannot("open", name, err)
		return "", false
	}
	defer r.Close()
	h := newHash(t.name)
	if _, err := io.Copy(h, r); err != nil {
		t.errorf("can't read '%s': %s", name, reason(err))
		return "", false
	}
	return hex.EncodeToString(h.Sum(nil)), true
}

func (t *tool) checkSums() int {
	failed, lines := 0, 0
	t.eachInput(func(_ string, r io.Reader) error {
		return eachLine(r, func(line string, _ bool) bool {
			want, name, ok := strings.Cut(line, " ")
			if !ok || len(name) < 2 {
				t.errorf("invalid format")
				return true
			}
			lines++
			name = name[1:]
			got, ok := t.digest(name)
			verdict := "OK"
			if !ok || got != want {
				failed++
				verdict = "FAILED"
			}
			if !t.has('s') {
				t.printf("%s: %s\n", name, verdict)
			}
			return true
		})
	})
	if failed > 0 && !t.has('s') {
		t.errorf("WARNING: %d of %d computed checksums did NOT match", failed, lines)
	}
	return oneIf(failed > 0)
}
