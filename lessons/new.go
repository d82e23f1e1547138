package lessons

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"twinlayer/fs"
	"twinlayer/sim"
)

// New makes a directory on a machine with a small lesson in it, which plays as
// it is and is there to be changed.
func New(host sim.Host, dir string, now time.Time) error {
	whole := host.Abs(dir)
	id := filepath.Base(whole)
	if !idForm.MatchString(id) {
		return fmt.Errorf("lesson new %s: a lesson's directory is of small letters, digits and dashes, not %q", dir, id)
	}
	kind, err := host.Kind(whole)
	switch {
	case err != nil:
	case kind != sim.HostNothing:
		return fmt.Errorf("lesson new %s: it exists already", dir)
	default:
		err = host.Put(filepath.Dir(whole), newFiles(id, now))
	}
	if err != nil {
		return fmt.Errorf("lesson new: %w", err)
	}
	return nil
}

// newFiles is the directory of a new lesson.
func newFiles(id string, now time.Time) *fs.Tree {
	b := fs.NewBuilder()
	b.MustPut("/"+id, fs.Node{Mode: fs.S_IFDIR | 0o755, Mtime: now.UnixNano()})
	for name, content := range map[string]string{"lesson.yaml": newYAML, "en.md": newEnglish, "zh.md": newChinese} {
		content = strings.ReplaceAll(content, "LESSON", id)
		b.MustPut("/"+id+"/"+name, fs.Node{Mode: fs.S_IFREG | 0o644, Mtime: now.UnixNano(), Data: fs.DataOf([]byte(content))})
	}
	return b.Tree()
}

const newYAML = `format_version: 1
id: LESSON
order: 100                        # behind the course; lesson format tells all that may stand here
containers: [lesson-box]          # the lesson's own; names begin with lesson-
images: [busybox:latest]          # what it pulls or makes

steps:
  - id: look                      # shown: Enter runs these lines
    predict:
      changes: lesson-box         # what docker diff will list of it
    run:
      - docker run -it --name lesson-box busybox
      - cat /etc/motd
      - :detach                   # leaves the shell waiting
    goals:                        # the state that the lines lead to
      - container: {name: lesson-box, status: running}

  - id: yours                     # left to the learner
    solution:
      - docker exec lesson-box touch /new
    goals:
      - change: {container: lesson-box, kind: add, path: /new}
    wrong:                        # what somebody might do instead
      - id: elsewhere
        run:
          - docker exec lesson-box touch /tmp/new
        when:                     # how it is recognised
          - change: {container: lesson-box, kind: add, path: /tmp/new}
    quiz: {right: 1}
`

const newEnglish = `# A new lesson

## look

Say one thing here, in short sentences, one a line.

### predict

Ask what will happen.

### after

Say what has been seen.

## yours

Say what the learner is to reach.
Make a file /new in lesson-box.

### hint

A first push.

### hint

Nearly all of it: docker exec runs a command in a container.

### wrong elsewhere

That is /tmp/new; the file is to be /new.

### quiz

Where is the new file?

1. In the container's layer
2. In the image

Say why.
`

const newChinese = `# 新的一课

## look

在这里说一件事，句子要短，一句一行。

### predict

问问会发生什么。

### after

说说刚才看到了什么。

## yours

说说要学习的人做到什么。
在 lesson-box 里新建一个文件 /new。

### hint

先轻轻推一把。

### hint

差不多全说出来：docker exec 在容器里运行一条命令。

### wrong elsewhere

那是 /tmp/new，要的是 /new。

### quiz

新文件在哪里？

1. 在容器层里
2. 在镜像里

说说为什么。
`
