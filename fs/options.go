package fs

import (
	"fmt"
	"slices"
	"strings"
)

// The mount options of overlayfs that the model refuses, with the values that
// turn them off (kernel document filesystems/overlayfs).
var refusedOptions = map[string][]string{
	"redirect_dir": {"off", "nofollow"}, // renamed lower directories
	"metacopy":     {"off"},             // copies of metadata alone
	"index":        {"off"},             // hard links kept over a copy-up
	"nfs_export":   {"off"},
	"verity":       {"off"},
}

// CheckOptions refuses mount options of overlayfs, comma-separated, under
// which it does what the model does not. The kernel's defaults, userxattr, and
// what only tunes a mount are accepted.
func CheckOptions(options string) error {
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		if off, refused := refusedOptions[name]; refused && !slices.Contains(off, value) {
			return fmt.Errorf("overlayfs option %q: the model knows only %s=%s, which is the default; leave the option out", option, name, strings.Join(off, "|"))
		}
	}
	return nil
}
