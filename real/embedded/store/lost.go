//go:build linux

package store

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// save moves a file of the tree that the frame speaks of out of the way of
// the entry that takes its place.
func (u *unpacker) save(name string) error {
	n, ok := u.number[name]
	if !ok {
		return nil
	}
	delete(u.number, name)
	if err := os.Mkdir(u.lost, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	dir, _, err := u.open(path.Dir(name))
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return unix.Renameat(dir, path.Base(name), unix.AT_FDCWD, filepath.Join(u.lost, strconv.Itoa(n)))
}

func isSparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// sparseMax is the longest sparse file that is unpacked: a few bytes of
// header can claim terabytes.
const sparseMax = 16 << 30

// sparse copies a content and leaves its zeros out. The frame keeps all that
// the tar has of it.
func (u *unpacker) sparse(f *os.File, size int64, in io.Reader) error {
	if size > sparseMax {
		return fmt.Errorf("it claims to be a sparse file of %d bytes, and %d is the most that is unpacked", size, int64(sparseMax))
	}
	piece, zeros := u.buf[:4<<10], make([]byte, 4<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(in, piece)
		if !bytes.Equal(piece[:n], zeros[:n]) {
			if _, err := f.WriteAt(piece[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			u.size += at
			return f.Truncate(at)
		default:
			return err
		}
	}
}
