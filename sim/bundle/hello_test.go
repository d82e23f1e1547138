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
	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"
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
		require.EqualValues(t, f.Progs[0].Vaddr+headers, f.Entry)
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

func TestHelloCode(t *testing.T) {
	n := uint32(len(Greeting))
	require.Equal(t, []string{
		"mov edi, 0x1", "lea rsi, ptr [rip+0x15]", "mov edx, 0x1234", "mov eax, 0x1", "syscall",
		"xor edi, edi", "mov eax, 0xe7", "syscall",
	}, disassemble(t, amd64(0x1234), decodeX86))
	require.Equal(t, []string{
		"MOV X0, #0x1", "ADR X1, .+0x1c", "MOV X2, #0x1234", "MOV X8, #0x40", "SVC #0x0",
		"MOV X0, #0x0", "MOV X8, #0x5e", "SVC #0x0",
	}, disassemble(t, arm64(0x1234), decodeArm))
	require.Equal(t, 12+0x15, len(amd64(n)), "rip after lea, and 0x15: the end of the code")
	require.Equal(t, 4+0x1c, len(arm64(n)), "adr, and 0x1c: the end of the code")
}

func disassemble(t *testing.T, code []byte, decode func([]byte) (string, int, error)) (lines []string) {
	for len(code) > 0 {
		line, n, err := decode(code)
		require.NoError(t, err)
		lines, code = append(lines, line), code[n:]
	}
	return lines
}

func decodeX86(code []byte) (string, int, error) {
	inst, err := x86asm.Decode(code, 64)
	return x86asm.IntelSyntax(inst, 0, nil), inst.Len, err
}

func decodeArm(code []byte) (string, int, error) {
	inst, err := arm64asm.Decode(code)
	return inst.String(), 4, err
}
