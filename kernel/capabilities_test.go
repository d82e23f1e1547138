package kernel

import (
	"slices"
	"testing"
	"twinlayer/fs/vfs"

	"github.com/stretchr/testify/require"
)

func TestGranted(t *testing.T) {
	const all = 41
	for _, c := range []struct {
		add, drop []string
		count     int
		has       []string
		lacks     []string
	}{
		{nil, nil, 14, []string{"CAP_CHOWN", "CAP_KILL", "CAP_MKNOD"}, []string{"CAP_SYS_ADMIN", "CAP_NET_ADMIN"}},
		{[]string{"sys_admin"}, []string{"CAP_CHOWN"}, 14, []string{"CAP_SYS_ADMIN"}, []string{"CAP_CHOWN"}},
		{[]string{"chown"}, []string{"ALL"}, 1, []string{"CAP_CHOWN"}, []string{"CAP_KILL"}},
		{nil, []string{"all"}, 0, nil, []string{"CAP_CHOWN"}},
		{[]string{"ALL"}, []string{"NET_RAW"}, all - 1, []string{"CAP_BPF"}, []string{"CAP_NET_RAW"}},
		{[]string{"ALL"}, []string{"ALL"}, all, []string{"CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"}, nil},
		{[]string{"CHOWN"}, []string{"CHOWN"}, 14, []string{"CAP_CHOWN"}, nil},
	} {
		add, unknown := ParseCapabilities(c.add)
		require.Empty(t, unknown)
		drop, unknown := ParseCapabilities(c.drop)
		require.Empty(t, unknown)
		names := CapabilityNames(Granted(add, drop))
		require.Len(t, names, c.count, "%v %v", c.add, c.drop)
		require.Subset(t, names, c.has)
		require.False(t, slices.ContainsFunc(c.lacks, func(n string) bool { return slices.Contains(names, n) }), names)
	}
	_, unknown := ParseCapabilities([]string{"chown", "nope"})
	require.Equal(t, "CAP_NOPE", unknown)
	require.Equal(t, "CAP_SYS_ADMIN", Capabilities[21], "by number, as fs has it")
	require.Equal(t, []string{"CAP_SYS_ADMIN"}, CapabilityNames(vfs.CAP_SYS_ADMIN))
	require.Len(t, CapabilityNames(AllCapabilities()), len(Capabilities))
}
