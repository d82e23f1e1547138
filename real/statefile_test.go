package real

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStateFile(t *testing.T) {
	f := StateFile(filepath.Join(t.TempDir(), "state", "progress.json"))
	text, err := f.Load()
	require.NoError(t, err)
	require.Empty(t, text)
	require.NoError(t, f.Save([]byte("one")))
	require.NoError(t, f.Save([]byte("two")))
	text, err = f.Load()
	require.NoError(t, err)
	require.Equal(t, "two", string(text))
	entries, err := os.ReadDir(filepath.Dir(f.Name()))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside it")
	require.Error(t, StateFile(filepath.Join(string(f), "below a file")).Save(nil))
	require.NoError(t, StateFile("").Save([]byte("nowhere")))
}

// TestTempDir: a directory of this machine goes with whoever made it, and one
// of a program that died with the next.
func TestTempDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d, err := Host{}.TempDir()
	require.NoError(t, err)
	require.NoError(t, d.Write("a/b", "text"))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(d.Path(), "link")))
	files, err := d.Files()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a/b": "text"}, files)
	require.NoError(t, d.Clear())
	files, err = d.Files()
	require.NoError(t, err)
	require.Empty(t, files)
	dead := filepath.Join(os.TempDir(), tempDirs+"dead")
	require.NoError(t, os.Mkdir(dead, 0o755))
	other, err := Host{}.TempDir()
	require.NoError(t, err)
	require.DirExists(t, d.Path())
	require.NoDirExists(t, dead)
	require.NoError(t, d.Remove())
	require.NoError(t, other.Remove())
	require.NoDirExists(t, d.Path())
}

// TestEditor: EDITOR is a command with arguments, and a file's name is one
// argument more, whatever is in it.
func TestEditor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a $(name) of three")
	require.NoError(t, Editor("printf %s >>").Edit(t.Context(), file))
	require.FileExists(t, file)
	require.Error(t, Editor("exit 3;").Edit(t.Context(), file))
}
