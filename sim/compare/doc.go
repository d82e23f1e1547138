// Package compare holds what the model says against what a real engine shows,
// and classes every difference: declared with its reason, beyond what the
// model can know, or a bug. What docker prints is compared value by value
// (sim.Piece); regular expressions are for what programs print. An [ImageMap]
// knows which images are the same in both worlds although their ids differ.
package compare
