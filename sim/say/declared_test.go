package say_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	_ "twinlayer/real"
	_ "twinlayer/sim/repl" // with it come all that say something
	"twinlayer/sim/say"
)

// Every phrase that the program declares has a text with as many blanks, no
// two have the same key, and no text is without a phrase.
func TestDeclaredPhrases(t *testing.T) {
	texts := say.Blanks(say.English)
	for _, d := range fs.Declared() {
		n, ok := texts[d.Key]
		require.True(t, ok, "%s has no text, or is declared twice", d.Key)
		require.Equal(t, d.Blanks, n, "the blanks of %s", d.Key)
		delete(texts, d.Key)
	}
	for key := range texts {
		t.Errorf("nothing says %s", key)
	}
}
