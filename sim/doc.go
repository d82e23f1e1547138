// Package sim is the vocabulary that both worlds speak, and the modelled one
// of them.
//
// An [Engine] keeps images and containers; there is one in the model
// ([Model]) and there are real ones, in other rooms. A [Client] is the docker
// command over an Engine: it runs a parsed [Cmd] and returns the [View] that
// any engine can give. A [Session] runs each command in both worlds, holds
// the views against each other, and classes every difference.
//
// The model's [State] is an immutable value and its transitions are pure:
// ids, names and times come in with the command, and randomness with them.
// Every [Step] keeps the whole State after it. What may not live here: real
// engines, the terminal, and what a learner looks at.
package sim
