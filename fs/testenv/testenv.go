// Package testenv is what the tests of all packages have in common: how much
// they try, and what becomes of one that lacks something. Every package with
// tests imports it, so that go test ./... takes its flags:
//
//	-full          try everything; without it what takes long is sampled, and
//	               what is left out is skipped by name. -run has it too: who
//	               asks for a test gets all of it.
//	-debian FILE   a tar of a Debian root file system, for the tests of a whole
//	               distribution (debootstrap --variant=minbase bookworm DIR;
//	               tar -C DIR -cf FILE .)
//	-corpus DIR    build contexts for package real in the place of its own
//	-learner USER  an ordinary user with subordinate ids (subuid(5)), for a
//	               Podman without root
//	-summary FILE  where suites tell, beside their log, what they have seen
//
// CI=true in the environment stands for -full, and there nothing may be
// missing. It is the one variable, and the usual one of services that run
// tests: a flag could not be given to a bare go test ./... .
package testenv

import (
	"flag"
	"os"
	"strconv"
	"testing"
)

var (
	full    = flag.Bool("full", CI(), "try everything, not a sample")
	debian  = flag.String("debian", "", "a `file`: the tar of a Debian root file system")
	corpus  = flag.String("corpus", "", "a `directory` of build contexts, each a directory with a Dockerfile, for package real")
	learner = flag.String("learner", "", "an ordinary `user` with subordinate ids")
	summary = flag.String("summary", "", "a `file` for what suites have seen")
)

// CI says whether this is a check in which nothing may be missing.
func CI() bool { return os.Getenv("CI") == "true" }

// Full says whether everything is to be tried. What -run names is, unless
// -full says otherwise.
func Full() bool {
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "full" })
	return *full || !told && flag.Lookup("test.run").Value.String() != ""
}

// Flags are these flags, for a test that starts its own program again.
func Flags() []string {
	return []string{"-full=" + strconv.FormatBool(Full()), "-debian=" + *debian}
}

// Count is how often to try: as a flag asks, or, where it is 0, a sample or
// everything.
func Count(asked, sample, everything int) int {
	switch {
	case asked != 0:
		return asked
	case Full():
		return everything
	}
	return sample
}

// Sample skips most of what a test tries as subtests: it leaves about n of
// them, from the first to the last. Each calls it with its place among all.
func Sample(t testing.TB, place, all, n int) {
	t.Helper()
	if LeftOut(place, all, n) {
		t.Skipf("about %d of %d are tried: -full tries all, and -run whatever it names", n, all)
	}
}

// LeftOut says whether Sample leaves it out.
func LeftOut(place, all, n int) bool {
	return !Full() && place > 0 && place*n/all == (place-1)*n/all
}

// Long skips a test that takes long, where not everything is to be tried.
func Long(t testing.TB) {
	t.Helper()
	if !Full() {
		t.Skip("it takes long: -full tries it, and -run whatever it names")
	}
}

// Some are about n of all, or all.
func Some[T any](all []T, n int) (some []T) {
	for i, each := range all {
		if Full() || i == 0 || i*n/len(all) != (i-1)*n/len(all) {
			some = append(some, each)
		}
	}
	return some
}

// Lacking skips a test that lacks something; in CI it fails.
func Lacking(t testing.TB, format string, args ...any) {
	t.Helper()
	if CI() {
		t.Fatalf(format+"; in CI nothing may be missing", args...)
	}
	t.Skipf(format, args...)
}

// Debian is the file of -debian.
func Debian(t testing.TB) string {
	t.Helper()
	if *debian == "" {
		Lacking(t, "-debian names no tar of a Debian root file system")
	}
	return *debian
}

// Corpus is the directory of -corpus, "" without it.
func Corpus() string { return *corpus }

// Learner is the user of -learner.
func Learner(t testing.TB) string {
	t.Helper()
	if *learner == "" {
		Lacking(t, "-learner names no ordinary user with subordinate ids")
	}
	return *learner
}

// Tell logs what a suite has seen, and adds it to the file of -summary: of a
// package that passes go test prints no log.
func Tell(t testing.TB, text string) {
	t.Helper()
	t.Log(text)
	if *summary == "" {
		return
	}
	f, err := os.OpenFile(*summary, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text + "\n")
	}
	if err != nil {
		t.Error(err)
	}
	f.Close()
}
