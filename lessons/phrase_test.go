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
)

// said are the formats of all phrases in the sources of the given files.
func said(t *testing.T, pattern string) (out []string) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	require.NoError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 0 && slices.Contains([]string{"Say", "tell", "tellWarn"}, nameOf(call.Fun)) {
				if lit, ok := call.Args[0].(*ast.BasicLit); ok {
					text, err := strconv.Unquote(lit.Value)
					require.NoError(t, err)
					out = append(out, text)
				}
			}
			return true
		})
	}
	return out
}

func nameOf(fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

var verbForm = regexp.MustCompile(`%(\[\d\])?[a-z]`)

// Every phrase is there in Chinese, with as many arguments, and no Chinese is
// left of a phrase that is gone.
func TestPhrasesAreTranslated(t *testing.T) {
	all := append(said(t, "*.go"), said(t, "../sim/repl/*.go")...)
	all = append(all, "created", "running") // sim's own words
	for _, format := range all {
		zh, ok := chinese[format]
		require.True(t, ok, "%q is not translated", format)
		require.Len(t, verbForm.FindAllString(zh, -1), len(verbForm.FindAllString(format, -1)), format)
	}
	for format := range chinese {
		require.Contains(t, all, format, "nobody says it")
	}
}
