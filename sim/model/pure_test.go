package model_test

import (
	"fmt"
	"reflect"
	"testing"

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
