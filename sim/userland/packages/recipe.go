package packages

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"twinlayer/fs"
	"twinlayer/fs/platform"
)

// Multicall is where the bundled distributions have the one program that all
// their tools are links to.
const Multicall = "/usr/lib/twinlayer/userland"

//go:embed debian.txt centos.txt programs
var data embed.FS

// recipe is a package as its repository has it: a paragraph of debian.txt or
// centos.txt. Beside the fields of deb-control(5) it has one for each thing
// that the package puts on disk, in this order:
//
//	Program: PATH NAME      programs/NAME, to be executed
//	Tool: DIR NAME...       links to the multi-call program
//	Data: PATH SIZE         text made up to a size, "40k"
//	Made: PATH GENERATOR    what a generator computes
//	Text: PATH              the lines that follow, indented
//	Conf: PATH              the same, as a file that belongs to the administrator
//	Dir: PATH [MODE]
//	Link: PATH TARGET
//	User: NAME ID HOME      a system user, made when the package is set up
//
// @VERSION@ in a program stands for the version without epoch and revision.
type recipe struct {
	stanza
	files []file
	users []user
}

// file is one thing that a package puts on disk.
type file struct {
	path    string
	mode    uint32 // with its S_IF type
	target  string // of a symlink
	content func() []byte
	size    int // of content, where that is known without making it
	conf    bool
}

type user struct{ name, id, home string }

func (r *recipe) name() string    { return r.get("Package") }
func (r *recipe) version() string { return r.get("Version") }

// upstream is the version that the package's authors gave it.
func (r *recipe) upstream() string {
	v := r.version()
	if _, after, ok := strings.Cut(v, ":"); ok {
		v = after
	}
	v, _, _ = strings.Cut(v, "-")
	return v
}

// essential packages are in the image from the start.
func (r *recipe) essential() bool { return r.get("Essential") == "yes" }

// repository is all packages of a distribution.
type repository struct {
	list   []*recipe
	byName map[string]*recipe
}

// repositories are read when they are first asked for.
var repositories = map[string]func() *repository{
	"debian": sync.OnceValue(func() *repository { return readRepository("debian") }),
	"centos": sync.OnceValue(func() *repository { return readRepository("centos") }),
}

func readRepository(family string) *repository {
	text, err := data.ReadFile(family + ".txt")
	if err != nil {
		panic(err) // it is embedded
	}
	repo := &repository{byName: map[string]*recipe{}}
	for _, s := range parse(string(text)) {
		r, err := newRecipe(family, s)
		if err != nil {
			panic(fmt.Sprintf("%s.txt: %s: %v", family, s.get("Package"), err)) // a test reads it too
		}
		repo.list = append(repo.list, r)
		repo.byName[r.name()] = r
	}
	return repo
}

// newRecipe takes the fields that put something on disk out of s.
func newRecipe(family string, s stanza) (*recipe, error) {
	r := &recipe{}
	for _, f := range s {
		head, body, _ := strings.Cut(f.value, "\n")
		args := strings.Fields(head)
		place, known := places[f.key]
		switch {
		case !known:
			r.stanza = append(r.stanza, f)
		case len(args) == 0 || body == "" && len(args) < place.args:
			return nil, fmt.Errorf("%s: %q has too few words", f.key, f.value)
		default:
			if err := place.add(r, args, unindent(body)); err != nil {
				return nil, fmt.Errorf("%s: %w", f.key, err)
			}
		}
	}
	r.addCopyright(family)
	r.complete(family)
	return r, nil
}

