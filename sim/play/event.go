package play

import (
	"bytes"
	"encoding/json"
	"fmt"

	"twinlayer/lessons"
	"twinlayer/sim"
	"twinlayer/sim/report"
	"twinlayer/sim/session"
)

// Version is that of the events as JSON; schema.json describes it.
const Version = 2

// Event is one thing that a screen is told. Events are numbered from 1, without
// a gap.
type Event struct {
	Seq  int
	Body Body
}

// Body is what an event tells, one of the types below.
type Body interface{ kind() string }

// MarshalJSON writes the number, the kind and the keys of the body as one
// object.
func (e Event) MarshalJSON() ([]byte, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e.Body); err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, `{"seq":%d,"event":%q`, e.Seq, e.Body.kind())
	rest := bytes.TrimSpace(body.Bytes())[1:]
	if rest[0] != '}' {
		head = append(head, ',')
	}
	return append(head, rest...), nil
}

// Opened is the first event: with whom one speaks.
type Opened struct {
	Version int    `json:"version"`           // of the events
	Engine  string `json:"engine"`            // the real one in a few words; "": none
	Missing string `json:"missing,omitempty"` // why there is none
	Greet   bool   `json:"greet"`             // somebody types, and no lesson begins at once
}

// Prompt says where the next line goes.
type Prompt struct {
	Shell     string   `json:"shell"`              // that is attached; "": lines are docker commands
	Container string   `json:"container"`          // the name of the one that the shell is in
	Dir       string   `json:"dir"`                // in which it is
	Question  Question `json:"question,omitempty"` // that is open: the line is its answer
	Ahead     int      `json:"ahead"`              // so many steps of the model's are held
	More      More     `json:"more,omitempty"`     // what the next line goes on with
}

// More is what is not whole yet.
type More string

// A command of a shell goes on in the next line, or a file's content does, up
// to a single dot.
const (
	MoreCommand More = "command"
	MoreFile    More = "file"
)

// Place is to whom a line speaks.
type Place string

// The places of a line.
const (
	AtDocker Place = "docker"
	AtShell  Place = "shell"
	AtSelf   Place = "twinlayer"
)

// Command says that a line is being run.
type Command struct {
	Text      string `json:"cmd"`
	At        Place  `json:"at"`
	Container string `json:"container"` // the name of the one whose shell it goes to
	Lesson    bool   `json:"lesson"`    // it is the lesson's own, and nobody typed it
}

// Progress is how far a command has come: see [sim.Progress].
type Progress struct {
	ID     string `json:"id"`
	Action string `json:"action"`
	Done   int64  `json:"done"`
	Total  int64  `json:"total"`
}

// Result is what a command came to in both worlds, and what is to be said of it
// beside docker's words.
type Result struct {
	sim.Result
	Unchanged bool     `json:"unchanged"`         // both worlds' layers are as they were last shown
	Hints     []Phrase `json:"hints,omitempty"`   // what a learner may want to know now
	Builder   Phrase   `json:"builder,omitzero"`  // why twinlayer's builder built, and not the engine's
	Adopted   []Phrase `json:"adopted,omitempty"` // what the model took over from the real world
}

// Output is all that the last command has printed, as one reads it; Real is
// empty where the real world has printed the same, or there is none.
type Output struct {
	Cmd   string `json:"cmd"`
	Model string `json:"model"`
	Real  string `json:"real,omitempty"`
}

// Differs are the differences between the worlds after the last command.
type Differs struct {
	Cmd         string           `json:"cmd"`
	Differences []sim.Difference `json:"differences"`
}

// Steps lists steps of the model's, of one command.
type Steps struct {
	Steps []StepAt `json:"steps"`
}

// StepAt is a step and its place among those of its command, from 1.
type StepAt struct {
	Cmd   string `json:"cmd"`
	Index int    `json:"index"`
	Of    int    `json:"of"`
	Op    string `json:"op"`
	Path  string `json:"path"`
	Why   Phrase `json:"why"`
}

