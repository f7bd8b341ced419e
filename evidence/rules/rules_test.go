package rules

import (
	"crypto/rand"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func keys(t testing.TB) (note.Signer, note.Verifiers) {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, "regione.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

// T27: a programme holds only under a pack that its managing authority signed.
func TestT27_PackIsBoundToItsAuthority(t *testing.T) {
	signer, trusted := keys(t)
	_, strangers := keys(t)
	signed, err := Sign(TestPack(), signer)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Open(signed, trusted)
	if err != nil {
		t.Fatal(err)
	}
	if p.Terms.Rule != TestPack().Terms.Rule || p.Programme(signed).Digest != Digest(signed) {
		t.Errorf("pack changed on the way: %+v", p.Terms)
	}
	if _, err := Open(signed, strangers); err == nil {
		t.Error("a pack signed by a stranger was accepted")
	}
	longer := strings.Replace(string(signed), `"tolerance":30`, `"tolerance":90`, 1)
	if longer == string(signed) {
		t.Fatal("nothing was changed")
	}
	if _, err := Open([]byte(longer), trusted); err == nil {
		t.Error("a changed pack was accepted")
	}
	if p, err := Peek(signed); err != nil || p.ID != TestPack().ID {
		t.Errorf("peek: %v", err)
	}
}

func TestI19_I20_I21_I22_ActivitiesAndT20_TopicsHaveNamesInEveryLanguage(t *testing.T) {
	p := TestPack()
	for _, code := range []string{"A06", "B03", "C06", "C07"} {
		if Name(p.Activities, code, "it") == code {
			t.Errorf("activity %s is missing", code)
		}
	}
	for _, n := range append(p.Activities, p.Topics...) {
		for _, lang := range p.Terms.Languages {
			if n.Names[lang] == "" {
				t.Errorf("%s has no name in %s", n.Code, lang)
			}
		}
	}
}

func FuzzPeek(f *testing.F) {
	signer, _ := keys(f)
	signed, err := Sign(TestPack(), signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(magic + "{}\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Peek(b); err == nil && (p.ID == "" || p.Terms.Rule.Liveness < 1) {
			t.Errorf("accepted %+v", p)
		}
	})
}
