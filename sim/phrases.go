package sim

import "twinlayer/sim/say"

// What is said here to a learner; the texts are those of package say.
var (
	CannotKnow = say.P1("world.cannot-know")

	// how a layer was made, where no instruction tells
	Unrecorded        = say.P0("history.unrecorded")
	saySaysOfItself   = say.P1("history.says-of-itself")
	saySomebodyWorked = say.P1("history.committed")
	sayRanSomewhere   = say.P1("history.ran")
)
