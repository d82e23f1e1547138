package userland

import (
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// pattern is a compiled regular expression. One with back-references needs a
// matcher that tries and goes back; all others have Go's, whose time is
// bounded by the text's length.
type pattern struct {
	plain    *regexp.Regexp
	back     *regexp2.Regexp // nil: plain serves
	groups   int
	anchored bool // it begins with ^
}

// backtrackTime is how long a match with back-references may take.
const backtrackTime = 5 * time.Second

// compile compiles an expression of Go's syntax, or with back-references
// beside it.
func compile(flags, expr string, back bool) (*pattern, error) {
	if !back {
		re, err := regexp.Compile(flags + expr)
		return &pattern{plain: re}, err
	}
	re, err := regexp2.Compile(flags+expr, regexp2.RE2)
	if err == nil {
		re.MatchTimeout = backtrackTime
	}
	return &pattern{back: re}, err
}

func (p *pattern) MatchString(s string) bool { return p.FindStringIndex(s) != nil }

// FindStringIndex is where the first match is, nil if there is none.
func (p *pattern) FindStringIndex(s string) []int {
	if p.back == nil {
		return p.plain.FindStringIndex(s)
	}
	if all := p.find(s, 1); all != nil {
		return all[0][:2]
	}
	return nil
}

// FindStringSubmatch is the first match and its groups.
func (p *pattern) FindStringSubmatch(s string) []string {
	if p.back == nil {
		return p.plain.FindStringSubmatch(s)
	}
	all := p.find(s, 1)
	if all == nil {
		return nil
	}
	var out []string
	for i := 0; i < len(all[0]); i += 2 {
		if all[0][i] < 0 {
			out = append(out, "")
			continue
		}
		out = append(out, s[all[0][i]:all[0][i+1]])
	}
	return out
}

// FindAllStringSubmatchIndex is where all matches and their groups are.
func (p *pattern) FindAllStringSubmatchIndex(s string) [][]int {
	if p.back == nil {
		return p.plain.FindAllStringSubmatchIndex(s, -1)
	}
	return p.find(s, -1)
}

// find is up to n matches with their groups, in bytes; regexp2 counts runes. A
// match that takes too long is none.
func (p *pattern) find(s string, n int) (all [][]int) {
	valid := strings.ToValidUTF8(s, "?")
	if len(valid) != len(s) {
		return nil
	}
	offsets := make([]int, 0, len(valid)+1)
	for i := range valid {
		offsets = append(offsets, i)
	}
	offsets = append(offsets, len(valid))
	m, err := p.back.FindStringMatch(valid)
	for m != nil && err == nil && len(all) != n {
		all = append(all, groupIndexes(m, offsets))
		m, err = p.back.FindNextMatch(m)
	}
	return all
}

func groupIndexes(m *regexp2.Match, offsets []int) (out []int) {
	for _, g := range m.Groups() {
		if len(g.Captures) == 0 {
			out = append(out, -1, -1)
			continue
		}
		out = append(out, offsets[g.Index], offsets[g.Index+g.Length])
	}
	return out
}
