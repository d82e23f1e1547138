package real

import (
	"context"
	"os"
	"os/exec"
)

// Editor is an editor of this machine: a command as a shell reads it, which
// takes the file's name behind it.
type Editor string

// Name is the command.
func (e Editor) Name() string { return string(e) }

// Edit runs it on this terminal until it ends.
func (e Editor) Edit(ctx context.Context, file string) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", string(e)+` "$1"`, "sh", file)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
