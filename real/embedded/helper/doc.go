// Package helper is the embedded engine itself: the process that package
// embedded starts and calls. It has a user, a mount and a pid namespace of its
// own, keeps images and volumes in the store, and runs containers. It ends when
// its socket does, and everything that runs in it ends with it.
package helper
