package vfs

// Capabilities are a set of root's powers: bit n stands for the capability of
// number n (capabilities(7), linux/capability.h).
type Capabilities uint64

// The capabilities that count for files.
const (
	CAP_CHOWN           Capabilities = 1 << 0
	CAP_DAC_OVERRIDE    Capabilities = 1 << 1
	CAP_DAC_READ_SEARCH Capabilities = 1 << 2
	CAP_FOWNER          Capabilities = 1 << 3
	CAP_FSETID          Capabilities = 1 << 4
	CAP_SYS_ADMIN       Capabilities = 1 << 21
	CAP_MKNOD           Capabilities = 1 << 27
	CAP_SETFCAP         Capabilities = 1 << 31
)

// capable says whether the process has a capability: root has them but for
// those dropped, and nobody else has any.
func (s *Sys) capable(c Capabilities) bool { return s.UID == 0 && s.Dropped&c == 0 }
