//go:build !race

package userland

const raceEnabled = false
