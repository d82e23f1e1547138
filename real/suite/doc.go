// Package suite drives the whole program, as its users do, on every engine
// there is: the model alone, the embedded engine as root and as an ordinary
// user, Docker and Podman. The tests themselves are in the packages below it,
// so that they run beside each other:
//
//	conform    sessions, written and random ones, on all engines; two sessions on one store
//	course     every lesson on all engines
//	program    the command line, the terminal, signals, where the program can run
//	strangers  hostile images, registries, files and lines
//
// Each session and lesson is a subtest, for instance
//
//	go test ./real/suite/conform -run 'TestConformance/docker/volumes'
//
// An engine that is missing is passed over, and so is a tool; with CI=true in
// the environment it fails instead. DOCKER_HOST and CONTAINER_HOST name the
// engines, as they do for the program. Docker and Podman get a sample of the
// sessions and lessons, unless everything is asked for; see [testenv] for that
// and the flags that all tests have.
package suite
