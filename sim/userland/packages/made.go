package packages

import (
	"sync"
	"unicode"
)

// generators compute files that a distribution has and that are too large to
// be kept here.
var generators = map[string]func() []byte{"charmap": sync.OnceValue(charmap), "ctype": sync.OnceValue(ctype)}

// assignedMax bounds the code points that the tables have: the Basic
// Multilingual Plane and the one above.
const assignedMax = 0x1ffff

// kinds has a bit for each kind of character that a code point is; 0: none.
var kinds = sync.OnceValue(func() []byte {
	out := make([]byte, assignedMax+1)
	for bit, table := range []*unicode.RangeTable{unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Cc} {
		for _, r := range table.R16 {
			for at := rune(r.Lo); at <= rune(r.Hi); at += rune(r.Stride) {
				out[at] |= 1 << bit
			}
		}
		for _, r := range table.R32 {
			for at := rune(r.Lo); at <= min(rune(r.Hi), assignedMax); at += rune(r.Stride) {
				out[at] |= 1 << bit
			}
		}
	}
	return out
})

// charmap is the UTF-8 encoding as glibc's charmaps/UTF-8 lists it.
func charmap() []byte {
	out := make([]byte, 0, 3<<20)
	out = append(out, "<code_set_name> UTF-8\n<comment_char> %\n<escape_char> /\n<mb_cur_min> 1\n<mb_cur_max> 6\n\nCHARMAP\n"...)
	for r, kind := range kinds() {
		if kind == 0 {
			continue
		}
		digits := 4
		if r > 0xffff {
			digits = 5
		}
		out = append(hexadecimal(append(out, "<U"...), r, digits, "0123456789ABCDEF"), ">     "...)
		for _, b := range []byte(string(rune(r))) {
			out = hexadecimal(append(out, "/x"...), int(b), 2, "0123456789abcdef")
		}
		out = append(out, '\n')
	}
	return append(out, "END CHARMAP\n"...)
}

func hexadecimal(out []byte, n, digits int, alphabet string) []byte {
	for i := digits - 1; i >= 0; i-- {
		out = append(out, alphabet[n>>(4*i)&15])
	}
	return out
}

// ctype is every code point's upper and lower case and what kind it is, 9
// bytes each, as a locale archive has such tables.
func ctype() []byte {
	out := make([]byte, 0, 9*(assignedMax+1))
	for i, kind := range kinds() {
		up, low := rune(i), rune(i)
		if kind&1 != 0 {
			up, low = unicode.ToUpper(up), unicode.ToLower(low)
		}
		out = append(out, byte(up), byte(up>>8), byte(up>>16), 0, byte(low), byte(low>>8), byte(low>>16), 0, kind)
	}
	return out
}
