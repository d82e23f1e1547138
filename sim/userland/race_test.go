//go:build race

package userland

const raceEnabled = true
