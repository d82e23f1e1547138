//go:build linux

// Exchange fills the directories that it is given with files, fifos, sockets,
// symlinks out of the container, and directories, and exchanges them for one
// another without an end. Its first argument is the directory of the host that
// the symlinks point to.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func main() {
	outside := os.Args[1]
	for _, dir := range os.Args[2:] {
		fill(dir, outside)
		go exchange(dir)
	}
	fmt.Println("ready")
	os.WriteFile("/ready", nil, 0o644)
	select {}
}

var names = []string{"file", "other", "pipe", "socket", "link", "door", "dir", "full"}

func fill(dir, outside string) {
	at := func(name string) string { return filepath.Join(dir, name) }
	check(os.MkdirAll(at("dir/dir"), 0o755))
	check(os.MkdirAll(at("full/dir"), 0o755))
	for _, name := range []string{"file", "other", "dir/file", "dir/dir/file", "full/file", "full/dir/file"} {
		check(os.WriteFile(at(name), []byte("inside"), 0o644))
	}
	check(unix.Mkfifo(at("pipe"), 0o644))
	check(unix.Mkfifo(at("full/pipe"), 0o644))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(err)
	check(unix.Bind(fd, &unix.SockaddrUnix{Name: at("socket")}))
	check(os.Symlink(filepath.Join(outside, "file"), at("link")))
	check(os.Symlink(outside, at("door")))
}

func exchange(dir string) {
	for {
		a, b := filepath.Join(dir, names[rand.Intn(len(names))]), filepath.Join(dir, names[rand.Intn(len(names))])
		unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
