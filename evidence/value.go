package evidence

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// Class is a retention class. Each interview has one key per class; destroying it erases what the class protects.
type Class string

// The retention classes of DESIGN section 4. ClassAccount belongs to streams about accounts.
const (
	ClassIdentity Class = "identity"
	ClassRecord   Class = "record"
	ClassMail     Class = "mail"
	ClassContact  Class = "contact"
	ClassAccount  Class = "account"
)

// Value is a personal value inside a fact's body. In the body's bytes only the commitment stands: {"c":"<b64>"}.
// Text is what was committed to; Open tells whether it is known here.
type Value struct {
	C    string
	Text string
	Open bool
}

// V makes a value to be committed by the journal.
func V(text string) Value { return Value{Text: text, Open: true} }

// String gives the text, or an ellipsis where the value is withheld or erased.
func (v Value) String() string {
	if v.Open {
		return v.Text
	}
	return "…"
}

// MarshalJSON writes the commitment only.
func (v Value) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		C string `json:"c"`
	}{v.C})
}

// UnmarshalJSON reads the commitment; the text comes from an opening.
func (v *Value) UnmarshalJSON(b []byte) error {
	var c struct {
		C string `json:"c"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return fmt.Errorf("read committed value: %w", err)
	}
	*v = Value{C: c.C}
	return nil
}

// File is a file inside a fact's body: its commitment, media type, size in bytes, and the name it gets in a bundle.
type File struct {
	C    string `json:"c"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	Name string `json:"name"`
	// Data are the file's bytes while a draft carries them to the journal, or after Journal.File has read them.
	Data []byte `json:"-"`
}

// F makes a file to be committed by the journal. Name is a path of the bundle such as "documents/identity-card.jpg".
func F(name, mediaType string, data []byte) File {
	return File{Name: name, Type: mediaType, Size: int64(len(data)), Data: data}
}

// Part is one committed value or file of a fact. Path names it in openings, for example "person.name".
// Exactly one of Value and File is set.
type Part struct {
	Path  string
	Class Class
	Value *Value
	File  *File
}

// Parts lists the committed parts of a fact in order of path. The fact must be a pointer to a struct; a part's class is
// its `class:"identity"` tag, else ClassRecord. Slices get their index in the path: "topics.0".
func Parts(f Fact) []Part {
	var parts []Part
	walk(reflect.ValueOf(f).Elem(), "", ClassRecord, &parts)
	sort.Slice(parts, func(i, j int) bool { return parts[i].Path < parts[j].Path })
	return parts
}

func walk(v reflect.Value, path string, class Class, out *[]Part) {
	switch p := v.Addr().Interface().(type) {
	case *Value:
		if p.Open || p.C != "" {
			*out = append(*out, Part{Path: path, Class: class, Value: p})
		}
		return
	case *File:
		if p.C != "" || p.Data != nil {
			*out = append(*out, Part{Path: path, Class: class, File: p})
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			inner := class
			if c := field.Tag.Get("class"); c != "" {
				inner = Class(c)
			}
			walk(v.Field(i), join(path, name), inner, out)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), join(path, fmt.Sprint(i)), class, out)
		}
	}
}

func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}
