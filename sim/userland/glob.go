package userland

import (
	"slices"
	"strings"
	"unicode/utf8"

	"twinlayer/fs"
)

// match says whether all of s fits the shell pattern pat: * ? [a-z] [!a-z],
// and backslash for the character itself.
func match(pat, s string) bool {
	var starPat, starText string // where the last star was, and what it has not taken
	starred := false
	for s != "" {
		if strings.HasPrefix(pat, "*") {
			pat = pat[1:]
			starPat, starText, starred = pat, s, true
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		if pat != "" {
			if rest, ok := matchOne(pat, r); ok {
				pat, s = rest, s[size:]
				continue
			}
		}
		if !starred {
			return false
		}
		_, size = utf8.DecodeRuneInString(starText)
		starText = starText[size:] // let the star take one more
		pat, s = starPat, starText
	}
	return strings.Trim(pat, "*") == ""
}

// matchOne matches one character against the pattern's first element and
// returns what follows it.
func matchOne(pat string, r rune) (rest string, ok bool) {
	switch pat[0] {
	case '?':
		return pat[1:], true
	case '[':
		if rest, ok, closed := matchClass(pat, r); closed {
			return rest, ok
		}
	case '\\':
		if len(pat) > 1 {
			pat = pat[1:]
		}
	}
	p, size := utf8.DecodeRuneInString(pat)
	return pat[size:], p == r
}

// matchClass matches a bracket expression; closed says whether it is one.
func matchClass(pat string, r rune) (rest string, ok, closed bool) {
	s := pat[1:]
	not := s != "" && (s[0] == '!' || s[0] == '^')
	if not {
		s = s[1:]
	}
	for first := true; s != "" && (first || s[0] != ']'); first = false {
		if name, after, is := cutClassName(s); is {
			ok = ok || inClass(name, r)
			s = after
			continue
		}
		var lo, hi rune
		lo, s = classRune(s)
		hi = lo
		if len(s) > 1 && s[0] == '-' && s[1] != ']' {
			hi, s = classRune(s[1:])
		}
		ok = ok || lo <= r && r <= hi
	}
	if s == "" {
		return "", false, false
	}
	return s[1:], ok != not, true
}

func classRune(s string) (rune, string) {
	if s[0] == '\\' && len(s) > 1 {
		s = s[1:]
	}
	r, size := utf8.DecodeRuneInString(s)
	return r, s[size:]
}

func cutClassName(s string) (name, rest string, ok bool) {
	if !strings.HasPrefix(s, "[:") {
		return "", s, false
	}
	return strings.Cut(s[2:], ":]")
}

// inClass knows the character classes of the C locale.
func inClass(name string, r rune) bool {
	lower, upper, digit := 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9'
	switch name {
	case "alpha":
		return lower || upper
	case "lower":
		return lower
	case "upper":
		return upper
	case "digit":
		return digit
	case "alnum":
		return lower || upper || digit
	case "space":
		return r == ' ' || '\t' <= r && r <= '\r'
	case "blank":
		return r == ' ' || r == '\t'
	case "punct":
		return '!' <= r && r <= '~' && !lower && !upper && !digit
	case "cntrl":
		return r < ' ' || r == 127
	case "print":
		return ' ' <= r && r <= '~'
	case "graph":
		return '!' <= r && r <= '~'
	case "xdigit":
		return digit || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
	}
	return false
}

// hasMeta says whether pat is more than a name.
func hasMeta(pat string) bool {
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// unescape takes the backslashes off a pattern that is only a name.
func unescape(pat string) string {
	if !strings.Contains(pat, `\`) {
		return pat
	}
	var b strings.Builder
	for i := 0; i < len(pat); i++ {
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
		}
		b.WriteByte(pat[i])
	}
	return b.String()
}

// glob are the existing paths that fit pat, sorted; dir is where relative
// ones begin.
func glob(fsys fs.FS, dir, pat string) []string {
	found := []string{""}
	parts := strings.SplitAfter(pat, "/")
	for i, part := range parts {
		name, slash := strings.CutSuffix(part, "/")
		var next []string
		for _, prefix := range found {
			next = append(next, globPart(fsys, dir, prefix, name, slash)...)
		}
		if i == len(parts)-1 && name == "" {
			break
		}
		found = next
	}
	slices.Sort(found)
	return found
}

func globPart(fsys fs.FS, dir, prefix, name string, slash bool) []string {
	p := Process{Dir: dir}
	end := ""
	if slash {
		end = "/"
	}
	if !hasMeta(name) {
		path := prefix + unescape(name) + end
		if _, _, err := fsys.LstatIfPossible(p.abs(path)); err != nil && path != "/" {
			return nil
		}
		return []string{path}
	}
	var found []string
	names, _ := listNames(fsys, p.abs(prefix+"."))
	for _, base := range names {
		if base[0] == '.' && !strings.HasPrefix(unescape(name), ".") || !match(name, base) {
			continue
		}
		if slash && !isDir(fsys, p.abs(prefix+base)) {
			continue
		}
		found = append(found, prefix+base+end)
	}
	return found
}

func isDir(fsys fs.FS, name string) bool {
	info, err := fsys.Stat(name)
	return err == nil && info.IsDir()
}
