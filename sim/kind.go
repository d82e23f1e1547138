package sim

// Kind is a real engine before it is asked: what it is called, and what sort
// of engine it is.
type Kind struct {
	Name   string // as --real, lessons and results have it
	Title  string // as its own people write it
	Daemon bool   // it stands on the machine beside twinlayer, and others use it too
}

// The names of the worlds.
const (
	ModelName = "model"
	Embedded  = "embedded"
	Docker    = "docker"
	Podman    = "podman"
)

// kinds are the real engines, in the order in which they are tried. All that
// names an engine, or tells one from another, looks here: the --real flag, the
// lessons' differences, the declared differences, the suites.
var kinds = []Kind{
	{Name: Embedded, Title: "embedded"},
	{Name: Docker, Title: "Docker", Daemon: true},
	{Name: Podman, Title: "Podman", Daemon: true},
}

// KindOf is the real engine of a name; the zero value where there is none.
func KindOf(name string) Kind {
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	return Kind{}
}

// EngineNames are the names of all real engines.
func EngineNames() []string { return namesOf(func(Kind) bool { return true }) }

// Daemons are the names of the engines that stand on the machine.
func Daemons() []string { return namesOf(func(k Kind) bool { return k.Daemon }) }

func namesOf(is func(Kind) bool) (names []string) {
	for _, k := range kinds {
		if is(k) {
			names = append(names, k.Name)
		}
	}
	return names
}
