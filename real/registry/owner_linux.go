package registry

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// owner is the user whose process holds the far end of a connection on this
// machine, as the kernel lists it (proc_pid_net(5), tcp).
func owner(near, far netip.AddrPort) (uid int, err error) {
	f, err := os.Open("/proc/self/net/tcp")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	end := row(far) + " " + row(near)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		// "sl: local_address rem_address st queues tr retrnsmt uid …"
		if fields := strings.Fields(lines.Text()); len(fields) > 7 && fields[1]+" "+fields[2] == end {
			return strconv.Atoi(fields[7])
		}
	}
	return 0, fmt.Errorf("no connection from %s to %s is on this machine", far, near)
}

// row is an address as the kernel writes it.
func row(a netip.AddrPort) string {
	ip := a.Addr().Unmap().As4()
	return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(ip[:]), a.Port())
}
