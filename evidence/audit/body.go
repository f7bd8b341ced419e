package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"

	"confermo/evidence"
)

// unknownMember is a member that this version does not know: the fact is of a later version, or is meant for another reader.
type unknownMember struct{ path string }

func (e *unknownMember) Error() string { return fmt.Sprintf("member %q is not known", e.path) }

// checkBody refuses a body that two readers could take for two things: a member that stands twice, also in another case, or one
// whose name differs in case from the known one, which encoding/json takes for it. A member that is not known at all gives an
// *unknownMember.
func checkBody(body []byte, fact evidence.Fact) error { return checkMembers(body, fact) }

// checkMembers is checkBody for any struct.
func checkMembers(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	w := bodyWalk{d: d}
	if err := w.value(reflect.TypeOf(into), ""); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("bytes follow the body")
	}
	if w.unknown != "" {
		return &unknownMember{w.unknown}
	}
	return nil
}

type bodyWalk struct {
	d       *json.Decoder
	depth   int
	unknown string // the first
}

// maxDepth bounds how deep a body's objects and lists stand within one another.
const maxDepth = 64

var valueType = reflect.TypeFor[evidence.Value]()

// committed is the form of a Value in a body.
var committed = reflect.TypeFor[struct {
	C string `json:"c"`
}]()

// value reads one JSON value that goes into a t; nil is a value nobody reads.
func (w *bodyWalk) value(t reflect.Type, path string) error {
	if w.depth++; w.depth > maxDepth {
		return fmt.Errorf("read body: it is nested deeper than %d", maxDepth)
	}
	defer func() { w.depth-- }()
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == valueType {
		t = committed
	}
	token, err := w.d.Token()
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return w.object(t, path)
	case json.Delim('['):
		if t != nil && t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			t = nil
		}
		for i := 0; w.d.More(); i++ {
			var inner reflect.Type
			if t != nil {
				inner = t.Elem()
			}
			if err := w.value(inner, fmt.Sprintf("%s.%d", path, i)); err != nil {
				return err
			}
		}
		_, err = w.d.Token()
	}
	return err
}

func (w *bodyWalk) object(t reflect.Type, path string) error {
	names := map[string]reflect.Type{}
	if t != nil && t.Kind() == reflect.Struct {
		members(t, names)
	}
	seen := map[string]bool{}
	for w.d.More() {
		token, err := w.d.Token()
		if err != nil {
			return fmt.Errorf("read body: %w", err)
		}
		name, _ := token.(string)
		at := strings.TrimPrefix(path+"."+name, ".")
		if seen[strings.ToLower(name)] {
			return fmt.Errorf("member %q stands twice", at)
		}
		seen[strings.ToLower(name)] = true
		inner, ok := names[name]
		switch {
		case ok:
		case t != nil && t.Kind() == reflect.Map:
			inner = t.Elem()
		default:
			for known := range names {
				if strings.EqualFold(known, name) {
					return fmt.Errorf("member %q is written in another case", at)
				}
			}
			if t != nil && w.unknown == "" {
				w.unknown = at
			}
		}
		if err := w.value(inner, at); err != nil {
			return err
		}
	}
	_, err := w.d.Token()
	return err
}

// members lists the names that encoding/json reads into a struct.
func members(t reflect.Type, names map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			members(f.Type, names)
		case name == "":
			names[f.Name] = f.Type
		default:
			names[name] = f.Type
		}
	}
}
