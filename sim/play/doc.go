// Package play is the conversation with a learner, as data.
//
// A screen gives a [Conversation] one [Input] after another: a line that was
// typed, an answer, the next step, a file's new content. What comes of it, the
// screen hears as a stream of numbered [Event]s, which say everything that it
// needs to show: where the next line goes, which command has begun and how far
// it has come, its result in both worlds, a moment of the model's timeline with
// the world as it was then, what a lesson says and asks, how its goals stand.
// The terminal is one such screen, the lines of --json are another; a page or a
// recording listens in the same way, and several may listen at once.
//
// # Who decides what
//
// The conversation decides what a line means: whether it is docker's, a shell's,
// an answer, or one of the words of twinlayer's own ([Words]); whether it is
// whole; what a lesson does next. A screen decides how things look: colours,
// widths, pages, and when to ask somebody for the next input. So nothing here
// knows a terminal, the operating system or a directory of this machine: what
// is needed of these comes in through [Config].
//
// # Texts
//
// What twinlayer itself says is a phrase, a key with its arguments, and what a
// lesson says is a [Text] in each of the lesson's languages: every screen shows
// them in the language of whoever looks at it. What docker and programs have
// printed stands in results as it was printed.
//
// # Inputs and their events
//
// [Conversation.Do] returns when an input has been dealt with, and the last
// event of it is a [Prompt], by which a program that reads the events knows that
// its turn has come, or, where the conversation has ended with it, [Over]. A
// line that runs something tells so with a [Command] first; what follows up to
// the prompt belongs to it. A failure is never silent: it is the command's own
// [Result] with docker's words and exit status, or an [Error].
//
// Only [Cancel] and [Beside] may be given while another input is dealt with: one
// ends what is going on, the other looks at it. Every event is told before Do returns, in order, and by one
// goroutine at a time.
//
// # The world of a moment
//
// A [Moment] is a step of the model's with the [World] right after it, or the
// present of the real engine, in the same terms. A world is sent as what has
// changed since the one that was sent before of the same side (see [Delta]), so
// that a walk through two hundred steps costs not much more than one picture.
package play
