package fs

// Kind is what happened to a path.
type Kind string

// The three kinds of change, as docker diff's A, C and D.
const (
	Add    Kind = "add"
	Modify Kind = "modify"
	Delete Kind = "delete"
)

// Letter is the kind as docker diff prints it.
func (k Kind) Letter() string {
	return map[Kind]string{Add: "A", Modify: "C", Delete: "D"}[k]
}

// Change is one path that differs between two trees.
type Change struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path"` // absolute
	Node *Node  `json:"-"`    // the new one; nil where the path was deleted
	Link string `json:"-"`    // the first name of Node's inode, if Path is another
}
