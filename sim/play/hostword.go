package play

import (
	"context"
	"slices"
	"strings"

	"twinlayer/lessons"
)

// hostWord does what somebody means who types a command of a machine's shell
// where docker commands go, as far as the lesson's files allow; done is false
// for all else.
func (c *Conversation) hostWord(ctx context.Context, line string) (done bool, err error) {
	words := strings.Fields(line)
	if len(words) == 0 || c.Session.Attached().Shell != "" {
		return false, nil
	}
	switch words[0] {
	case "cd":
		c.tell(Command{Text: line, At: AtSelf})
		c.say(oneDirectory)
		return true, nil
	case "clear":
		c.tell(Command{Text: line, At: AtSelf})
		c.say(clearsScreen)
		return true, nil
	case "ls", "cat", "less", "more", "vi", "vim", "nano":
		return c.hostFile(ctx, line, words[0], slices.DeleteFunc(words[1:], func(w string) bool { return strings.HasPrefix(w, "-") }))
	}
	return false, nil
}

// hostFile lists, shows or edits files of the lesson's directory, where it has
// any.
func (c *Conversation) hostFile(ctx context.Context, line, word string, names []string) (bool, error) {
	if c.lesson == nil {
		return false, nil
	}
	all, err := c.lesson.run.Files()
	if err != nil || len(all) == 0 {
		return false, err
	}
	c.tell(Command{Text: line, At: AtSelf})
	switch word {
	case "ls":
		for i := range all {
			all[i] = lessons.File{Name: all[i].Name, Size: all[i].Size}
		}
		c.tell(Files{c.lesson.run.Dir(), true, all})
		return true, nil
	case "vi", "vim", "nano":
		return true, edit(c, ctx, names)
	}
	return true, files(c, ctx, names)
}

// shellsOwn says whether a docker line has a mark in it that only a shell
// knows, and which.
func shellsOwn(line string) (mark string, found bool) {
	for _, w := range strings.Fields(line) {
		if strings.ContainsAny(w, `'"`) {
			return "", false // what follows may be meant for a container's shell
		}
		if slices.Contains([]string{"|", ">", ">>", "<", "&&", "||", "&"}, w) {
			return w, true
		}
	}
	return "", false
}
