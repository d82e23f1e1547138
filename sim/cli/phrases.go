package cli

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	// what docker does not say
	sayAfterImage       = say.P1("hint.after-image")
	sayShellEnded       = say.P1("hint.shell-ended")
	sayNobodyAnswers    = say.P0("hint.nobody-answers")
	sayDockerOutside    = say.P0("hint.docker-outside")
	sayCommittedFailure = say.P2("hint.committed-failure")
	sayBuiltElsewhere   = say.P1("hint.built-elsewhere")
	sayLookInterrupted  = say.P0("hint.look-interrupted")
)
