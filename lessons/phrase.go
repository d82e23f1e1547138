package lessons

import "twinlayer/sim/say"

// Phrase is something that the program itself says of a lesson.
type Phrase = say.Phrase

// layersOf is sayOneLayer, "2 layers".
func layersOf(n int) Phrase {
	if n == 1 {
		return sayOneLayer
	}
	return sayLayers(n)
}

// some is the first few of all, or none.
func some(all []string, none Phrase) Phrase {
	const most = 5
	if len(all) == 0 {
		return none
	}
	text, rest := "", ""
	for i, s := range all {
		if i == most {
			rest = ", …"
			break
		}
		if i > 0 {
			text += ", "
		}
		text += s
	}
	return say.Verbatim(text + rest)
}
