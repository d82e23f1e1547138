package model_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"twinlayer/fs"
	"twinlayer/sim"
	"twinlayer/sim/model"
	"twinlayer/sim/simtest"
)

// TestStateIsAValue looks into every corner of a State that has known all that
// there is: nothing in it can be called, and nothing waits.
func TestStateIsAValue(t *testing.T) {
	s := simtest.Session(t, model.Config{LocalRegistry: "localhost:5000"})
	for _, line := range []string{
		"docker volume create data", "docker run --name one -v data:/data busybox sh -c 'echo x > /data/x; echo y > /y'",
		"docker commit one mine", "docker tag mine localhost:5000/mine", "docker push localhost:5000/mine",
		"docker run -d --name waits busybox sh -c 'sleep 5; echo late; sleep 1000'", "docker run -it --name shell busybox", "x=$RANDOM; sleep 1000 &", "trap 'echo bye' EXIT",
	} {
		simtest.Do(t, s, line)
	}
	s.Detach()
	simtest.Do(t, s, "docker exec -it waits sh")
	require.NoError(t, s.Model.TakeOver(func(a model.Adoption) error {
		img := sim.Image{ID: "sha256:" + "1", Layers: nil}
		img.Layers = append(img.Layers, "sha256:2")
		a.Image(img, func(int) (*fs.Tree, error) { return nil, fmt.Errorf("not asked for") })
		return nil
	}))
	seen := map[uintptr]bool{}
	require.Empty(t, callable(reflect.ValueOf(s.Model.State()), "State", seen))
	require.Greater(t, len(seen), 300, "it has been looked into")
}

// TestNoClockOfItsOwn: what is asked of the world comes in through Config. In
// the model and in the kernel nobody asks for the time, for chance or for the
// machine.
func TestNoClockOfItsOwn(t *testing.T) {
	banned := map[string][]string{
		"time":    {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
		"context": {"WithTimeout", "WithTimeoutCause", "WithDeadline", "WithDeadlineCause"},
	}
	for _, pattern := range []string{"*.go", "../../kernel/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.Greater(t, len(files), 5)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			for _, spec := range parsed.Imports {
				require.NotContains(t, []string{`"math/rand"`, `"math/rand/v2"`, `"crypto/rand"`, `"os"`, `"runtime"`, `"net/http"`}, spec.Path.Value, file)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if in, ok := s.X.(*ast.Ident); ok {
						require.NotContains(t, banned[in.Name], s.Sel.Name, "%s: %s.%s", file, in.Name, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// TestSleep: a program in the foreground sleeps as Config says, and so does
// whoever waits for it.
func TestSleep(t *testing.T) {
	var mu sync.Mutex
	var slept []time.Duration
	s := simtest.Session(t, model.Config{Sleep: func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		slept = append(slept, d)
		return ctx.Err()
	}})
	began := time.Now()
	require.Equal(t, "up\n", simtest.Do(t, s, "docker run --name box busybox sh -c 'sleep 3600; echo up'").Model.Stdout)
	simtest.Do(t, s, "docker run -it --name shell busybox")
	require.Equal(t, "0\n", simtest.Do(t, s, "sleep 7200; echo $?").Model.Stdout)
	require.Less(t, time.Since(began), time.Minute)
	require.Equal(t, []time.Duration{time.Hour, 2 * time.Hour}, slept)
}

// callable are the places in a value where there is a function or a channel.
func callable(v reflect.Value, at string, seen map[uintptr]bool) (found []string) {
	switch v.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if !v.IsNil() {
			return []string{at}
		}
	case reflect.Pointer, reflect.Map:
		if v.IsNil() || seen[v.Pointer()] {
			return nil
		}
		seen[v.Pointer()] = true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return callable(v.Elem(), at, seen)
	case reflect.Interface:
		if !v.IsNil() {
			return callable(v.Elem(), at+"."+v.Elem().Type().String(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			found = append(found, callable(v.Field(i), at+"."+v.Type().Field(i).Name, seen)...)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			found = append(found, callable(v.Index(i), at, seen)...)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			found = append(found, callable(v.MapIndex(key), at, seen)...)
		}
	}
	return found
}
