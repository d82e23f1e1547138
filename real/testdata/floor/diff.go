//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// diff lists what the upper directory makes of base.
func diff(base, upper string) error {
	out := bufio.NewWriter(os.Stdout)
	err := filepath.WalkDir(upper, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == upper {
			return err
		}
		var now, old syscall.Stat_t
		if err := syscall.Lstat(name, &now); err != nil {
			return err
		}
		kind := "C"
		switch err := syscall.Lstat(filepath.Join(base, name[len(upper):]), &old); {
		case now.Mode&syscall.S_IFMT == syscall.S_IFCHR && now.Rdev == 0:
			kind = "D"
		case errors.Is(err, syscall.ENOENT):
			kind = "A"
		case err != nil:
			return err
		}
		fmt.Fprintln(out, kind, name[len(upper):])
		return nil
	})
	return errors.Join(err, out.Flush())
}
