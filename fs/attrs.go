package fs

import (
	"slices"
	"strings"
)

// xattrMax is the longest value of an extended attribute (xattr(7)).
const XattrMax = 64 << 10

// XattrSpace is the name space of an attribute, EOPNOTSUPP if it is none that
// there is (xattr(7)).
func XattrSpace(attr string) (string, error) {
	space, _, dotted := strings.Cut(attr, ".")
	if !dotted || !slices.Contains([]string{"user", "security", "trusted", "system"}, space) {
		return "", EOPNOTSUPP
	}
	return space, nil
}
