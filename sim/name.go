package sim

// RandomName is a container name in docker's fashion, an adjective and
// somebody who brought computing forward, chosen by seed.
func RandomName(seed uint64) string {
	a := adjectives[seed%uint64(len(adjectives))]
	p := pioneers[seed/uint64(len(adjectives))%uint64(len(pioneers))]
	return a + "_" + p
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
