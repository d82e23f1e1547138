package repl

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// Terminals draw "…" and the like in one column, also in a Chinese locale.
func init() { runewidth.DefaultCondition.EastAsianWidth = false }

// breakable takes a text apart where a line may end: behind a blank, and, as
// Chinese is written, between any two wide characters, but not in front of a
// closing mark or behind an opening one. Blanks stay at the end of a piece,
// one for any number.
func breakable(text string) (out []string) {
	for word := range strings.FieldsSeq(text) {
		piece := ""
		var last rune
		for _, c := range word {
			if piece != "" && mayBreak(last, c) {
				out, piece = append(out, piece), ""
			}
			piece += string(c)
			last = c
		}
		out = append(out, piece+" ")
	}
	return out
}

func mayBreak(a, b rune) bool {
	wide := runewidth.RuneWidth(a) == 2 || runewidth.RuneWidth(b) == 2
	return wide && !strings.ContainsRune("，。！？：；、）」』”’…,.!?:;)", b) && !strings.ContainsRune("（「『“‘(", a)
}

func width(s string) int { return runewidth.StringWidth(strings.TrimSuffix(s, "\n")) }
