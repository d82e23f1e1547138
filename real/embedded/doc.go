// Package embedded is a real container engine inside the program itself:
// overlayfs and namespaces, no daemon, no root, nothing to install. It runs
// on Linux; elsewhere [Start] says that it cannot.
//
// Start starts the program once more as a helper, the first process of a new
// user, mount and pid namespace, and talks to it over a socket (package
// rpc). The whole engine lives there (package helper): the store (package store), the pulls,
// and the containers (package runtime). So file owners are always seen through
// one map of ids, no mount is ever seen outside, and when the helper dies,
// for whatever reason, the kernel ends every container with it. The helper
// ends when its socket does, so nothing outlives twinlayer either.
//
// Containers last as long as the engine; images stay in the store for the
// next one, and may be shared with others that run at the same time. Of the
// bundled images only the layers stay, as a cache. Registries are package
// remote's affair.
//
// A program that uses this package calls [Init] before anything else in main,
// and its tests do so in TestMain.
package embedded
