package say

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/arch/arm64/arm64asm"
	"golang.org/x/arch/x86/x86asm"

	_ "twinlayer/fs/testenv" // its flags are every package's
)

// TestProgram: each program is recognized as what it was made for, and no
// other file is.
func TestProgram(t *testing.T) {
	for arch := range machines {
		for _, text := range []string{"", "hello\n", strings.Repeat("x", Max)} {
			for _, status := range []int{0, 1, 0xbf, 255} {
				program := Program(arch, text, status)
				f, err := elf.NewFile(bytes.NewReader(program))
				require.NoError(t, err)
				require.EqualValues(t, f.Progs[0].Vaddr+headers, f.Entry)
				gotText, gotStatus, ok := Of(arch, program)
				require.True(t, ok)
				require.Equal(t, text, gotText)
				require.Equal(t, status, gotStatus)
				_, _, ok = Of(arch, append(program[:len(program):len(program)], 'x'))
				require.False(t, ok)
			}
		}
	}
	require.Nil(t, Program("riscv64", "", 0))
	require.Nil(t, Program("amd64", strings.Repeat("x", Max+1), 0))
}

// TestRuns runs programs on this machine.
func TestRuns(t *testing.T) {
	if runtime.GOOS != "linux" || Program(runtime.GOARCH, "", 0) == nil {
		t.Skipf("no program for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	for _, status := range []int{0, 7} {
		name := filepath.Join(t.TempDir(), "say")
		require.NoError(t, os.WriteFile(name, Program(runtime.GOARCH, "said\n", status), 0o755))
		c := exec.Command(name)
		out, _ := c.Output()
		require.Equal(t, "said\n", string(out))
		require.Equal(t, status, c.ProcessState.ExitCode())
	}
}

func TestCode(t *testing.T) {
	require.Equal(t, []string{
		"mov edi, 0x1", "lea rsi, ptr [rip+0x15]", "mov edx, 0x1234", "mov eax, 0x1", "syscall",
		"xor edi, edi", "mov eax, 0xe7", "syscall",
	}, disassemble(t, amd64(0x1234, 0), decodeX86))
	require.Equal(t, []string{
		"MOV X0, #0x1", "ADR X1, .+0x1c", "MOV X2, #0x1234", "MOV X8, #0x40", "SVC #0x0",
		"MOV X0, #0x0", "MOV X8, #0x5e", "SVC #0x0",
	}, disassemble(t, arm64(0x1234, 0), decodeArm))
	require.Equal(t, 12+0x15, len(amd64(9, 0)), "rip after lea, and 0x15: the end of the code")
	require.Equal(t, 4+0x1c, len(arm64(9, 0)), "adr, and 0x1c: the end of the code")
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
