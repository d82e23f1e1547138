//go:build !amd64

package main

func int80(n, a, b uintptr) uintptr { panic("32-bit system calls are for amd64 here") }
