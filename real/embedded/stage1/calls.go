//go:build linux

package stage1

// The kinds of arguments. A number is two words after its kind, the lower one
// first; all else is a length and what has it, filled up to whole words.
const (
	kindNumber = iota
	kindBytes
	kindList
	kindProgram
)

// filterSize is the size of an instruction of a filter (struct sock_filter).
const filterSize = 8

// Program is a seccomp filter, as the kernel reads it.
type Program []byte

// Calls are system calls to be made by a [Stage].
type Calls struct{ text []byte }

// Add adds a call: its number and up to six numbers (int, uint64), strings,
// which end with a NUL when they arrive, bytes, lists of strings, or programs.
func (c *Calls) Add(call uintptr, args ...any) {
	c.word(uint32(1 + len(args)))
	c.number(uint64(call))
	for _, arg := range args {
		switch v := arg.(type) {
		case int:
			c.number(uint64(v))
		case uint64:
			c.number(v)
		case string:
			c.word(kindBytes)
			c.string(v)
		case []byte:
			c.word(kindBytes)
			c.bytes(v)
		case Program:
			c.word(kindProgram)
			c.bytes(v)
		case []string:
			c.word(kindList)
			c.word(uint32(len(v)))
			for _, s := range v {
				c.string(s)
			}
		default:
			panic("stage1: an argument that no system call takes")
		}
	}
}

// Bytes are the calls as a Stage reads them.
func (c *Calls) Bytes() []byte {
	var whole Calls
	whole.word(uint32(len(c.text)))
	return append(whole.text, c.text...)
}

func (c *Calls) number(n uint64) {
	c.word(kindNumber)
	c.word(uint32(n))
	c.word(uint32(n >> 32))
}

func (c *Calls) string(s string) { c.bytes(append([]byte(s), 0)) }

func (c *Calls) bytes(b []byte) {
	c.word(uint32(len(b)))
	c.text = append(c.text, b...)
	for len(c.text)%4 != 0 {
		c.text = append(c.text, 0)
	}
}

func (c *Calls) word(n uint32) {
	c.text = append(c.text, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}