// Report is what one of the words why, audit, layers, diff and evidence shows.
type Report struct {
	Word   string         `json:"word"`
	Rows   []report.Row   `json:"rows,omitempty"`
	Real   []report.Row   `json:"real,omitempty"`   // where the real world's are others
	Agree  bool           `json:"agree,omitempty"`  // both worlds told it, and told the same
	Class  sim.Class      `json:"class,omitempty"`  // of the difference, where there is one
	Reason Phrase         `json:"phrase,omitzero"`  // for it
	Layers []Layer        `json:"layers,omitempty"` // of a container, bottom first
	World  string         `json:"world,omitempty"`  // whose evidence it is
	Seen   []sim.Evidence `json:"seen,omitempty"`   // and that
}

// Reconnected says that a fresh real engine has caught up.
type Reconnected struct{ session.Reconnected }

// Level is how a notice is meant.
type Level string

// The levels.
const (
	Says  Level = "says"
	Warns Level = "warns"
)

// Notice is something that twinlayer says.
type Notice struct {
	Level Level  `json:"level"`
	Text  Phrase `json:"text"`
}

// Error says that a line could not be done, where no engine has said so in a
// result.
type Error struct {
	Cmd  string `json:"cmd"`
	Text Phrase `json:"text"`
	Exit int    `json:"exit"` // the status that a command would have: never 0
}

// Printed is text for people, as a tool prints it.
type Printed struct {
	Text string `json:"text"`
}

// Help is what can be typed.
type Help struct {
	Of     string `json:"of"`              // a docker command, a word or "lesson", what matters in one; "": all
	Docker string `json:"docker"`          // as docker prints it
	Words  []Word `json:"words,omitempty"` // twinlayer's own
}

// Completion answers [Complete].
type Completion struct {
	Head       string   `json:"head"`
	Candidates []string `json:"candidates"`
	Tail       string   `json:"tail"`
}

// Language says that the learner has chosen a language.
type Language struct {
	Lang string `json:"lang"`
}

// Over says that a lesson has ended or, where it names none, the conversation.
type Over struct {
	Lesson string     `json:"lesson,omitempty"` // its id
	Next   *LessonRef `json:"next,omitempty"`   // the one that follows it in the course
}

// LessonRef names a lesson.
type LessonRef struct {
	ID    string `json:"id"`
	Order int    `json:"order"`
	Title Text   `json:"title"`
}

// Lessons lists the course, and how far the learner has come in it.
type Lessons struct {
	Lessons []LessonPlace `json:"lessons"`
}

// LessonPlace is a lesson and the learner's place in it.
type LessonPlace struct {
	LessonRef
	Step int  `json:"step"` // that is open, from 1
	Of   int  `json:"of"`
	Over bool `json:"over"` // it was played to its end once, without a skip
}

// Lesson says that a lesson begins.
type Lesson struct {
	LessonRef
	Steps     int  `json:"steps"`
	ModelOnly bool `json:"model_only"`     // there is no real engine
	Note      Text `json:"note,omitempty"` // what is different on this engine
}

// Step says that a lesson's step is open.
type Step struct {
	ID       string `json:"id"`
	Number   int    `json:"number"` // from 1
	Of       int    `json:"of"`
	Prose    Text   `json:"prose"`
	Exercise bool   `json:"exercise"` // it is the learner's own
}

// Plan lists lines that do something, as they are to be typed.
type Plan struct {
	Lines []PlanLine `json:"lines"`
}

// PlanLine is a line and where it is typed. The content of a file stands below
// its name.
type PlanLine struct {
	At   Place  `json:"at"`
	Text string `json:"text"`
}

// Question is what kind of question a lesson asks.
type Question string

// The kinds of questions; none is no question.
const (
	NoQuestion Question = ""
	Predict    Question = "predict" // what the step will lead to
	Quiz       Question = "quiz"    // which of the options is right
)

// Asked is a question that waits for an answer.
type Asked struct {
	Question Question `json:"question"`
	Text     Text     `json:"text"`
	Options  []Text   `json:"options,omitempty"`
	How      Phrase   `json:"how"` // to answer
}

