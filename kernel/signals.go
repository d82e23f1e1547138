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
