package sim

import "strconv"

// RandomName is a container name in docker's fashion, an adjective and
// somebody who brought computing forward, chosen by seed.
func RandomName(seed uint64) string {
	a := adjectives[seed%uint64(len(adjectives))]
	p := pioneers[seed/uint64(len(adjectives))%uint64(len(pioneers))]
	return a + "_" + p
}

// plainNames is how many names are tried without a number behind them.
const plainNames = 8

// FreeName is a name from seed on that is not taken: as docker's, with a number
// behind it where there are so many containers that it is hard to find another.
func FreeName(seed uint64, taken func(name string) bool) string {
	for n := uint64(0); ; n++ {
		name := RandomName(seed + n)
		if n >= plainNames {
			name += strconv.FormatUint(n/plainNames, 10)
		}
		if !taken(name) {
			return name
		}
	}
}

var adjectives = []string{
	"amber", "brave", "calm", "clever", "curious", "eager", "fair", "gentle", "glad", "jolly", "keen", "kind",
	"lively", "lucid", "merry", "neat", "nimble", "patient", "quick", "quiet", "sharp", "steady", "sunny", "warm",
}

var pioneers = []string{
	"allen", "babbage", "backus", "bartik", "boole", "cerf", "dijkstra", "easley", "engelbart", "floyd", "goldberg",
	"hamilton", "hamming", "holberton", "hopper", "johnson", "kay", "kernighan", "knuth", "lamport", "liskov",
	"lovelace", "mccarthy", "perlman", "ritchie", "shannon", "thompson", "torvalds", "turing", "wilkes", "wing", "zuse",
}