// Score judges an answer.
type Score struct {
	Question Question     `json:"question"`
	Guess    string       `json:"guess"`
	Right    bool         `json:"right"`
	Worlds   []WorldScore `json:"worlds,omitempty"` // of a prediction, how good it was in each
	Answer   int          `json:"answer,omitempty"` // of a quiz, the number of the right option
	Option   Text         `json:"option,omitempty"` // and that
	Why      Text         `json:"why,omitempty"`
}

// WorldScore is how good a prediction was in a world.
type WorldScore struct {
	World     string `json:"world"`
	Hits      int    `json:"hits"`
	Of        int    `json:"of"`
	Is        string `json:"is"`        // what it came to; "": nothing
	Uncertain bool   `json:"uncertain"` // nothing to compare with was seen
}

// Right says whether all of the prediction was right.
func (s WorldScore) Right() bool { return !s.Uncertain && s.Hits == s.Of }

// Goals tells how goals of the open step stand.
type Goals struct {
	Opening bool   `json:"opening"` // the step has just been opened, and these are to be reached
	Looked  bool   `json:"looked"`  // the worlds were asked
	Goals   []Goal `json:"goals"`
}

// Goal is a state that a step leads to, and what each world answers.
type Goal struct {
	Says    Phrase      `json:"says"`
	Met     bool        `json:"met"`
	Answers []WorldGoal `json:"answers"`
}

// WorldGoal is how a goal stands in a world.
type WorldGoal struct {
	World string           `json:"world"` // "model", or the real engine's name
	State lessons.Standing `json:"state"`
	Why   Phrase           `json:"why,omitzero"` // the closest miss, or why it cannot be told
}

// Coach is a push in the right direction: a hint that was asked for or, of a
// mistake that was recognised, what to do about it. One of its fields is set.
type Coach struct {
	Hint    Text   `json:"hint,omitempty"`
	Mistake Text   `json:"mistake,omitempty"`
	Says    Phrase `json:"says,omitzero"`
}

// Afresh says that what was tried stood in the way of a step, which begins
// anew.
type Afresh struct{}

// Done says that the open step is done, and what is to be said after it.
type Done struct {
	Number int  `json:"number"`
	After  Text `json:"after,omitempty"`
}

// Checked says that a lesson holds what it promises.
type Checked struct {
	Lesson string `json:"lesson"`
}

// Files are files of a lesson's directory.
type Files struct {
	Dir   string         `json:"dir"` // where they are on the lesson's machine
	All   bool           `json:"all"`
	Files []lessons.File `json:"files"`
}

// Edit asks the screen for a file's new content, which may be at hand at a
// place of the lesson's machine.
type Edit struct {
	Name string `json:"name"`
	Dir  string `json:"dir"`
}

func (Opened) kind() string      { return "opened" }
func (Prompt) kind() string      { return "prompt" }
func (Command) kind() string     { return "command" }
func (Progress) kind() string    { return "progress" }
func (Result) kind() string      { return "result" }
func (Moment) kind() string      { return "moment" }
func (Picture) kind() string     { return "picture" }
func (Steps) kind() string       { return "steps" }
func (Timeline) kind() string    { return "timeline" }
func (Output) kind() string      { return "output" }
func (Differs) kind() string     { return "differs" }
func (Report) kind() string      { return "report" }
func (Reconnected) kind() string { return "reconnected" }
func (Notice) kind() string      { return "notice" }
func (Error) kind() string       { return "error" }
func (Printed) kind() string     { return "printed" }
func (Help) kind() string        { return "help" }
func (Completion) kind() string  { return "completion" }
func (Language) kind() string    { return "language" }
func (Over) kind() string        { return "over" }
func (Lessons) kind() string     { return "lessons" }
func (Lesson) kind() string      { return "lesson" }
func (Step) kind() string        { return "step" }
func (Plan) kind() string        { return "plan" }
func (Asked) kind() string       { return "question" }
func (Score) kind() string       { return "score" }
func (Goals) kind() string       { return "goals" }
func (Coach) kind() string       { return "coach" }
func (Afresh) kind() string      { return "afresh" }
func (Done) kind() string        { return "done" }
func (Checked) kind() string     { return "checked" }
func (Files) kind() string       { return "files" }
func (Edit) kind() string        { return "edit" }
