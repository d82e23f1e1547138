package lessons

import (
	"cmp"
	"slices"
	"strings"
)

// The languages of the course.
const (
	English = "en"
	Chinese = "zh"
)

// Languages are the languages that every lesson of the course has.
var Languages = []string{English, Chinese}

// Language is the language to begin with: the one asked for, else the one of
// the environment (LC_ALL, LC_MESSAGES and LANG, in that order, as POSIX has
// it), else English.
func Language(asked string, getenv func(string) string) string {
	locale := cmp.Or(asked, getenv("LC_ALL"), getenv("LC_MESSAGES"), getenv("LANG"))
	lang, _, _ := strings.Cut(strings.ToLower(locale), ".")
	lang, _, _ = strings.Cut(lang, "_")
	lang, _, _ = strings.Cut(lang, "-")
	if slices.Contains(Languages, lang) {
		return lang
	}
	return English
}
