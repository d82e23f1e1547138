//go:build !linux

package fs

// Error numbers differ between systems; only Linux's are Linux's.
func systemErrno(error) (int, bool) { return 0, false }
