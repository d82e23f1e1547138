// Package lessons is the course: lessons as data, how their files are read,
// and how one is played.
//
// A lesson is a directory, here or anywhere, named by the lesson's id
// (twinlayer lesson new DIR makes one):
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
//	files: {Dockerfile: "…"}      # of the lesson's directory, which is docker's . in it
//	differs:                      # what is another on an engine (model: none is there)
//	  docker: {lines: [docker history busybox], verdict: limit}
//	steps:
//	  - id: write                 # shown: Enter runs its lines
//	    predict: {changes: lesson-a}
//	    run:                      # as a learner would type it
//	      - docker attach lesson-a
//	      - echo hello >> /etc/motd
//	      - "! cat /nosuch"       # it is to fail
//	      - :detach
//	    goals:                    # the state that this leads to
//	      - change: {container: lesson-a, kind: modify, path: /etc/motd}
//	    quiz: {right: 2}          # asked after it
//	  - id: yours                 # left to the learner
//	    solution: [docker exec lesson-a rm /etc/group]
//	    goals: […]
//	    wrong:                    # what somebody may do instead
//	      - id: new-container
//	        run: [docker run --name lesson-b busybox rm /etc/group]
//	        mistake: other-container # or docker-inside, image-for-container, shrink;
//	                              # or when: […], a state
//
// A step begins outside of any container, so its first line is docker's, or
// writes a file of the lesson's directory (":file NAME", the content in the
// lines below). While a container's shell is attached, lines are the shell's:
// exit ends it, :detach leaves it waiting and docker attach goes back. A
// docker run line names its container with one of containers, or has --rm.
// Of a build that failed, $IMAGE in a line is the id of the last image, the
// youngest without a name, and $CONTAINER the name of the container in which it
// stopped. :boot, :steps, :layers, :files, :why, :audit, :diff and :evidence are
// twinlayer's own words.
//
// What a lesson makes in either world is thrown away when it ends. Images of
// the names that it declares are set aside before it and given back after it.
//
// A goal is a state of a world, never what was typed or printed; whatever way
// leads there counts. The kinds of goals:
//
//	image: {ref: busybox:latest, layers: 1}                            # layers may be left out
//	gone: {image: busybox:latest}                                      # or container
//	container: {name: lesson-a, status: running, image: busybox:latest} # name alone will do
//	change: {container: lesson-a, kind: modify, path: /etc/motd}       # add, modify, delete
//	unchanged: {container: lesson-b, path: /etc/motd}
//	file: {image: "app:1", layer: 2, path: /hello}                     # -1 is the top layer
//	story: {image: "app:1", path: /big, from: 0, hidden: [1]}          # from 0: not to be seen
//	shared: {images: ["app:1", "app:2"], layers: 1}
//	alike: {images: ["app:1", "app:2"]}                                # what their top layers hold
//	size: {image: "app:1", smaller_than: "app:2"}                      # bigger_than, as_big_as
//	config: {image: "app:1", field: Cmd, has: /hello}
//	history: {image: "app:1", has: COPY}                               # or lacks
//	volume: {name: data, container: lesson-a}                          # container may be left out
//
// A prediction is asked before a step, and held against both worlds after it:
//
//	changes: lesson-a                  # what docker diff will list
//	layers: app:1                      # how many there will be
//	shared: ["app:1", "app:2"]         # how many bytes of layers
//	prints: docker exec lesson-a ls    # what this line of the step will print
//
// <lang>.md has the title as its first line, "# …", and for each step a
// section, "## <step id>", whose prose is drawn line by line: one sentence a
// line, short, to be read aloud. Below it, each under its "###": "predict" and
// "quiz" are the questions (a quiz has its answers as a numbered list, and
// below it why), "after" is said when the step is done, each "hint" helps a
// little more, and "wrong <id>" is said to that wrong attempt. "## on <engine>"
// says what is another there.
//
// The REPL and the tests play a lesson by the same [Run]; [Check] plays all of
// it, wrong attempts and all, and tells what does not hold. What may not live
// here: words of a lesson anywhere but in its Markdown (what the program
// itself says of lessons is a [Phrase]), how things look on the screen, and
// anything about one engine: a lesson speaks to sim alone.
package lessons
