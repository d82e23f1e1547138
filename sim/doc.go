// Package sim is the vocabulary that the modelled and the real world speak. To
// read it is to learn what twinlayer teaches, and how it is told apart.
//
// # Images
//
// An [Image] is a configuration and a stack of layers. A layer is a set of
// changes to a file system: files added or replaced, directories, and
// whiteouts, which hide what a layer below has (image-spec, layer.md). It is
// named by the digest of its tar, its diffID, and never changes; so one layer
// serves every image and every container that stands on it. The configuration
// lists the diffIDs, bottom first, and what a container begins with: command,
// environment, user, directory (image-spec, config.md). Its own digest is the
// image's id, so two images of the same id are the same to the last byte. A
// tag is only a name for an id, and moves from one to another.
//
// An image comes into an engine by [Engine.Pull], from a [Registry] that
// serves it as an [Artifact]: a manifest, the configuration and one compressed
// [Blob] a layer, each asked for by digest, and only where it is not there
// already. It comes by [Engine.Load] from an archive, by [Engine.Import] as
// one layer, and by [Engine.Commit] out of a container. A build is a row of
// containers and commits; an engine may have a [Builder] of its own for that.
//
// # Containers
//
// [Engine.Create] gives a [Container] an empty layer of its own and puts it on
// the layers of its image: together they are its root file system, by
// overlayfs or the model's union (package fs). Between the two lies the
// [InitLayer], with the mount points that every container needs. All that the
// container's processes change goes into its own layer: what is written to
// lower files is first copied up, what is removed gets a whiteout. The image
// stays as it was. [Engine.Changes] is that layer read as a list, which docker
// diff prints; [Engine.Layer] is the layer itself, by whose digest the worlds
// are compared. A [Volume] and every other [Mount] lies over the layers, and
// what is written there goes into none.
//
// [Engine.Start] starts the container's own process, the first of its pid
// namespace, on the host's kernel. Its end ends the container, whose status is
// [Exited] then; the layer stays until [Engine.RemoveContainer]. A shell that
// takes lines is left waiting instead, and [Engine.Line] hands it one after
// the other: so a prompt can go back and forth between a container and docker.
//
//	          Pull, Load, Import             Create            Start
//	registry ───────────────────► image ───────────► created ───────► running ◄──► Line, Exec
//	                                ▲                                    │
//	                                └───────────── Commit ◄──────────── exited ───► RemoveContainer
//
// # Commands, and what comes of them
//
// A [Cmd] is a docker command line or a line for a shell, parsed (sim/cli). It
// brings with it all that is random or depends on the clock: ids, a name, the
// time. So every engine that is given it makes the same container, with the
// same id. What an engine shows afterwards is a [View]. The model also tells
// what it did on the way, as [Step]s, each with a [Snapshot] of everything
// after it; only a model can.
//
// A session (sim/session) runs each Cmd in the model and in a real engine and
// gives a [Result]: both views, the steps, and every [Difference] with its
// [Class]. Where the model cannot know what a program does, it says so
// ([Unknown]) and takes over what the real engine has.
//
// # What goes wrong
//
// What a learner got wrong is a [Refusal], in docker's words and with docker's
// exit status. Any other error is told like one, and the session goes on. Only
// [Lost] says that the engine itself is gone.
//
// # What is here, and what is not
//
// Beside the nouns, this package has what every engine must do alike, as
// functions of values: how names resolve, what a container's process and
// environment are, what a commit's configuration says, which images go with a
// tag. What may not live here: an engine, the model's state, anything that
// prints, and what a learner looks at.
package sim
