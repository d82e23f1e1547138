//go:build linux

package runtime

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// filters are the seccomp filters that were made, by capabilities.
var filters sync.Map

// filterFor is docker's default seccomp profile for a container with these
// capabilities, as a program for the kernel.
func filterFor(capabilities []string) ([]unix.SockFilter, error) {
	key := strings.Join(capabilities, " ")
	if made, ok := filters.Load(key); ok {
		return made.([]unix.SockFilter), nil
	}
	profile, err := seccomp.GetDefaultProfile(&specs.Spec{
		Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: capabilities}},
	})
	if err != nil {
		return nil, fmt.Errorf("docker's seccomp profile: %w", err)
	}
	made, err := assembleAll(profile)
	if err == nil {
		filters.Store(key, made)
	}
	return made, err
}

// compatible are the instruction sets whose system calls a machine's kernel
// takes, the numbers of which differ.
var compatible = map[string][]*arch.Info{
	"amd64": {arch.X86_64, arch.X32, arch.I386},
	"arm64": {arch.AARCH64, arch.ARM},
}

// assembleAll makes one program of a block for each instruction set. A call
// from any other kills the process.
func assembleAll(profile *specs.LinuxSeccomp) ([]unix.SockFilter, error) {
	sets := compatible[runtime.GOARCH]
	if sets == nil {
		return nil, fmt.Errorf("the numbers of the system calls of %s are not known, so containers cannot be confined: use an amd64 or arm64 machine", runtime.GOARCH)
	}
	program := []unix.SockFilter{load(offsetArch)}
	for _, set := range sets {
		block, err := assemble(profile, set)
		if err != nil {
			return nil, fmt.Errorf("seccomp filter for %s: %w", set.Name, err)
		}
		enter := []unix.SockFilter{jump(unix.BPF_JEQ, uint32(set.ID), 1, 0), always(len(block))}
		if set == arch.X86_64 { // x32 has the same name and other numbers
			enter = []unix.SockFilter{
				jump(unix.BPF_JEQ, uint32(set.ID), 1, 0), always(len(block) + 4),
				load(offsetNumber), jump(unix.BPF_JGE, x32Bit, 0, 2),
				load(offsetArch), always(len(block)),
			}
		}
		program = slices.Concat(program, enter, block)
	}
	program = append(program, give(unix.SECCOMP_RET_KILL_PROCESS))
	if len(program) > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("%d instructions are more than the kernel takes", len(program))
	}
	return program, nil
}

// Offsets in struct seccomp_data (seccomp(2)); both machines are
// little-endian.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
	x32Bit       = 0x40000000
)

// rule says what happens to a system call whose arguments meet all tests.
type rule struct {
	action uint32
	args   []specs.LinuxSeccompArg
}

// assemble makes the block for one instruction set: an end for every call.
func assemble(profile *specs.LinuxSeccomp, set *arch.Info) ([]unix.SockFilter, error) {
	rules, err := rulesFor(profile, set)
	if err != nil {
		return nil, err
	}
	var open, tested []uint32 // numbers that are allowed as they are, and others
	for number, list := range rules {
		if slices.ContainsFunc(list, func(r rule) bool { return r.action == unix.SECCOMP_RET_ALLOW && len(r.args) == 0 }) {
			open = append(open, number)
		} else {
			tested = append(tested, number)
		}
	}
	slices.Sort(open)
	slices.Sort(tested)
	refuse, err := returned(profile.DefaultAction, profile.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	var tests []unix.SockFilter
	for _, number := range tested {
		test, err := testCall(number, rules[number], refuse)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test...)
	}
	newest := max(slices.Max(open), slices.Max(tested))
	// As runc does: calls younger than the profile do not exist.
	block := []unix.SockFilter{load(offsetNumber), jump(unix.BPF_JGT, newest, 0, 1), give(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))}
	return slices.Concat(block, allow(open), tests, []unix.SockFilter{give(refuse)}), nil
}

