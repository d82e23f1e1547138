package lessons

// Closest is the one of all that was probably meant by name: the one with the
// fewest slips of the finger, if these are few for its length; "" where none
// is near.
func Closest(name string, all []string) string {
	best, least := "", max(1, len(name)/5)+1
	for _, s := range all {
		if n := slipsOfFinger(name, s); n > 0 && n < least {
			best, least = s, n
		}
	}
	return best
}

// slipsOfFinger is how many letters must be put in, left out, changed or
// swapped with their neighbour to make b of a (the distance of Damerau and
// Levenshtein, over adjacent letters).
func slipsOfFinger(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for k := range rows[0] {
		rows[0][k] = k
	}
	for i := 1; i <= len(x); i++ {
		for k := 1; k <= len(y); k++ {
			rows[i][k] = cheapest(rows, x, y, i, k)
		}
	}
	return rows[len(x)][len(y)]
}

func cheapest(rows [][]int, x, y []rune, i, k int) int {
	change := rows[i-1][k-1]
	if x[i-1] != y[k-1] {
		change++
	}
	n := min(rows[i-1][k]+1, rows[i][k-1]+1, change)
	if i > 1 && k > 1 && x[i-1] == y[k-2] && x[i-2] == y[k-1] {
		n = min(n, rows[i-2][k-2]+1)
	}
	return n
}
