package fs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPhrases(t *testing.T) {
	p := Phrase{"a", []any{"x", 1, Phrase{"b", []any{"x"}}}}
	require.True(t, Phrase{}.Empty())
	require.True(t, p.Or(Phrase{"c", nil}).Equal(p))
	require.True(t, Phrase{}.Or(p).Equal(p))
	doubled := p.Map(func(s string) string { return s + s })
	require.True(t, doubled.Equal(Phrase{"a", []any{"xx", 1, Phrase{"b", []any{"xx"}}}}))
	require.Equal(t, "x", p.Args[0], "the phrase itself stays")
	require.False(t, p.Equal(doubled))
	require.False(t, p.Equal(Phrase{"a", []any{"x", 1}}))
}