// rulesFor are the profile's rules by number. A call that the instruction set
// does not have is passed over.
func rulesFor(profile *specs.LinuxSeccomp, set *arch.Info) (map[uint32][]rule, error) {
	rules := map[uint32][]rule{}
	for _, call := range profile.Syscalls {
		action, err := returned(call.Action, call.ErrnoRet)
		if err != nil {
			return nil, err
		}
		for _, name := range call.Names {
			if n, ok := set.SyscallNames[name]; ok {
				number := uint32(n | set.SeccompMask)
				rules[number] = append(rules[number], rule{action, call.Args})
			}
		}
	}
	return rules, nil
}

// returned is what a filter returns for an action.
func returned(action specs.LinuxSeccompAction, errno *uint) (uint32, error) {
	switch action {
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW, nil
	case specs.ActErrno:
		if errno == nil {
			return unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM), nil
		}
		return unix.SECCOMP_RET_ERRNO | uint32(*errno), nil
	}
	return 0, fmt.Errorf("action %s is not known", action)
}

// allow lets the numbers through; what is not among them goes on after it.
func allow(numbers []uint32) (program []unix.SockFilter) {
	for len(numbers) > 0 {
		n := 1
		for n < len(numbers) && numbers[n] == numbers[n-1]+1 {
			n++
		}
		program = append(program,
			jump(unix.BPF_JGT, numbers[n-1], 2, 0), jump(unix.BPF_JGE, numbers[0], 0, 1), give(unix.SECCOMP_RET_ALLOW))
		numbers = numbers[n:]
	}
	return program
}

// testCall decides over one system call by its arguments.
func testCall(number uint32, rules []rule, refuse uint32) ([]unix.SockFilter, error) {
	var program []unix.SockFilter
	for _, r := range rules {
		test := []unix.SockFilter{give(r.action)}
		for _, arg := range slices.Backward(r.args) {
			one, err := testArg(arg, uint8(len(test)))
			if err != nil {
				return nil, err
			}
			test = append(one, test...)
		}
		program = append(program, test...)
	}
	if len(rules[len(rules)-1].args) > 0 {
		program = append(program, give(refuse))
	}
	if len(program) > 255 {
		return nil, fmt.Errorf("call %d has too many rules", number)
	}
	return append([]unix.SockFilter{jump(unix.BPF_JEQ, number, 0, uint8(len(program)))}, program...), nil
}

// testArg goes on if the argument passes the test, or else skips so many
// instructions. The kernel takes the lower half alone of all arguments that
// the profile tests.
func testArg(a specs.LinuxSeccompArg, skip uint8) ([]unix.SockFilter, error) {
	if a.Value>>32 != 0 || a.ValueTwo>>32 != 0 {
		return nil, fmt.Errorf("a test for %#x is longer than 32 bits", a.Value)
	}
	value, low := uint32(a.Value), load(offsetArgs+8*uint32(a.Index))
	switch a.Op {
	case specs.OpEqualTo:
		return []unix.SockFilter{low, jump(unix.BPF_JEQ, value, 0, skip)}, nil
	case specs.OpNotEqual:
		return []unix.SockFilter{low, jump(unix.BPF_JEQ, value, skip, 0)}, nil
	case specs.OpLessThan:
		return []unix.SockFilter{low, jump(unix.BPF_JGE, value, skip, 0)}, nil
	case specs.OpLessEqual:
		return []unix.SockFilter{low, jump(unix.BPF_JGT, value, skip, 0)}, nil
	case specs.OpGreaterEqual:
		return []unix.SockFilter{low, jump(unix.BPF_JGE, value, 0, skip)}, nil
	case specs.OpGreaterThan:
		return []unix.SockFilter{low, jump(unix.BPF_JGT, value, 0, skip)}, nil
	case specs.OpMaskedEqual:
		mask := unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: value}
		return []unix.SockFilter{low, mask, jump(unix.BPF_JEQ, uint32(a.ValueTwo), 0, skip)}, nil
	}
	return nil, fmt.Errorf("test %s is not known", a.Op)
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(test uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func always(skip int) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(skip)}
}

func give(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}
