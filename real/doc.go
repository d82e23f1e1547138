// Package real is the real world: engines that actually pull and run images
// (real/embedded, with more to come), the registry on the loopback that
// serves the bundled images to them (real/registry), the protocol that hands
// lines to a real shell (real/shell), and what the model is told of the real
// kernel ([Facts]).
//
// Everything here is seen through sim.Engine. Nothing here may know of
// lessons, of the terminal, or of what the model would say.
package real
