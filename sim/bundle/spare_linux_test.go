package bundle

import (
	"bytes"
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
)

// toolsAlone is a program that is nothing but the tools.
const toolsAlone = `package main

import (
	"os"

	"twinlayer/sim/userland"
	"twinlayer/sim/userland/packages"
)

func main() { os.Exit(userland.Main(os.Args, packages.Run)) }
`

// testsAlone is what every test's executable does before TestMain.
const testsAlone = `package main

import (
	"os"
	"testing"
)

func main() { testing.MainStart(nil, nil, nil, nil, nil); os.Exit(0) }
`

// What is needed is just what the tools, and tests, may call: of a package
// that they import the linker may have kept nothing but what initialises it,
// and then what only that one imports is not needed either.
func TestNeeded(t *testing.T) {
	called := map[string]bool{}
	for _, source := range []string{toolsAlone, testsAlone} {
		for _, pkg := range mayCall(t, source) {
			called[pkg] = true
		}
	}
	var found []string
	for _, task := range tasksOf(t, os.Args[0]) {
		if called[task.pkg] {
			found = append(found, task.pkg)
		}
	}
	slices.Sort(found)
	missing := slices.DeleteFunc(found, func(pkg string) bool { return slices.Contains(needed, pkg) })
	require.Empty(t, missing, "the tools may call these")
	for _, pkg := range needed {
		require.True(t, called[pkg], "%s is never called", pkg)
	}
}

// The tools' program initialises what they need and nothing else.
func TestSpared(t *testing.T) {
	exe, err := inImages(File(os.Args[0]))
	require.NoError(t, err)
	for _, task := range tasksOf(t, os.Args[0]) {
		var state [4]byte
		_, err := exe.content.ReadAt(state[:], task.off)
		require.NoError(t, err)
		done := !bytes.Equal(state[:], make([]byte, 4))
		require.Equal(t, !slices.Contains(needed, task.pkg), done, task.pkg)
	}
	name := filepath.Join(t.TempDir(), "tools")
	content, err := exe.content.Bytes()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, content, 0o755))
	cmd := exec.Command(name)
	cmd.Env = []string{"BUNDLE_SAY=", "GODEBUG=inittrace=1"}
	trace, _ := cmd.CombinedOutput()
	require.Contains(t, string(trace), "init os ")
	require.NotContains(t, string(trace), "init net/http ")
}

// A program that is none of Go's, or laid out otherwise, is left as it is.
func TestNotSpared(t *testing.T) {
	program, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	f, err := elf.Open(os.Args[0])
	require.NoError(t, err)
	defer f.Close()
	module := f.Section(".go.module").Offset
	for name, change := range map[string]func(b []byte){
		"no ELF":        func(b []byte) { clear(b[:4]) },
		"no list":       func(b []byte) { clear(b[module+tasksWord*wordSize:][:3*wordSize]) },
		"list too long": func(b []byte) { b[module+(tasksWord+1)*wordSize+2] = 1 },
		"list outside":  func(b []byte) { b[module+tasksWord*wordSize+7] = 0x7f },
		"list inside code": func(b []byte) {
			copy(b[module+tasksWord*wordSize:], b[module+textWord*wordSize:][:wordSize])
		},
	} {
		b := bytes.Clone(program)
		change(b)
		data := fs.DataOf(b)
		if p, err := readGo(data); err == nil {
			require.True(t, p.spared(data) == data, name)
		}
	}
}

func tasksOf(t *testing.T, exe string) []task {
	content, err := openData(exe)
	require.NoError(t, err)
	p, err := readGo(content)
	require.NoError(t, err)
	tasks, err := p.initTasks()
	require.NoError(t, err)
	return tasks
}

// mayCall are the packages of which a function may run when the program runs,
// besides their initialisation, or a variable be read: those that can be
// reached by imports without passing one where that is not so.
func mayCall(t *testing.T, source string) []string {
	dir := t.TempDir()
	main, exe := filepath.Join(dir, "main.go"), filepath.Join(dir, "main")
	require.NoError(t, os.WriteFile(main, []byte(source), 0o644))
	goTool(t, "build", "-o", exe, main)
	all := listed(t, main)
	linked := linkedIn(t, exe)
	seen := map[string]bool{}
	var walk func(string)
	walk = func(pkg string) {
		seen[pkg] = true
		for _, to := range all[pkg].Imports {
			if all[to] != nil && !seen[to] && (linked[to] || all[pkg].reads(t, all[to])) {
				walk(to)
			}
		}
	}
	walk("command-line-arguments")
	return slices.Collect(maps.Keys(seen))
}

// listing is what go list tells of a package.
type listing struct {
	ImportPath, Name, Dir string
	GoFiles, CgoFiles     []string
	Imports               []string
	ImportMap             map[string]string

	files []*ast.File // see parsed
	vars  map[string]bool
}

func listed(t *testing.T, main string) map[string]*listing {
	all := map[string]*listing{}
	for d := json.NewDecoder(strings.NewReader(goTool(t, "list", "-deps", "-json", main))); d.More(); {
		l := new(listing)
		require.NoError(t, d.Decode(l))
		all[l.ImportPath] = l
	}
	return all
}

func (l *listing) parsed(t *testing.T) []*ast.File {
	if l.files != nil {
		return l.files
	}
	for _, name := range slices.Concat(l.GoFiles, l.CgoFiles) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		l.files = append(l.files, f)
	}
	return l.files
}

// variables are a package's own.
func (l *listing) variables(t *testing.T) map[string]bool {
	if l.vars != nil {
		return l.vars
	}
	l.vars = map[string]bool{}
	for _, f := range l.parsed(t) {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				for _, name := range s.(*ast.ValueSpec).Names {
					l.vars[name.Name] = true
				}
			}
		}
	}
	return l.vars
}

// reads says whether a package names a variable of one that it imports.
func (l *listing) reads(t *testing.T, from *listing) (found bool) {
	variables := from.variables(t)
	for _, f := range l.parsed(t) {
		name := ""
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if cmp.Or(l.ImportMap[path], path) == from.ImportPath {
				name = from.Name
				if i.Name != nil {
					name = i.Name.Name
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && name != "" {
				x, ok := s.X.(*ast.Ident)
				found = found || ok && x.Name == name && variables[s.Sel.Name]
			}
			return true
		})
	}
	return found
}

func goTool(t *testing.T, args ...string) string {
	cmd := exec.Command("go", args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(t, err, "%v: %s", cmd, &errs)
	return string(out)
}

// initialiser is what makes package variables, and not called otherwise.
var initialiser = regexp.MustCompile(`^(map\.)?init(\.|$)`)

// linkedIn are the packages of which a program has more than initialisers,
// inlined functions among it.
func linkedIn(t *testing.T, exe string) map[string]bool {
	f, err := elf.Open(exe)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.DWARF()
	require.NoError(t, err)
	linked := map[string]bool{}
	for r := info.Reader(); ; {
		e, err := r.Next()
		require.NoError(t, err)
		if e == nil {
			return linked
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		if e.Tag != dwarf.TagSubprogram {
			continue
		}
		head, _, _ := strings.Cut(name, "[")
		head, _, _ = strings.Cut(head, "(")
		slash := strings.LastIndexByte(head, '/') + 1
		last, _, _ := strings.Cut(head[slash:], ".")
		if pkg := head[:slash] + last; !initialiser.MatchString(strings.TrimPrefix(name, pkg+".")) {
			linked[pkg] = true
		}
	}
}
