package say

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	layers "twinlayer/fs"
	_ "twinlayer/fs/testenv" // its flags are every package's
)

// A language has a text for every key of English, with the same blanks.
func TestLanguagesAreComplete(t *testing.T) {
	all, err := read(files)
	require.NoError(t, err)
	require.Len(t, all, len(Languages()))
	for lang, texts := range all {
		for key, english := range all[English] {
			text, ok := texts[key]
			if !ok {
				t.Errorf("%s has no text for %s (%s)", lang, key, english)
				continue
			}
			want, _ := blanks(english)
			got, _ := blanks(text)
			require.Equal(t, want, got, "%s: the blanks of %s: %s", lang, key, text)
		}
		for key := range texts {
			require.Contains(t, all[English], key, "%s has a text that no phrase of English has", lang)
		}
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"# a comment\n\na.b = one = two\n": "",
		"a.b = \" spaced \"\n":             "",
		"a.b\n":                            `en/a.txt: line 1: "a.b" is not: key = text`,
		"a.b =\n":                          `en/a.txt: line 1: "a.b =" is not: key = text`,
		"a b = c\n":                        `en/a.txt: line 1: "a b = c" is not: key = text`,
		"a.b = c\n#\na.b = d\n":            "en/a.txt: line 3: a second text for a.b",
		"a.b = 100%\n":                     `en/a.txt: line 1: "100%": a blank is %s or %[2]s`,
		"a.b = %d\n":                       `en/a.txt: line 1: "%d": a blank is %s or %[2]s`,
		`a.b = "\q"`:                       "en/a.txt: line 1: a.b: the text is not quoted as in Go",
	} {
		_, err := read(fstest.MapFS{"en/a.txt": {Data: []byte(text)}})
		if want == "" {
			require.NoError(t, err, text)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

func TestBlanks(t *testing.T) {
	for text, want := range map[string][]int{
		"":                     nil,
		"100%%":                nil,
		"%s %s":                {1, 2},
		"%[2]s, %[1]s":         {1, 2},
		"%[2]s of %s in %[1]s": {1, 2, 3},
	} {
		got, err := blanks(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
}

func TestIn(t *testing.T) {
	require.Equal(t, "", In("zh", Phrase{}))
	require.Equal(t, "busybox", In("zh", Verbatim("busybox")))
	require.Equal(t, "7", In("zh", Verbatim(Verbatim(7))))
	require.Equal(t, "100%s", Text(Verbatim("100%s")))
	require.Equal(t, "busybox", In("xx", Verbatim("busybox")))
	require.Equal(t, "no.such 1 a", In("zh", Phrase{Key: "no.such", Args: []any{1, Verbatim("a")}}))
}

func TestDecoded(t *testing.T) {
	p := Phrase{Key: "a.b", Args: []any{"text", 7, Phrase{Key: "c.d", Args: []any{1000000, Phrase{Key: "e"}}}}}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"a.b","args":["text",7,{"key":"c.d","args":[1000000,{"key":"e"}]}]}`, string(text))
	var got Phrase
	require.NoError(t, json.Unmarshal(text, &got))
	require.False(t, p.Equal(got))
	require.True(t, p.Equal(Decoded(got)), "%v", Decoded(got))
}

func TestEqual(t *testing.T) {
	require.True(t, Verbatim(Verbatim("a")).Equal(Verbatim(Verbatim("a"))))
	require.False(t, Verbatim(Verbatim("a")).Equal(Verbatim(Verbatim("b"))))
	require.False(t, Verbatim("a").Equal(Verbatim(Verbatim("a"))))
	require.True(t, Phrase{}.Equal(layers.Phrase{}))
}
