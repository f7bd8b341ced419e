package text

import (
	"regexp"
	"sort"
	"strings"
	"testing"
)

func TestEveryKeyInEveryLanguage(t *testing.T) {
	places := regexp.MustCompile(`\{[a-z0-9]+\}`)
	for key, sentences := range catalogue {
		want := places.FindAllString(sentences["it"], -1)
		sort.Strings(want)
		for _, lang := range Languages {
			s := sentences[lang]
			if s == "" {
				t.Errorf("%s has no sentence in %s", key, lang)
				continue
			}
			got := places.FindAllString(s, -1)
			sort.Strings(got)
			if strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("%s in %s fills %v, in it %v", key, lang, got, want)
			}
			if strings.Count(s, "*")%2 != 0 {
				t.Errorf("%s in %s has an odd number of stars", key, lang)
			}
			if strings.Contains(s, "!") {
				t.Errorf("%s in %s shouts", key, lang)
			}
		}
		if base, ok := strings.CutSuffix(key, ".one"); ok && catalogue[base+".other"] == nil {
			t.Errorf("%s has no .other", key)
		}
	}
}

func TestSayFillsPlaces(t *testing.T) {
	if got := Say("de", "invite.with", "Anna {1}"); got != "Mit Anna {1}" {
		t.Errorf("got %q", got)
	}
	if got := Say("xx", "nav.today"); got != "Oggi" {
		t.Errorf("unknown language gives %q", got)
	}
	if got := Say("it", "no.such.key"); got != "no.such.key" {
		t.Errorf("unknown key gives %q", got)
	}
}

func TestCountChoosesForm(t *testing.T) {
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{
		{"it", 0, "0 colloqui"},
		{"it", 1, "1 colloquio"},
		{"fr", 0, "0 entretiens"},
		{"en", 2, "2 interviews"},
	} {
		if got := Count(c.lang, "search.found", c.n); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.lang, c.n, got, c.want)
		}
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, body := range []string{
		"it: senza chiave",
		"[a]\nit: uno\nit: due",
		"[a]\nxx: lingua ignota",
		"[a]\n[a]",
	} {
		if err := parse(body, map[string]map[string]string{}); err == nil {
			t.Errorf("%q was accepted", body)
		}
	}
}
