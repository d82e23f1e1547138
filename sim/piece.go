package sim

import "fmt"

// Piece is one of the pieces that what a command prints consists of: a value
// of docker's, or all that a program has printed. The worlds are compared by
// them, not by the lines and columns that people read.
type Piece struct {
	Kind PieceKind
	Text string // as it is printed
	Rest string // of a kind that may differ: what of it must be the same all the same
}

// PieceKind is what a piece tells of.
type PieceKind string

// The kinds.
const (
	Plain       PieceKind = ""           // a value that is the same in every world, but for ids
	Words       PieceKind = "words"      // of a program, or of an engine that refuses
	Clock       PieceKind = "clock"      // a time, or how long ago that was
	LayerState  PieceKind = "pulled"     // whether a layer had to be pulled
	PushState   PieceKind = "pushed"     // whether a layer had to be pushed
	Compressed  PieceKind = "compressed" // the digest of a manifest, which names compressed layers
	OwnName     PieceKind = "engine"     // the engine's name
	HostProcess PieceKind = "process"    // what the host knows of a process: its number, its time, …
	Content     PieceKind = "content"    // a line of the history with the digest of what was copied
	ChangeList  PieceKind = "changes"    // a container's changes
)

// Print adds a value to what the command prints.
func (v *View) Print(format string, args ...any) { v.Put(Piece{Text: fmt.Sprintf(format, args...)}) }

// Put adds pieces to what the command prints, one after another.
func (v *View) Put(pieces ...Piece) { v.Lay(joined(pieces), pieces...) }

// Lay adds pieces to what the command prints, laid out as text.
func (v *View) Lay(text string, pieces ...Piece) {
	v.Stdout += text
	v.Out = append(v.Out, pieces...)
}

// Complain adds to what the command prints of what goes wrong, and of how far
// it has come.
func (v *View) Complain(pieces ...Piece) {
	v.Stderr += joined(pieces)
	v.Err = append(v.Err, pieces...)
}

func joined(pieces []Piece) (text string) {
	for _, p := range pieces {
		text += p.Text
	}
	return text
}
