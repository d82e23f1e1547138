package kernel

import (
	"strconv"
	"strings"
)

// SignalName is a signal's name without "SIG"; "" where there is none.
func SignalName(s string) string {
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > 64 {
			return ""
		}
		if n < len(signalNames) {
			return signalNames[n]
		}
		return "RTMIN+" + strconv.Itoa(n-34)
	}
	for _, known := range signalNames {
		if name == known && name != "" {
			return name
		}
	}
	if strings.HasPrefix(name, "RTM") {
		return name
	}
	return ""
}

// signalNames are Linux's by number (signal(7)).
var signalNames = []string{
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

// Harmless says whether a signal ends no process by default: 0 only asks for
// the process; CHLD, CONT, URG and WINCH are ignored (signal(7)); and nothing is
// modelled of those that stop one.
func Harmless(signal int) bool { return signal == 0 || harmless[signal] }

var harmless = map[int]bool{17: true, 18: true, 19: true, 20: true, 21: true, 22: true, 23: true, 28: true}
