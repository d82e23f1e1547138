// Package docker is the real world on an engine that is already there: Docker
// (Engine API 1.40 and newer, https://docs.docker.com/reference/api/engine)
// or Podman, which serves the same API on its socket.
//
// What lives here is how twinlayer speaks to such an engine ([Engine]), how it
// is found as the docker command finds it ([Find]), and how twinlayer keeps
// apart what is its own. What may not live here: rules that both worlds share
// (sim), and what the model would say.
//
// # What is twinlayer's own
//
// The engine may hold images, containers and volumes that a person lives from.
// Twinlayer shows, changes and removes only what it made itself:
//
//   - Containers and volumes carry the label twinlayer.session. Where a name
//     is taken by a stranger, twinlayer's has another one in the engine, and
//     the label twinlayer.name says which it stands for.
//   - What the engine's own builder leaves of a step that failed can have no
//     label; it is renamed to twinlayer-SESSION-NAME.
//   - Images are known by their references, because a label would change an
//     image's digest: "busybox:latest" is twinlayer.local/SESSION/busybox:latest
//     in the engine, and an image without a tag twinlayer.local/SESSION/untagged:ID.
//     A stranger's busybox:latest stays what it is.
//   - The id of a container is the engine's choice. Twinlayer shows the one that
//     the command gave it, so that both worlds speak of the same container;
//     the evidence has the engine's.
//
// A session removes all of that when it ends. What a killed one leaves behind,
// [Clean] removes.
package docker
