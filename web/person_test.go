package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
)

// TestPersonGoesThroughAllSteps is the person's story up to the waiting room (T8, T13): every step once, each a fact.
func TestPersonGoesThroughAllSteps(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, link := s.browser(), s.link(id)

	p.get(link).wants(t, 200, "Buongiorno Nadia", "ore 11:15", "Inizia la preparazione", "Certificati di prova")
	if n := s.facts(id, "link-opened"); n != 0 {
		t.Errorf("looking at the invitation bound it: %d facts", n)
	}
	a := p.post(link+"/open", nil)
	a.wants(t, 200, "Passo 1 di 5", "Agenzia Ponte Chiaro", "Ho letto l’informativa")
	if a.path != link+"/notice" {
		t.Fatalf("first step is %s", a.path)
	}
	for _, early := range []string{"/choices", "/documents", "/check", "/call", "/record"} {
		if a := p.get(link + early); a.path != link+"/notice" {
			t.Errorf("%s before the notice leads to %s", early, a.path)
		}
	}
	a = p.post(link+"/notice", url.Values{"version": {wording.NoticeVersion}, "language": {"it"}})
	a.wants(t, 200, "Passo 2 di 5", "Sì, acconsento")
	p.post(link+"/choices", nil).wants(t, http.StatusUnprocessableEntity, "Scelga sì oppure no")
	p.post(link+"/choices", url.Values{"still": {"no"}}).wants(t, 200, "Passo 3 di 5")
	a = p.upload(link+"/documents", file{"identity-card.front", "carta.jpg", "image/jpeg", photo(t)}, file{"identity-card.back", "retro.jpg", "image/jpeg", photo(t)})
	a.wants(t, 200, "Ricevuta")
	a = p.upload(link+"/documents", file{"tax-card.front", "tessera.jpg", "image/jpeg", photo(t)})
	a.wants(t, 200, "Passo 4 di 5")
	a = p.post(link+"/check", url.Values{"mic": {"ok"}, "camera": {"ok"}})
	a.wants(t, 200, "È nel posto giusto", "data-ticket=", "Entra: sentirà la voce", "Tutto pronto")

	iv := s.interview(id)
	if iv.State(s.started) != evidence.StateDocumentsToCheck {
		t.Errorf("state is %s", iv.State(s.started))
	}
	if iv.Notice.Version != wording.NoticeVersion || iv.Consents["still"] || !iv.Device.Camera || len(iv.Documents) != 3 {
		t.Errorf("the record says %+v %+v %+v, %d documents", iv.Notice, iv.Consents, iv.Device, len(iv.Documents))
	}
}

// TestStepsDoneOnceAreNotRepeated covers DESIGN section 11 and the digest of T13.
func TestT13_NoticeIsAcknowledgedOnceWithItsDigest(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, link := s.browser(), s.link(id)
	p.post(link+"/open", nil)
	form := url.Values{"version": {wording.NoticeVersion}, "language": {"de"}}
	for range 2 {
		p.post(link+"/notice", form)
	}
	if n := s.facts(id, "notice-read"); n != 1 {
		t.Errorf("the notice was recorded %d times", n)
	}
	iv := s.interview(id)
	doc, _ := wording.Notice(wording.NoticeVersion, "de", wording.ControllerOf(iv.Scheduled))
	if iv.Notice.Digest != doc.Digest() || iv.Notice.Language != "de" {
		t.Errorf("the record does not name the text that was shown: %+v", iv.Notice)
	}
	p.get(link+"/notice").wants(t, 200, "Ha già letto l’informativa")
	if a := p.get(link); !strings.Contains(a.body, "Riprenda da dove ha lasciato") {
		t.Error("the invitation does not resume")
	}
	if a := p.post(link+"/open", nil); a.path != link+"/choices" {
		t.Errorf("resuming leads to %s", a.path)
	}
	p2 := s.browser()
	id2 := s.schedule(s.operator())
	p2.post(s.link(id2)+"/open", nil)
	p2.post(s.link(id2)+"/notice", url.Values{"version": {"0.1"}, "language": {"it"}}).wants(t, http.StatusConflict, "L’informativa è cambiata")
	if s.facts(id2, "notice-read") != 0 {
		t.Error("a version that does not exist was acknowledged")
	}
}

func TestForeignAndExpiredLinksHaveASentenceInTheRightLanguage(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	for _, link := range []string{
		"/i/" + id, "/i/" + id + ".", "/i/" + id + ".aaaaaaaaaaaaaaaaaaaa", "/i/01ARZ3NDEKTSV4RRFFQ69G5FAV." + linkMAC([]byte("another key, 32 bytes or more…"), "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
		"/i/" + strings.Repeat("x", 5000), s.link("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
	} {
		b := s.browser()
		b.lang = "fr-CH, fr;q=0.9, it;q=0.5"
		b.get(link).wants(t, http.StatusNotFound, "Ce lien n’est pas valable", `lang="fr"`)
		b.post(link+"/open", nil).wants(t, http.StatusNotFound, "Ce lien n’est pas valable")
	}
	b := s.browser()
	b.lang = "en"
	s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.Sealed{Size: 1}})
	b.get(s.link(id)).wants(t, http.StatusGone, "Questo collegamento è scaduto") // the interview's language, not the browser's
	if n := s.facts(id, "link-opened"); n != 0 {
		t.Errorf("%d devices were bound", n)
	}
	second := s.schedule(op)
	op.post("/interviews/"+second+"/cancel", url.Values{"reason": {"malattia"}})
	b.get(s.link(second)).wants(t, http.StatusGone, "Il colloquio è stato annullato")
}

