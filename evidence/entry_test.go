package evidence

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBodyHoldsCommitmentsOnly(t *testing.T) {
	s := &Scheduled{Person: Subject{Name: V("Nadia"), Surname: V("Ferrantini"), TaxCode: V("RSSMRA85T10A562S"), Phone: V("399"), Mail: V("n@x.example")}}
	for i, p := range Parts(s) {
		p.Value.C = string(rune('A' + i))
	}
	body, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Nadia", "Ferrantini", "RSSMRA85T10A562S", "n@x.example"} {
		if strings.Contains(string(body), secret) {
			t.Errorf("body holds %q in clear", secret)
		}
	}
	e := Entry{Head: Head{Kind: s.Kind()}, Body: body, Openings: []Opening{{Path: "person.name", Body: []byte("Nadia")}}}
	if err := e.Decode(); err != nil {
		t.Fatal(err)
	}
	got := e.Fact.(*Scheduled).Person
	if got.Name.String() != "Nadia" || got.Surname.String() != "…" || got.Surname.Open {
		t.Errorf("person decoded as %+v", got)
	}
}

func TestEveryKindDecodesItself(t *testing.T) {
	for kind := range kinds {
		f := New(kind)
		if f.Kind() != kind {
			t.Errorf("%s makes a fact of kind %s", kind, f.Kind())
		}
		for _, p := range Parts(f) {
			t.Errorf("an empty %s has part %s", kind, p.Path)
		}
	}
	e := Entry{Head: Head{Kind: "from-the-future"}, Body: []byte("{}")}
	if err := e.Decode(); err != nil || e.Fact != nil {
		t.Errorf("unknown kind: fact %v, error %v", e.Fact, err)
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"v":1,"at":"2026-11-22T10:15:03.123Z","node":"n1","boot":"01K","mono":5123,"interview":"01J","n":17,"prev":"","by":"rtc","kind":"media-observed","fact":{"c":"AA=="}}`))
	f.Add([]byte(`{"v":1,"at":"2026-11-22T10:15:03.123Z","stream":"node","n":1,"kind":"node-started","fact":{"c":"x"}}{}`))
	f.Add([]byte(`{"v":2}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := ParseLine(line)
		if err != nil {
			return
		}
		if h.N < 1 || h.Scope() == "stream:" || h.Time().IsZero() {
			t.Errorf("accepted %+v", h)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add("interview-scheduled", []byte(`{"person":{"name":{"c":"x"}},"minutes":60}`), "person.name")
	f.Add("media-observed", []byte(`{"secs":10,"connected":"1111111111"}`), "")
	f.Fuzz(func(_ *testing.T, kind string, body []byte, path string) {
		e := Entry{Head: Head{Kind: Kind(kind), At: "2026-11-22T10:15:03.123Z"}, Body: body, Openings: []Opening{{Path: path, Body: []byte("x")}}}
		if e.Decode() == nil && e.Fact != nil {
			Fold("I", []Entry{e}).Duties()
		}
	})
}
