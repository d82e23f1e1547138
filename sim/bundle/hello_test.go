package bundle

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGreetingIsShort(t *testing.T) {
	require.LessOrEqual(t, len(Greeting), 700)
}

func TestHelloIsElf(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		program := Hello(arch)
		f, err := elf.NewFile(bytes.NewReader(program))
		require.NoError(t, err, arch)
		require.Equal(t, machine, f.Machine)
		require.Equal(t, elf.ET_EXEC, f.Type)
		require.Len(t, f.Progs, 1)
		require.EqualValues(t, len(program), f.Progs[0].Filesz)
		require.True(t, bytes.HasSuffix(program, []byte(Greeting)))
	}
	require.Nil(t, Hello("riscv64"))
}

func TestHelloRuns(t *testing.T) {
	if runtime.GOOS != "linux" || Hello(runtime.GOARCH) == nil {
		t.Skipf("/hello is no program for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	runHello(t, runtime.GOARCH)
}

func TestHelloRunsUnderQemu(t *testing.T) {
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("qemu-aarch64-static is not installed; TestHelloCode reads the instructions instead")
	}
	runHello(t, "arm64", qemu)
}

// runHello runs arch's /hello, by the given command if there is one.
func runHello(t *testing.T, arch string, by ...string) {
	name := filepath.Join(t.TempDir(), "hello")
	require.NoError(t, os.WriteFile(name, Hello(arch), 0o755))
	args := append(by, name)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, Greeting, string(out))
}
