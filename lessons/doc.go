// Package lessons is the course: lessons as data, how their files are read,
// and how one is played.
//
// A lesson is a directory here, named by the lesson's id:
//
//	<id>/lesson.yaml   for the machine: what is run, and what is reached
//	<id>/<lang>.md     for people: all the words, one file per language
//
// lesson.yaml:
//
//	format_version: 1
//	id: change-etc                # the directory's name
//	order: 9                      # its number in the course
//	containers: [lesson-a]        # the lesson's own; names begin with lesson-
//	images: [busybox:latest]      # what it pulls or makes
//	steps:
//	  - id: write
//	    run:                      # as a learner would type it
//	      - docker attach lesson-a
//	      - echo hello >> /etc/motd
//	      - :detach
//	    goals:                    # the state that this leads to
//	      - change: {container: lesson-a, kind: modify, path: /etc/motd}
//
// A step begins outside of any container, so its first line is docker's. While
// a container's shell is attached, lines are the shell's: exit ends it,
// :detach leaves it waiting and docker attach goes back. No line may fail.
// The containers and images that the lesson declares are removed before it
// and after it, so it can be played twice; an image that the learner had
// stays after it. A docker run line names its container with one of
// containers, or has --rm.
//
// A goal is a state of a world, never what was typed or printed. The kinds of
// goals, of which [kinds] is the table, are:
//
//	image: {ref: busybox:latest, layers: 1}                            # layers may be left out
//	container: {name: lesson-a, status: running}                       # status may be left out
//	change: {container: lesson-a, kind: modify, path: /etc/motd}       # add, modify, delete
//	unchanged: {container: lesson-b, path: /etc/motd}
//	verdict: expected                                                  # of the step's lines, at worst
//
// <lang>.md has the title as its first line, "# …", and for each step one
// section, "## <step id>", whose prose is drawn line by line: one sentence a
// line, short, to be read aloud. Deeper headings are kept for later.
//
// The REPL and the tests play a lesson by the same [Run]; [Check] plays all of
// it and tells what does not hold. What may not live here: words for people
// anywhere but in the Markdown (but for what a goal says of itself), how
// things look on the screen, and anything about one engine: a lesson speaks
// to sim alone.
package lessons
