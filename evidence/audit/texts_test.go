package audit

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestEveryLanguageSaysEverything(t *testing.T) {
	verbs := regexp.MustCompile(`%[a-z]`)
	italian := tables()["it"]
	for _, lang := range Languages() {
		if len(tables()[lang]) != len(italian) {
			t.Errorf("%s has %d sentences, it has %d", lang, len(tables()[lang]), len(italian))
		}
		for code, text := range italian {
			if got := tables()[lang][code]; !slices.Equal(verbs.FindAllString(got, -1), verbs.FindAllString(text, -1)) {
				t.Errorf("%s: %s takes other arguments: %q", lang, code, got)
			}
		}
	}
	for _, claim := range append(Claims(), string(Proved), string(Word), string(Unproved), string(Contradicted), "outcome-sound") {
		if italian[claim] == "" {
			t.Errorf("%s has no word", claim)
		}
	}
}

func TestTrustFolderTellsSlips(t *testing.T) {
	for name, data := range map[string]string{
		"witness.vkey":       "x",     // not witness-NAME.vkey
		"log.vkey":           "x+y+z", // no key
		"witness-one.vkey":   "\n",
		"seal-ca.pem":        "no certificate",
		"dkim/posta.txt":     "v=DKIM1", // no selector
		"keys/log.vkey":      "x",
		"rules-regione.vkey": "x",
	} {
		_, err := LoadTrust(fstest.MapFS{name: &fstest.MapFile{Data: []byte(data)}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	trust, err := LoadTrust(fstest.MapFS{
		"README.txt": {}, "dkim/S1._domainkey.Posta.example.txt": &fstest.MapFile{Data: []byte("v=DKIM1; p=a\n\nv=DKIM1; p=b\n")},
	})
	if err != nil || !slices.Equal(trust.DKIM["s1._domainkey.posta.example"], []string{"v=DKIM1; p=a", "v=DKIM1; p=b"}) {
		t.Errorf("got %v, %v", trust.DKIM, err)
	}
}

func FuzzTrust(f *testing.F) {
	f.Add("log.vkey", []byte("log.example+6b7e4b1d+AQ=="))
	f.Add("seal-ca.pem", []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"))
	f.Add("dkim/a._domainkey.b.txt", []byte("v=DKIM1"))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		var trust Trust
		trust.DKIM = map[string][]string{}
		_ = trust.add(name, data) // must not panic
	})
}
