// Package userland is what lives in a busybox image: the shell and its tools.
//
// They run in two worlds: inside the model, over our own union file system,
// and as a multi-call program inside the bundled real image, where they are
// the real /bin/sh, /bin/ls and so on. Because it is the same code, both
// worlds print the same; and it prints what BusyBox 1.35 prints.
//
// A tool sees nothing but its [Process]: it takes files from Process.FS by
// absolute path, the time from Process.Now, other programs through
// Process.Exec. Nothing here may call the os package for files, processes or
// the environment, or read the real clock, except the host*.go files, which
// make the Process of the real world ([Main]). The shell parses with
// mvdan.cc/sh/v3/syntax and evaluates by itself: that package's own
// interpreter reaches past any handler, to the host's pipes, users and PATH.
//
// Whatever lists a directory goes in sorted order, whatever reads a file
// streams it, whatever might not end looks at its context.
package userland
