// Package real is the real world: engines that actually pull and run images
// (real/embedded, and real/docker for Docker and Podman), the store of layers
// that both read (real/store), the registry on the loopback that serves the
// bundled images to them (real/registry), the protocol that hands lines to a
// real shell (real/shell), and what the model is told of the real kernel
// ([Facts]).
//
// Which engines there are is in one table ([sim.Kinds]); how each is started is
// in [Open]. Everything here is seen through sim.Engine. Nothing here may know of
// lessons, of the terminal, or of what the model would say.
package real
