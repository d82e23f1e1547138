package ink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes v as one line of JSON that loses nothing and has nothing that a
// terminal obeys. What [Visible] would not leave as it is, is written as JSON's
// own \u escapes; a byte that is no UTF-8, of which JSON knows none, as the lone
// surrogate \udc80 to \udcff that Python's "surrogateescape" reads.
func JSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(withBytes(reflect.ValueOf(v)).Interface()); err != nil {
		return err
	}
	_, err := w.Write(append(escaped(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), '\n'))
	return err
}

// escaped is JSON text in which only strings can have characters that are
// hidden.
func escaped(text []byte) []byte {
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r >= someByte:
			fmt.Fprintf(&b, `\udc%02x`, r-someByte)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// someByte and the 255 characters above it, the last of the private ones, stand
// for bytes while a text passes through encoding/json. Should a text have one
// of them, its own bytes are written.
const someByte = '\U0010ff00'

func byBytes(text string) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		if r < someByte && (r != utf8.RuneError || size > 1) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(text[i : i+size]) {
			b.WriteRune(someByte + rune(c))
		}
	}
	return b.String()
}

// withBytes is a copy of what encoding/json would write of v, with [byBytes] of
// its strings.
func withBytes(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(byBytes(v.String())).Convert(v.Type())
	case reflect.Pointer, reflect.Interface:
		return withBytesBehind(v)
	case reflect.Slice:
		return withBytesEach(v)
	case reflect.Map:
		return withBytesMapped(v)
	case reflect.Struct:
		return withBytesInside(v)
	}
	return v
}

func withBytesBehind(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	elem := withBytes(v.Elem())
	if v.Kind() == reflect.Interface {
		return elem
	}
	out := reflect.New(elem.Type())
	out.Elem().Set(elem)
	return out
}

func withBytesEach(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(withBytes(v.Index(i)))
	}
	return out
}

func withBytesMapped(v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeMap(v.Type())
	for key, value := range v.Seq2() {
		out.SetMapIndex(withBytes(key), withBytes(value))
	}
	return out
}

func withBytesInside(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
			out.Field(i).Set(withBytes(v.Field(i)))
		}
	}
	return out
}
