//go:build linux

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// prey looks into every process that comes up in the container, for as long as
// /hunt is there: for descriptors of what is neither a pipe nor the null
// device, and in its memory for the word that a file holds. It prints what it
// finds, and then how many it looked into.
func prey() {
	secret, err := os.ReadFile("/word")
	if err != nil {
		panic(err)
	}
	for i := range secret { // so that the word is not in our own memory, nor in a copy of it
		secret[i] ^= 0x55
	}
	looked, read := 0, 0
	fmt.Println("ready")
	os.WriteFile("/ready", nil, 0o644)
	for {
		if _, err := os.Stat("/hunt"); err != nil {
			break
		}
		names, _ := filepath.Glob("/proc/[0-9]*")
		for _, dir := range names {
			if pid, _ := strconv.Atoi(filepath.Base(dir)); pid <= 1 || pid == os.Getpid() {
				continue
			}
			looked++
			descriptors(dir)
			read += memory(dir, secret)
		}
	}
	fmt.Println("looked:", looked, "read:", read)
	time.Sleep(time.Millisecond)
}

func descriptors(dir string) {
	links, _ := filepath.Glob(dir + "/fd/*")
	for _, link := range links {
		to, err := os.Readlink(link)
		if err == nil && to != "/dev/null" && !strings.HasPrefix(to, "pipe:") && filepath.Base(link) != "3" {
			fmt.Println("descriptor:", filepath.Base(link), to)
		}
	}
}

// memory looks for the word in what a process can write to, and says how many
// pieces of it could be read.
func memory(dir string, secret []byte) (read int) {
	maps, err := os.Open(dir + "/maps")
	if err != nil {
		return 0
	}
	defer maps.Close()
	mem, err := os.OpenFile(dir+"/mem", os.O_RDWR, 0)
	if err != nil {
		return 0
	}
	defer mem.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		var from, to int64
		if n, _ := fmt.Sscanf(fields[0], "%x-%x", &from, &to); n < 2 || !strings.HasPrefix(fields[1], "rw") || to-from > 64<<20 {
			continue
		}
		b := make([]byte, to-from)
		if n, _ := mem.ReadAt(b, from); n > 0 {
			read++
			for i := range b {
				b[i] ^= 0x55
			}
			if bytes.Contains(b, secret) {
				fmt.Println("the engine's memory in", dir)
			}
		}
	}
	return read
}
