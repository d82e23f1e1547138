package packages

import (
	"fmt"
	"sync"
	"unicode"
)

// generators compute files that a distribution has and that are too large to
// be kept here.
var generators = map[string]func() []byte{"charmap": sync.OnceValue(charmap), "ctype": sync.OnceValue(ctype)}

// assignedMax bounds the code points that the tables have: the Basic
// Multilingual Plane and the one above.
const assignedMax = 0x1ffff

// charmap is the UTF-8 encoding as glibc's charmaps/UTF-8 lists it.
func charmap() []byte {
	out := []byte("<code_set_name> UTF-8\n<comment_char> %\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 6\n\nCHARMAP\n")
	var utf8 []byte
	for r := rune(0); r <= assignedMax; r++ {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc) {
			continue
		}
		out = fmt.Appendf(out, "<U%04X>     ", r)
		utf8 = append(utf8[:0], string(r)...)
		for _, b := range utf8 {
			out = fmt.Appendf(out, "/x%02x", b)
		}
		out = append(out, '\n')
	}
	return append(out, "END CHARMAP\n"...)
}

// ctype is every code point's upper and lower case and what kind it is, 9
// bytes each, as a locale archive has such tables.
func ctype() []byte {
	kinds := []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C}
	out := make([]byte, 0, 9*(assignedMax+1))
	for r := rune(0); r <= assignedMax; r++ {
		kind := byte(0)
		for i, table := range kinds {
			if unicode.Is(table, r) {
				kind |= 1 << i
			}
		}
		up, low := unicode.ToUpper(r), unicode.ToLower(r)
		out = append(out, byte(up), byte(up>>8), byte(up>>16), 0, byte(low), byte(low>>8), byte(low>>16), 0, kind)
	}
	return out
}
