package wording

import (
	"strings"
	"testing"

	"confermo/evidence"
)

func TestT13_D6_NoticeHasEveryFieldInEveryLanguage(t *testing.T) {
	s := &evidence.Scheduled{
		Agency: evidence.Agency{
			Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "via dei Tigli 4", Phone: "399 000 0100",
			Mail: "rpd@pontechiaro.example",
		},
		Programme: evidence.Programme{Title: "Assegno per l’Impiego"},
	}
	for _, lang := range Languages() {
		d, ok := Notice(NoticeVersion, lang, ControllerOf(s))
		if !ok {
			t.Fatalf("no notice in %s", lang)
		}
		sections := map[string]Section{}
		for _, sec := range d.Sections {
			sections[sec.ID] = sec
		}
		for _, id := range Fields() {
			if sec := sections[id]; sec.Heading == "" || len(sec.Paragraphs) == 0 {
				t.Errorf("%s: field %s is missing", lang, id)
			}
		}
		text := d.Text()
		wants(t, text, "Agenzia Ponte Chiaro", "via dei Tigli 4", "rpd@pontechiaro.example", "Assegno per l’Impiego", "1.0",
			"Garante per la protezione dei dati personali", "445/2000", "2016/679")
		if len(d.Brief) != 3 || d.Title == "" || d.Basis == "" || strings.ContainsAny(text, "{}#") {
			t.Errorf("%s:\n%s", lang, text)
		}
	}
	if _, ok := Notice("9.9", "it", Controller{}); ok {
		t.Error("an unknown version has a notice")
	}
	if _, ok := Notice(NoticeVersion, "../it", Controller{}); ok {
		t.Error("a path is no language")
	}
}

// A released text never changes: a change is a new version in a new folder.
func TestReleasedTextsHaveNotChanged(t *testing.T) {
	want := map[string]string{
		"it": "MqKAjzcvN9Mu86JPhzFOaL3VANsUkF+HqpZ917ZFn8c=", "de": "IAWf1o0vdsoX3wAtM7ablGooG5jK0DmKfgFgHZcAlAM=", "fr": "vpYDFDTK45GF3Lup5H2IQ5v5S06CzIHWVQ9Uyo5qFak=", "en": "aUZdjFHEOMBxz8UiYVte1fWjOIhFD+xljehOHD+X7Eo=",
	}
	for _, lang := range Languages() {
		var all strings.Builder
		for _, name := range []string{"notice", "consent-still", "invitation", "summary", "acknowledgement", "code", "phrases"} {
			text := file("v1", lang, name)
			if text == "" {
				t.Errorf("%s: %s is missing", lang, name)
			}
			all.WriteString(text)
		}
		if got := Digest(all.String()); got != want[lang] {
			t.Errorf("%s: digest %s, want %s", lang, got, want[lang])
		}
	}
}

func TestConsentInEveryLanguage(t *testing.T) {
	for _, lang := range Languages() {
		d, ok := Consent(NoticeVersion, lang, "still")
		if !ok || len(d.Sections) != 2 || d.Digest() != Digest(d.Text()) {
			t.Errorf("%s: %+v", lang, d)
		}
	}
	if _, ok := Consent(NoticeVersion, "it", "video"); ok {
		t.Error("there is no consent to a recording")
	}
}
