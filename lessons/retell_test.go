package lessons

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twinlayer/sim/compare"
)

// sayers are the functions whose text a learner reads, by the argument that
// has it, with the sources that call them.
var sayers = []struct {
	sources string
	names   []string
	arg     int
}{
	{"../fs/*.go", []string{"log"}, 2},
	{"../fs/*.go", []string{"copyUp", "edit"}, 0},
	{"../fs/*.go", []string{"make"}, 3},
	{"../sim/model/*.go", []string{"step"}, 2},
	{"../sim/*/*.go", []string{"Hint", "explain"}, 0},
	{"../sim/repl/*.go", []string{"say", "warn", "title"}, 0},
}

// texts are the texts in the sources, with X for what they leave blank.
func texts(t *testing.T, pattern string, names []string, arg int) (out []string) {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && len(call.Args) > arg && slices.Contains(names, nameOf(call.Fun)) && !strings.HasSuffix(name, "_test.go") {
				if text := blanked(call.Args[arg]); strings.Contains(text, " ") && text != "X: X" {
					out = append(out, text)
				}
			}
			return true
		})
	}
	return out
}

var verb = regexp.MustCompile(`%[a-z]`)

// blanked is the text of an expression, with X for what is not in the source.
func blanked(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return verb.ReplaceAllString(text, "X")
	case *ast.BinaryExpr:
		return blanked(e.X) + blanked(e.Y)
	case *ast.CallExpr:
		if nameOf(e.Fun) == "Sprintf" {
			return blanked(e.Args[0])
		}
	}
	return "X"
}

// The table knows every step's reason, and all else that is retold.
func TestEverythingIsRetold(t *testing.T) {
	n := 0
	for _, s := range sayers {
		for _, text := range texts(t, s.sources, s.names, s.arg) {
			n++
			if !Retold(text, Chinese) {
				t.Errorf("%q is not retold", text)
			}
		}
	}
	require.Greater(t, n, 100)
}

// Every declared difference has its reason retold.
func TestReasonsAreRetold(t *testing.T) {
	for _, d := range compare.Declarations() {
		require.True(t, Retold(d.Reason, Chinese), d.Reason)
	}
}

// What is retold has as many blanks as before.
func TestBlanks(t *testing.T) {
	for key, zh := range retold {
		require.Len(t, verbForm.FindAllString(zh, -1), strings.Count(key, "%s"), key)
	}
}

func TestRetell(t *testing.T) {
	for english, want := range map[string]string{
		"the directory is in image layer 1, which is read-only: something is created in it, so it is copied into the container layer": "写时复制：目录在镜像第 1 层里，是只读的；要在里面新建东西，所以先把它复制到容器层",
		"a new file: the container layer is the only writable one, so it goes there":                                                  "新文件：只有容器层可写，所以放在容器层里",
		"layer 2       25MB  0123456789ab  nobody recorded how it was made":                                                           "第 2 层       25MB  0123456789ab  没有人记下它是怎么做出来的",
		"what docker prints": "what docker prints",
	} {
		require.Equal(t, want, Retell(english, Chinese))
		require.Equal(t, english, Retell(english, English))
	}
}
