// Package repl is the loop that talks to people: it reads lines, runs them in
// both worlds through a [session.Session], and draws what came of it, side by
// side on a terminal or as one JSON object per line for programs.
//
// What a line means to an engine is sim's matter; here live the prompt, the
// REPL's own words ([words]), completion, and the pictures. It knows the
// engines only as sim.Engine: nothing here may import real.
package repl
