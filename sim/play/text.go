package play

import (
	"maps"
	"slices"
	"strings"

	"twinlayer/lessons"
	"twinlayer/sim/say"
)

// Phrase is what twinlayer itself says; a screen has it told by [say.In].
type Phrase = say.Phrase

// Text is what a lesson says, by language.
type Text map[string]string

// is says whether words are the text, in one of its languages.
func (t Text) is(words string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(t)), func(own string) bool { return plain(own) == plain(words) })
}

// names says whether words are part of the text, in one of its languages.
func (t Text) names(words string) bool {
	return len(plain(words)) > 2 && slices.ContainsFunc(slices.Collect(maps.Values(t)), func(own string) bool { return strings.Contains(plain(own), plain(words)) })
}

// plain is a text without what nobody types: capitals, and marks at its ends.
func plain(text string) string {
	return strings.ToLower(strings.Trim(text, " .,!?。，！？`\"'"))
}

// In is the text in a language, else in English, else in any.
func (t Text) In(lang string) string {
	for _, lang := range []string{lang, say.English} {
		if text, ok := t[lang]; ok {
			return text
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(t)) {
		return t[lang]
	}
	return ""
}

// textOf picks a text out of a lesson's words; nil where it is nowhere.
func textOf(l lessons.Lesson, pick func(lessons.Words) string) Text {
	t := Text{}
	for lang, words := range l.Words {
		if text := pick(words); text != "" {
			t[lang] = text
		}
	}
	if len(t) == 0 {
		return nil
	}
	return t
}

// textIn is a text of a step's.
func textIn(l lessons.Lesson, step string, pick func(lessons.StepWords) string) Text {
	return textOf(l, func(w lessons.Words) string { return pick(w.Steps[step]) })
}

func refTo(l lessons.Lesson) LessonRef {
	return LessonRef{l.ID, l.Order, textOf(l, func(w lessons.Words) string { return w.Title })}
}
