package sim

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	_ "twinlayer/fs/testenv" // its flags are every package's
)

// TestAloud: lines are told as they come, the last of a flood, and nothing after
// the hush; what is written is whole.
func TestAloud(t *testing.T) {
	var mu sync.Mutex
	var told []string
	all := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string{}, told...)
	}
	ctx := WithProgress(t.Context(), func(p Progress) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, p.Action)
	})
	var kept strings.Builder
	w, hush := Aloud(ctx, &kept)
	fmt.Fprint(w, "one\ntw")
	fmt.Fprint(w, "o\n\nthr")
	require.Eventually(t, func() bool { return len(all()) == 3 }, 10*time.Second, time.Millisecond)
	require.Equal(t, []string{"one", "two", ""}, all())
	fmt.Fprint(w, strings.Repeat("x", 1<<20)+"\n"+strings.Repeat("y\n", 1<<20)+"last\n")
	require.Eventually(t, func() bool { return all()[len(all())-1] == "last" }, 10*time.Second, time.Millisecond)
	require.Len(t, all(), 3+linesMost)
	fmt.Fprint(w, strings.Repeat("z", 1<<20)+"\n")
	require.Eventually(t, func() bool { return len(all()) == 4+linesMost }, 10*time.Second, time.Millisecond)
	require.Equal(t, strings.Repeat("z", lineMost), all()[3+linesMost])
	fmt.Fprint(w, "too late\n")
	hush()
	time.Sleep(2 * telling)
	require.Len(t, all(), 4+linesMost)
	require.True(t, strings.HasPrefix(kept.String(), "one\ntwo\n\nthrxxx"))
	require.True(t, strings.HasSuffix(kept.String(), "last\n"+strings.Repeat("z", 1<<20)+"\ntoo late\n"))
	for _, quiet := range []context.Context{t.Context(), WithProgress(ctx, nil)} {
		w, hush := Aloud(quiet, &kept)
		require.Same(t, &kept, w)
		hush()
	}
}
