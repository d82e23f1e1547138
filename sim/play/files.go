package play

import (
	"context"
	"path"
	"slices"
	"strings"

	"twinlayer/lessons"
)

// draft is a file that is being typed.
type draft struct{ name, content string }

// fileLine takes a line "file NAME" apart, which begins a file of the lesson's
// directory; its content may follow in the same line, below.
func (c *Conversation) fileLine(line string) (name, content string, ok bool) {
	first, content, _ := strings.Cut(line, "\n")
	first = strings.TrimSpace(first)
	if c.Session.Attached().Shell == "" && !isWord(first) {
		first = ":" + first
	}
	name, ok = strings.CutPrefix(first, ":file ")
	return strings.TrimSpace(name), content, ok
}

// beginFile begins a file of the lesson's directory. What is not given with
// the line follows in the next ones, up to a single dot.
func (c *Conversation) beginFile(name, content string) error {
	c.tell(Command{Text: "file " + name, At: AtSelf})
	if content != "" || !c.mayWrite(name) {
		return c.writeFile(name, content)
	}
	if c.Person {
		c.say(typeLines(name))
	}
	c.draft = &draft{name: name}
	return nil
}

func (c *Conversation) draftLine(line string) error {
	if line == "." {
		return c.writeDraft()
	}
	c.draft.content += line + "\n"
	if len(c.draft.content) >= maxLine {
		return c.writeDraft()
	}
	return nil
}

func (c *Conversation) writeDraft() error {
	d := c.draft
	c.draft = nil
	return c.writeFile(d.name, d.content)
}

func (w WriteFile) do(_ context.Context, c *Conversation) error {
	return c.writeFile(w.Name, w.Content)
}

func (c *Conversation) mayWrite(name string) bool { return c.lesson != nil && isLocal(name) }

func (c *Conversation) writeFile(name, content string) error {
	switch {
	case c.lesson == nil:
		c.refuse(noLesson)
		return nil
	case !isLocal(name):
		c.refuse(nameOfFile(name))
		return nil
	}
	return c.lesson.run.Write(name, content)
}

// isLocal says whether a name stays in the directory that it is looked up in.
func isLocal(name string) bool {
	clean := path.Clean("/" + name)[1:]
	return name != "" && !path.IsAbs(name) && clean != "" && clean == path.Clean(name)
}

// files tells the lesson's files, or one of them.
func files(c *Conversation, _ context.Context, args []string) error {
	all, err := c.lesson.run.Files()
	if err != nil {
		return err
	}
	for _, name := range args {
		if !slices.ContainsFunc(all, func(f lessons.File) bool { return f.Name == name }) {
			c.refuse(noSuchFile(name))
		}
	}
	if len(args) > 0 {
		all = slices.DeleteFunc(all, func(f lessons.File) bool { return !slices.Contains(args, f.Name) })
	}
	c.tell(Files{c.lesson.run.Dir(), len(args) == 0, all})
	return nil
}

// edit asks the screen for a new content of a file. Where nobody types, or
// without a name, it tells what is there.
func edit(c *Conversation, ctx context.Context, args []string) error {
	if len(args) != 1 || !isLocal(args[0]) || !c.Person {
		return files(c, ctx, nil)
	}
	c.tell(Edit{args[0], c.lesson.run.Dir()})
	return nil
}
