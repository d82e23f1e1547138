// Package sim is the vocabulary that the modelled and the real world speak.
//
// An [Engine] keeps images and containers. There is one in the model, and
// there are real ones; what any of them can show is a [View], and what a
// learner did wrong is a [Refusal]. The docker command over an Engine
// (sim/cli) takes a parsed [Cmd]. A session (sim/session) runs each Cmd in
// both worlds and gives a [Result]: both views, the model's [Step]s, and every
// [Difference] with its [Class].
//
// What every engine must do alike is here as a function of values: how names
// resolve, what a container's process is, what a commit's configuration says.
// What may not live here: an engine, the model's State, anything printed, and
// what a learner looks at.
package sim
