package helper

// Config says how to run an engine.
type Config struct {
	// DataDir is the store's directory. It is made if it is missing, and
	// may be shared by several engines of one user.
	DataDir string
	// Registry is the "host:port" of the registry of the bundled images,
	// which speaks plain HTTP; "": there is none.
	Registry string
	// Images is where short names such as "busybox" are to be had: "" stands
	// for Registry, or docker.io where there is none; "docker.io"; or a
	// mirror's address, with "http://" in front if it speaks plain HTTP.
	Images string
	// Insecure are the "host:port" of further registries that may be asked
	// without encryption.
	Insecure []string
	// As makes an engine started by root use no more power than an
	// ordinary user has. It is there for tests; nil: the caller's power.
	As *User
}

// User is an ordinary user: one id, and perhaps a range of more.
type User struct {
	ID    int
	First int // the first of Count further ids
	Count int
}

// Unavailable is why the engine cannot run on this machine.
type Unavailable struct {
	Reason string // what is missing, and why
	Remedy string // what to do about it
}

func (u *Unavailable) Error() string {
	return "the embedded engine cannot run here: " + u.Reason + "; " + u.Remedy
}
