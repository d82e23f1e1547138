package bundle

import (
	"context"
	"io"

	"twinlayer/fs"
	"twinlayer/sim/userland"
	"twinlayer/sim/userland/packages"
	"twinlayer/sim/userland/say"
)

// Programs tells a model, which cannot run machine code, what an executable
// with this content does; nil where it is none of the bundled ones. A file
// that came from a bundled image, copied up or not, and a file of another
// size are told without reading them; only a copy made by hand is compared
// byte by byte.
func (b *Bundle) Programs(content *fs.Data) userland.Program {
	if isProgram(content, b.hello) {
		return hello
	}
	if exe, err := b.exe(); err == nil && isProgram(content, exe.content) {
		return packages.Run
	}
	return b.compiled(content)
}

// compiled is a program that the teaching compiler has made; nil if it is
// none.
func (b *Bundle) compiled(content *fs.Data) userland.Program {
	if content.Size() == 0 || content.Size() > 2*say.Max {
		return nil
	}
	program, err := content.Bytes()
	if err != nil {
		return nil
	}
	text, status, ok := say.Of(b.arch, program)
	if !ok {
		return nil
	}
	return func(_ context.Context, p *userland.Process) int {
		io.WriteString(p.Stdout, text)
		return status
	}
}

func isProgram(content, program *fs.Data) bool {
	return content.Size() > 0 && content.Equal(program)
}

// hello does what the machine code of [Hello] does.
func hello(_ context.Context, p *userland.Process) int {
	io.WriteString(p.Stdout, Greeting)
	return 0
}
