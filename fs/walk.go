package fs

const (
	NameMax     = 255
	PathMax     = 4096
	SymlinksMax = 40
)
