package main

// int80 makes a 32-bit system call.
func int80(n, a, b uintptr) uintptr
