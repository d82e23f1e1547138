// Package packages is how software comes into the bundled distributions: apt
// and dpkg in debian, yum and rpm in centos, and the repository that they
// install from, which is in this program. Nothing is fetched from a network.
//
// What lives here is the repositories as data ([recipe] has the format of
// debian.txt and centos.txt), what the tools make of it on disk, and their
// words. Each tool is written against a [userland.Process], so that the same
// code runs in the model and as a real program in a real container. What may
// not live here: the shell and the other tools, and how an image is packed.
//
// A package is twinlayer's own and says so: its programs are short scripts,
// its data is text made up to a size. Everything else is as the real tools
// leave it: the database, the lists, caches and logs, the users in
// /etc/passwd. Two things differ, and both on purpose. Logs have the day and
// not the time of day, so that the same command makes the same layer in both
// worlds. And every file belongs to root, because in a user namespace that
// maps one id nothing else can be set.
package packages