func TestSecondDeviceNeedsTheCode(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	first, second, link := s.browser(), s.browser(), s.link(id)
	first.post(link+"/open", nil)
	for _, path := range []string{"", "/notice", "/call", "/device"} {
		a := second.get(link + path)
		a.wants(t, 200, "È un altro dispositivo", "n…a@posta.example")
		if strings.Contains(a.body, "Nadia") || strings.Contains(a.body, "nadia@") {
			t.Errorf("%s tells a stranger who is invited", path)
		}
	}
	if a := second.post(link+"/notice", url.Values{"version": {wording.NoticeVersion}, "language": {"it"}}); a.path != link+"/device" || s.facts(id, "notice-read") != 0 {
		t.Errorf("a second device acted without the code: %s", a.path)
	}
	second.post(link+"/device/send", nil).wants(t, 200, "Scriva il codice")
	code := s.code("nadia@posta.example")
	if len(code) != 6 {
		t.Fatalf("the code is %q", code)
	}
	op.get("/interviews/"+id).wants(t, 200, code)
	wrong := "000000"
	if code == wrong {
		wrong = "111111"
	}
	second.post(link+"/device", url.Values{"code": {wrong}}).wants(t, http.StatusForbidden, "Restano 4 tentativi")
	a := second.post(link+"/device", url.Values{"code": {code}})
	a.wants(t, 200, "Passo 1 di 5")
	iv := s.interview(id)
	if len(iv.Devices) != 2 || iv.Devices[1].How != "code" || iv.Devices[0].Device == iv.Devices[1].Device {
		t.Errorf("the take-over is not in the record: %+v", iv.Devices)
	}
	first.get(link+"/notice").wants(t, 200, "È un altro dispositivo") // the first gave the seat up
	if a := second.post(link+"/device", url.Values{"code": {code}}); a.status != 200 {
		t.Errorf("status %d", a.status)
	}
	first.post(link+"/device", url.Values{"code": {code}}).wants(t, http.StatusForbidden, "Il codice non vale più")
}

func TestGuessingTheDeviceCodeEnds(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	s.browser().post(s.link(id)+"/open", nil)
	thief := s.browser()
	thief.post(s.link(id)+"/device/send", nil)
	for range 5 {
		thief.post(s.link(id)+"/device", url.Values{"code": {"12345"}})
	}
	thief.post(s.link(id)+"/device", url.Values{"code": {s.code("nadia@posta.example")}}).wants(t, http.StatusForbidden, "Il codice non vale più")
	sent := 0
	for range 12 {
		if a := thief.post(s.link(id)+"/device/send", nil); a.status == 200 {
			sent++
		} else {
			a.wants(t, http.StatusTooManyRequests, "Troppi tentativi")
		}
	}
	if sent > 5 {
		t.Errorf("%d codes were mailed in a row", sent)
	}
}

func TestCrossSitePostIsRefused(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p, link := s.browser(), s.link(id)
	r, err := http.NewRequest("POST", s.url+link+"/open", nil)
	fatal(t, err)
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	p.do(r).wants(t, http.StatusForbidden, "La richiesta viene da un altro sito")
	if s.facts(id, "link-opened") != 0 {
		t.Error("a cross-site POST acted")
	}
}

func TestLanguageSwitchStaysOnThePage(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p := s.browser()
	a := p.get(s.link(id) + "?lang=de")
	a.wants(t, 200, "Ihr Gespräch per Video", `lang="de"`)
	if a.path != s.link(id) {
		t.Errorf("the switch leads to %s", a.path)
	}
	if a := p.get("//evil.example/?lang=en"); a.path != "/sign-in" {
		t.Errorf("a switch on another host's address leads to %s", a.path)
	}
}

func TestInAppBrowserIsToldToOpenARealOne(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	r, err := http.NewRequest("GET", s.url+s.link(id), nil)
	fatal(t, err)
	r.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 14; wv) Chrome/120 [FBAN/FB4A;FBAV/450]")
	s.browser().do(r).wants(t, 200, "Qui la videocamera non funziona", "Facebook", Link(linkKey, s.url, id))
}

func TestPagesCarryTheStrictPolicy(t *testing.T) {
	s := newSite(t)
	a := s.browser().get("/sign-in")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
	} {
		if !strings.HasPrefix(a.header.Get(name), want) {
			t.Errorf("%s is %q", name, a.header.Get(name))
		}
	}
	if bytes.Contains([]byte(a.body), []byte(" style=")) || strings.Contains(a.body, "<script>") {
		t.Error("the page has inline style or script")
	}
}
