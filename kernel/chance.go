package kernel

import (
	"hash/fnv"
	"strconv"
)

// Chance is what a process gets of random numbers (getrandom(2)): they depend
// on a seed, and on how many were drawn, so that the same commands come to the
// same.
type Chance struct {
	Seed  string
	drawn uint64
}

// Draw is the next number.
func (c *Chance) Draw() uint64 {
	c.drawn++
	h := fnv.New64a()
	h.Write([]byte(c.Seed + strconv.FormatUint(c.drawn, 10)))
	return h.Sum64()
}
