package say

// Blanks are the keys of a language, each with the number of its text's
// blanks.
func Blanks(lang string) map[string]int {
	out := map[string]int{}
	for key, text := range catalogs()[lang] {
		all, _ := blanks(text)
		out[key] = len(all)
	}
	return out
}
