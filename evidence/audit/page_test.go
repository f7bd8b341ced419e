package audit_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
)

var tag = regexp.MustCompile(`<[^>]*>`)

func page(t *testing.T, r audit.Report, lang string) string {
	t.Helper()
	b, err := r.HTML(lang, auditAt)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The page says in each language what the text says, and leans on nothing outside itself.
func TestPageSaysEveryClaimInEveryLanguage(t *testing.T) {
	s := audittest.Tell(audittest.Script{Reply: "Non confermo"})
	r := verify(t, s)
	for lang, words := range map[string][]string{
		"it": {"Contraddetto", "Parola dell’operatore", "Provato", "non reggono, 1 su 10"}, "de": {"Widerlegt", "Wort der Fachkraft"},
		"fr": {"Contredit", "Parole de l’opérateur"}, "en": {"Contradicted", "Operator’s word"},
	} {
		p := page(t, r, lang)
		text := strings.ReplaceAll(tag.ReplaceAllString(p, ""), "&#39;", "'")
		for _, c := range r.Claims {
			words = append(words, c.In(lang))
		}
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the page does not say %q", lang, w)
			}
		}
		if strings.Contains(text, "%!") || !strings.Contains(p, `<html lang="`+lang+`">`) {
			t.Errorf("%s: %s", lang, p[:200])
		}
		for _, outside := range []string{"<script", "http://", "https://", "src=", "url(", "@import", "unsafe-inline"} {
			if strings.Contains(p, outside) {
				t.Errorf("%s: the page holds %q", lang, outside)
			}
		}
	}
}

// What is worst stands first, and one reason for many claims is said once.
func TestPageHasTheWorstFirst(t *testing.T) {
	s := audittest.Tell(audittest.Script{Reply: "Non confermo"})
	fsys := s.Trust()
	delete(fsys, "witness-one.vkey")
	p := page(t, audit.Verify(s.Seal(s.Content()), trust(t, fsys), auditAt), "it")
	top, _, _ := strings.Cut(p, "</section>")
	refused, witness := strings.Index(top, "la persona ha rifiutato"), strings.Index(top, "nessun testimone")
	if refused < 0 || witness < refused || strings.Count(top, "il registro da cui dipende") != 1 {
		t.Error(tag.ReplaceAllString(top, " "))
	}
}

// Whatever a bundle's makers wrote into it stays text.
func TestPageKeepsWhatABundleSaysAsText(t *testing.T) {
	p := page(t, audit.VerifyReceipt([]byte(`{"v":2,"<script>alert(1)</script>":1}`), trust(t, fstest.MapFS{})), "en")
	if strings.Contains(p, "<script>") || !strings.Contains(p, "&lt;script&gt;") {
		t.Error(p)
	}
}
