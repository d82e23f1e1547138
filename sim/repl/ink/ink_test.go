package ink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/fatih/color"
	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "",
		"plain, ünï, 你好, 👩‍👧, é":           "plain, ünï, 你好, 👩‍👧, é",
		"می\u200cخواهم":                    "می\u200cخواهم", // the joiner belongs to the word
		"\x1b[2J":                          `\x1b[2J`,
		"\x1b]0;title\a":                   `\x1b]0;title\a`,
		"a\bb\rc\nd\te\x7f":                `a\bb\rc\nd\te\x7f`,
		"\u009b2J":                         `\u009b2J`,
		"\x9b2J\xff":                       `\x9b2J\xff`,
		"\u202eabc\u202c\u2066x\u2069":     `\u202eabc\u202c\u2066x\u2069`,
		"\u200e\u200f\u061c\ufeff\u200b":   `\u200e\u200f\u061c\ufeff\u200b`,
		"\u2028\u2029":                     `\u2028\u2029`,
		"\ue000\ufdd0\uffff\U000e0041":     `\ue000\ufdd0\uffff\U000e0041`,
		"é\xe4\xbd":                        `é\xe4\xbd`,
		"\ufffd is a character of its own": "\ufffd is a character of its own",
	} {
		require.Equal(t, want, Visible(text), "%q", text)
		require.Equal(t, want, Visible(want), "what is visible stays")
	}
}

// TestNothingPasses: every control and format character, and every byte that is
// no UTF-8.
func TestNothingPasses(t *testing.T) {
	var all []string
	for r := range rune(unicode.MaxRune + 1) {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && r != zeroWidthJoiner && r != zeroWidthNonJoiner {
			all = append(all, string(r))
		}
	}
	for b := 0x80; b <= 0xff; b++ {
		all = append(all, string([]byte{byte(b)}))
	}
	require.Greater(t, len(all), 300)
	for _, text := range all {
		for _, got := range []string{Visible(text), Printed("a" + text + "b")} {
			require.False(t, strings.ContainsFunc(got, func(r rune) bool { return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) }), "%q: %q", text, got)
			require.NotContains(t, got, "\ufffd", "%q is still to be told", text)
		}
	}
}

func TestPrinted(t *testing.T) {
	for line, want := range map[string]string{
		"a\tb":                               "a       b",
		"\x1b\t|":                            `\x1b    |`,
		"你\t|":                               "你      |",
		"\x1b[1;31mred\x1b[0m \x1b[38:5:9mx": "red x",
		"\x1b[01;31m\x1b[Kgrep\x1b[m\x1b[K":  "grep",
		"ends\r":                             "ends",
		"10%\r20%\r":                         `10%\r20%`,
		"\x1b[2J\x1b[?25l\x1b[1;1H":          `\x1b[2J\x1b[?25l\x1b[1;1H`,
		"\x1b[\x1b[31m2J":                    `\x1b[2J`,
	} {
		require.Equal(t, want, Printed(line), "%q", line)
	}
}

func TestPen(t *testing.T) {
	red := color.New(color.FgRed)
	red.EnableColor()
	var out strings.Builder
	p := NewPen(&out)
	p.Line(Text("a\x1b[1m "), Span{red, "b\x1b[0m\n"})
	p.Lines("c\td\n\u202e")
	p.Redraw(2, [][]Span{{Text("e\x1b[3A")}})
	require.Equal(t, `a\x1b[1m `+"\x1b[31m"+`b\x1b[0m\n`+"\x1b[0m\nc       d\n"+`\u202e`+"\n\x1b[2A\r\x1b[J"+`e\x1b[3A`+"\n", out.String())
	out.Reset()
	n, err := fmt.Fprintf(Writer(&out), "one\x1b[2J\ntwo")
	require.NoError(t, err)
	require.Equal(t, len("one.[2J.two"), n)
	require.Equal(t, `one\x1b[2J`+"\ntwo", out.String())
}

// TestJSON: what is written has nothing that a terminal obeys, and reads as
// what it was.
func TestJSON(t *testing.T) {
	var all strings.Builder
	for r := range rune(unicode.MaxRune + 1) {
		if hidden(r) && !unicode.Is(unicode.Cs, r) && !unicode.Is(unicode.Co, r) && r < someByte {
			all.WriteRune(r)
		}
	}
	want := map[string]string{"text <&>": all.String() + "é你\\u202e", "\x1b\u202e\U000e0041": "key"}
	var out bytes.Buffer
	require.NoError(t, JSON(&out, want))
	require.True(t, strings.HasSuffix(out.String(), "}\n"))
	require.False(t, strings.ContainsFunc(strings.TrimSuffix(out.String(), "\n"), hidden))
	require.Contains(t, out.String(), "<&>")
	got := map[string]string{}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, want, got)
}

// TestJSONBytes: what is no UTF-8 is told byte by byte.
func TestJSONBytes(t *testing.T) {
	type Inner struct{ Text string }
	type value struct {
		Inner
		Many  []Inner
		Named map[string]any
		One   *Inner
		None  *Inner
		Left  string `json:"-"`
		own   string
	}
	text := "a\x9b\xff\ufffd\U0010ff41é"
	told := `a\udc9b\udcff` + "\ufffd" + `\udcf4\udc8f\udcbd\udc81é`
	v := value{Inner{text}, []Inner{{text}}, map[string]any{text: text}, &Inner{text}, nil, text, text}
	var out bytes.Buffer
	require.NoError(t, JSON(&out, v))
	require.Equal(t, `{"Text":"T","Many":[{"Text":"T"}],"Named":{"T":"T"},"One":{"Text":"T"},"None":null}`+"\n", strings.ReplaceAll(out.String(), told, "T"))
	require.True(t, json.Valid(out.Bytes()))
	require.Equal(t, text, v.One.Text, "it is a copy that was changed")
}
