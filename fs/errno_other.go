//go:build !linux && !js

package fs

// Error numbers differ between systems; those of js are Linux's.
func systemErrno(error) (int, bool) { return 0, false }
