// Package cli is the docker command: its verbs, flags, help and output, over
// any [sim.Engine].
//
// [Parse] reads a command line, and a [Client] performs it; whatever goes
// wrong is in the view, worded as docker words it. An error means that the
// engine is lost. A new flag is a line in the verb's table and what reads it.
package cli