// unindent takes the one tab off each line of a body.
func unindent(body string) string {
	if body == "" {
		return ""
	}
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "\t")
		if lines[i] == "." {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// places are the fields that put something on disk, with the words they need.
var places = map[string]struct {
	args int
	add  func(r *recipe, args []string, body string) error
}{
	"Program": {2, addProgram},
	"Tool":    {2, addTools},
	"Data":    {2, addData},
	"Made":    {2, addMade},
	"Text":    {1, func(r *recipe, args []string, body string) error { return addText(r, args, body, false) }},
	"Conf":    {1, func(r *recipe, args []string, body string) error { return addText(r, args, body, true) }},
	"Dir":     {1, addDir},
	"Link": {2, func(r *recipe, args []string, _ string) error {
		r.files = append(r.files, file{path: args[0], mode: fs.S_IFLNK | 0o777, target: args[1]})
		return nil
	}},
	"User": {3, func(r *recipe, args []string, _ string) error {
		r.users = append(r.users, user{args[0], args[1], args[2]})
		return nil
	}},
}

func addProgram(r *recipe, args []string, _ string) error {
	text, err := data.ReadFile("programs/" + args[1])
	if err != nil {
		return err
	}
	content := strings.ReplaceAll(string(text), "@VERSION@", r.upstream())
	r.add(args[0], 0o755, content, false)
	return nil
}

// add adds a file whose content is text.
func (r *recipe) add(name string, mode uint32, text string, conf bool) {
	r.files = append(r.files, file{
		path: name, mode: fs.S_IFREG | mode, content: func() []byte { return []byte(text) }, size: len(text), conf: conf,
	})
}

func addTools(r *recipe, args []string, _ string) error {
	for _, name := range args[1:] {
		r.files = append(r.files, file{path: path.Join(args[0], name), mode: fs.S_IFLNK | 0o777, target: Multicall})
	}
	return nil
}

func addData(r *recipe, args []string, _ string) error {
	kilobytes, err := strconv.Atoi(strings.TrimSuffix(args[1], "k"))
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s of %s: text that twinlayer made up, so that the package has a size; line ", path.Base(args[0]), r.name())
	size := kilobytes * 1000
	r.files = append(r.files, file{
		path: args[0], mode: fs.S_IFREG | 0o644, content: func() []byte { return repeat(line, size) }, size: size,
	})
	return nil
}

// repeat is a line with its number again and again, to the size.
func repeat(line string, size int) []byte {
	out := make([]byte, 0, size+len(line)+20)
	for i := 1; len(out) < size; i++ {
		out = strconv.AppendInt(append(out, line...), int64(i), 10)
		out = append(out, '\n')
	}
	return out[:size]
}

func addMade(r *recipe, args []string, _ string) error {
	make, ok := generators[args[1]]
	if !ok {
		return fmt.Errorf("no generator %s", args[1])
	}
	r.files = append(r.files, file{path: args[0], mode: fs.S_IFREG | 0o644, content: make})
	return nil
}

func addText(r *recipe, args []string, body string, conf bool) error {
	mode := uint64(0o644)
	if len(args) > 1 {
		var err error
		if mode, err = strconv.ParseUint(args[1], 8, 32); err != nil {
			return err
		}
	}
	r.add(args[0], uint32(mode), body, conf)
	return nil
}

func addDir(r *recipe, args []string, _ string) error {
	mode := uint64(0o755)
	if len(args) > 1 {
		var err error
		if mode, err = strconv.ParseUint(args[1], 8, 32); err != nil {
			return err
		}
	}
	r.files = append(r.files, file{path: args[0], mode: fs.S_IFDIR | uint32(mode)})
	return nil
}

// addCopyright says whose package this is, where the family has such a file.
func (r *recipe) addCopyright(family string) {
	name := "/usr/share/doc/" + r.name() + "/copyright"
	if family == "centos" {
		name = "/usr/share/licenses/" + r.name() + "/LICENSE"
	}
	text := fmt.Sprintf("This is %s as twinlayer has it, to teach with: not the software of that name,\nwhich has its own authors. License: Apache-2.0.\n", r.name())
	r.add(name, 0o644, text, false)
}

// complete fills in the fields that every package has.
func (r *recipe) complete(family string) {
	description := r.get("Description") + "\n This is twinlayer's own teaching package, not the software of this name."
	s := slices.DeleteFunc(r.stanza, func(f field) bool { return f.key == "Description" })
	if s.get("Architecture") == "" {
		s = s.with("Architecture", architecture(family))
	}
	if s.get("Installed-Size") == "" {
		s = s.with("Installed-Size", strconv.Itoa((r.size()+1023)/1024))
	}
	s = s.with("Maintainer", "twinlayer")
	r.stanza = s.with("Description", description)
}

// size is the bytes of the package's files, without those that a generator
// makes: such a package says its size itself.
func (r *recipe) size() (n int) {
	for _, f := range r.files {
		n += f.size
	}
	return n
}

// architecture is what the family calls that of the machine which these tools
// were built for.
func architecture(family string) string {
	if family == "debian" {
		return platform.Host() // Debian's names are Go's for what twinlayer runs on
	}
	return platform.Machine(platform.Host())
}

// archive is what stands for the package's archive: its own paragraph. The
// files in it are made when it is unpacked.
func (r *recipe) archive() []byte {
	var b strings.Builder
	b.WriteString(format([]stanza{r.stanza}))
	for _, f := range r.files {
		fmt.Fprintf(&b, "%06o %s %s\n", f.mode, f.path, f.target)
	}
	return []byte(b.String())
}
