package bundle

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs/testenv"
)

const anyProgram = "package main\n\nfunc main() { println() }\n"

// built is a program that is built for an architecture.
func built(t *testing.T, arch string, args ...string) string {
	dir := t.TempDir()
	source, exe := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	require.NoError(t, os.WriteFile(source, []byte(anyProgram), 0o644))
	cmd := exec.Command("go", append(append([]string{"build", "-o", exe}, args...), source)...)
	cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exe
}

// TestSignals: a program takes signals as one in C does, and blocks none,
// whether or not it was linked with symbols.
func TestSignals(t *testing.T) {
	arches, ways := []string{"amd64", "arm64"}, []string{"", "-s -w"}
	for i, arch := range arches {
		for j, flags := range ways {
			t.Run(arch+" "+flags, func(t *testing.T) {
				testenv.Sample(t, i*len(ways)+j, len(arches)*len(ways), 1) // another machine's is compiled afresh
				exe := built(t, arch, "-ldflags="+flags)
				content, err := openData(exe)
				require.NoError(t, err)
				before, err := readGo(content)
				require.NoError(t, err)
				masks := before.masks()
				require.Len(t, masks, 1)
				if flags == "" {
					require.Equal(t, addressOf(t, exe, "runtime.sigset_all"), masks[0])
				}
				p, err := readGo(asTools(content))
				require.NoError(t, err)
				table, _ := signalTable(p.File)
				require.NotNil(t, table)
				for i := 1; i < signalCount; i++ {
					require.NotZero(t, table[i*signalWords]&sigDefault, "signal %d", i)
				}
				mask, err := load(p.File, masks[0], 1)
				require.NoError(t, err)
				require.Zero(t, mask[0])
			})
		}
	}
}

func addressOf(t *testing.T, exe, symbol string) uint64 {
	f, err := elf.Open(exe)
	require.NoError(t, err)
	defer f.Close()
	symbols, err := f.Symbols()
	require.NoError(t, err)
	for _, s := range symbols {
		if s.Name == symbol {
			return s.Value
		}
	}
	require.Fail(t, "no such symbol", symbol)
	return 0
}
