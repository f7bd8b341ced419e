package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/web/access"
)

// TestI17_AuditorOfAnAgencySeesOnlyThatAgency: neither the report nor its documents of another one.
func TestI17_AuditorOfAnAgencySeesOnlyThatAgency(t *testing.T) {
	issued := 0
	s := newSite(t, func(c *Config) {
		c.Issue = func(context.Context, string) ([]byte, error) { issued++; return []byte("bundle"), nil }
		c.Report = func(context.Context, string) ([]byte, error) { return []byte("%PDF-1.7\n"), nil }
	})
	_, err := s.access.Add(context.Background(), access.Opening{
		Role: access.RoleAuditor, Agency: "valle", Name: "Tullio", Mail: "tullio@valgrande.example", Password: password,
	})
	fatal(t, err)
	id := s.confirmedUpTo(s.operator(), func(string) {})
	b := s.signIn("tullio@valgrande.example")
	for _, path := range []string{"", "/report.pdf"} {
		b.get("/audit/"+id+path).wants(t, http.StatusNotFound, "Questa pagina non esiste")
	}
	for _, path := range []string{"/bundle", "/check"} {
		b.post("/audit/"+id+path, nil).wants(t, http.StatusNotFound, "Questa pagina non esiste")
	}
	if issued > 0 {
		t.Errorf("%d bundles were issued", issued)
	}
}

// TestOnlyTheOwnOperatorHoldsAndSigns: a colleague reads the dossier, and takes no step that says who was present.
func TestOnlyTheOwnOperatorHoldsAndSigns(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	_, err := s.access.Add(context.Background(), access.Opening{
		Role: access.RoleOperator, Agency: "ponte", Name: "Duccio", Mail: "duccio@pontechiaro.example", Password: password,
	})
	fatal(t, err)
	b, base := s.signIn("duccio@pontechiaro.example"), "/interviews/"+id
	b.get(base).wants(t, 200, "Nadia Ferrantini")
	b.get(base+"/call").wants(t, http.StatusForbidden, "è di un altro operatore")
	for _, path := range []string{"/admit", "/finish", "/sign", "/documents"} {
		b.post(base+path, url.Values{"outcome": {"match"}}).wants(t, http.StatusForbidden, "è di un altro operatore")
	}
	if n := s.interview(id).N; n != 1 {
		t.Errorf("a colleague left %d entries", n-1)
	}
}

func TestAbsenceIsAskedBeforeItIsRecorded(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	at := "/interviews/" + id + "/finish"
	op.post(at, url.Values{"absent": {"yes"}}).wants(t, http.StatusConflict, "Prima di quell’ora l’assenza non si può registrare")

	late := s.copyOf(id, time.Now().Add(-10*time.Minute))
	at = "/interviews/" + late + "/finish"
	op.post(at, nil).wants(t, http.StatusConflict, "Registra l’assenza", "Torna alla chiamata")
	s.acknowledged(late, time.Minute)
	s.append(journal.Draft{Interview: late, By: "test", Fact: &evidence.PartyJoined{Party: evidence.Person, Connection: "x"}})
	op.post(at, url.Values{"absent": {"yes"}}).wants(t, http.StatusConflict, "è in sala d’attesa: non è assente")
	if s.interview(late).Closed != nil {
		t.Fatal("a person at the door was declared absent")
	}
	s.append(journal.Draft{Interview: late, By: "test", Fact: &evidence.PartyLeft{
		Party: evidence.Person, Connection: "x", At: time.Now().UTC().Format(evidence.TimeFormat), Reason: "closed",
	}})
	if a := op.post(at, url.Values{"absent": {"yes"}}); a.path != "/interviews/"+late {
		t.Errorf("the absence leads to %s", a.path)
	}
	if c := s.interview(late).Closed; c == nil || c.Reason != noShow {
		t.Errorf("the close is %+v", c)
	}
	for _, a := range []answer{
		op.get("/interviews/" + late + "/sign"),
		op.post("/interviews/"+late+"/sign", url.Values{"topic": {"job-search"}, "place": {"via dei Tigli 4, Borgolieto"}}),
	} {
		a.wants(t, http.StatusConflict, "non c’è un foglio ore da firmare")
	}
}

// copyOf schedules the same interview with another beginning, which the form would not take.
func (s *site) copyOf(id string, start time.Time) string {
	s.t.Helper()
	again := *s.interview(id).Scheduled
	again.Start = start.UTC().Format(evidence.TimeFormat)
	again.Number = evidence.Number{}
	other := id[:25] + "0"
	if other == id {
		other = id[:25] + "1"
	}
	s.append(journal.Draft{Interview: other, By: "test", Fact: &again})
	return other
}

func TestInterviewThatWasHeldIsNotCancelled(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	s.acknowledged(id, time.Minute)
	s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.PartyAdmitted{Party: evidence.Person}})
	op.post("/interviews/"+id+"/cancel", url.Values{"reason": {"x"}}).wants(t, http.StatusConflict, "Questo passo è già chiuso")
	if s.interview(id).Cancelled != nil {
		t.Error("it was cancelled")
	}
}

// TestFormsInPartsAreRefusedUnread: parts would be written to the disk without bound.
func TestFormsInPartsAreRefusedUnread(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	b := s.browser()
	for _, path := range []string{"/sign-in", s.link(id) + "/open", s.link(id) + "/device", "/sign-in/code"} {
		a := b.upload(path, file{"mail", "m.txt", "text/plain", []byte(strings.Repeat("x", 1<<20))})
		a.wants(t, http.StatusBadRequest, "Dati mancanti o sbagliati")
	}
	if s.facts(id, "link-opened") != 0 {
		t.Error("a form in parts acted")
	}
}

func TestNextLeadsNowhereElse(t *testing.T) {
	for _, p := range []string{
		"//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "https://evil.example/", "evil", "/ /evil.example",
		"\\\\evil.example", "///evil.example", "/x\r\nSet-Cookie: a=b", "javascript:alert(1)", "/%zz",
	} {
		if got := nextPath(p); got != "" {
			t.Errorf("next %q leads to %q", p, got)
		}
	}
	if p := "/interviews/01X/thread?q=a+b&n=1"; nextPath(p) != p {
		t.Errorf("next %q is lost", p)
	}
}

// TestCookiesAreClosed: not readable by scripts, not sent from other sites, bound to this host over TLS; the session is new
// after each sign-in and the one before is gone.
func TestCookiesAreClosed(t *testing.T) {
	s := newSite(t, func(c *Config) { c.BaseURL = "https://confermo.example" })
	const mail = "ilaria@pontechiaro.example"
	send := func(path string, form url.Values, cookies ...*http.Cookie) map[string]*http.Cookie {
		r, err := http.NewRequest("POST", s.url+path, strings.NewReader(form.Encode()))
		fatal(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		fatal(t, err)
		defer res.Body.Close()
		set := map[string]*http.Cookie{}
		for _, c := range res.Cookies() {
			if set[c.Name] = c; !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Domain != "" {
				t.Errorf("%s sets %s", path, c.Raw)
			}
		}
		return set
	}
	var sessions []*http.Cookie
	for range 2 {
		begun := send("/sign-in", url.Values{"mail": {mail}, "password": {password}}, sessions...)
		cookies := append([]*http.Cookie{begun["signin"]}, sessions...)
		done := send("/sign-in/code", url.Values{"code": {s.code(mail)}}, cookies...)
		if c := done["__Host-session"]; c == nil || c.Path != "/" {
			t.Fatalf("the session's cookie is %+v", c)
		}
		sessions = []*http.Cookie{done["__Host-session"]}
		if len(cookies) == 2 {
			if _, err := s.access.Session(context.Background(), cookies[1].Value); err == nil {
				t.Error("the session before lives on")
			}
			if cookies[1].Value == sessions[0].Value {
				t.Error("the session is not new")
			}
		}
	}
}

func TestDemonstrationAnswersOnlyToItsOwnNames(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Demo = &Demo{Boxes: func() []string { return nil }}
	})
	for host, want := range map[string]int{"evil.example": 421, "evil.example:8080": 421, "localhost:8080": 200, "[::1]:8080": 200, "": 200} {
		r, err := http.NewRequest("GET", s.url+"/", nil)
		fatal(t, err)
		r.Host = host
		if a := s.browser().do(r); a.status != want {
			t.Errorf("host %q: %d, want %d", host, a.status, want)
		}
	}
}

func TestPersonalAnswersAreNeverKeptNorSniffed(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Issue = func(context.Context, string) ([]byte, error) { return []byte("bundle"), nil }
		c.Report = func(context.Context, string) ([]byte, error) { return []byte("%PDF-1.7\n"), nil }
	})
	op := s.operator()
	id := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 2, false) })
	prepared := s.schedule(op)
	p := s.prepared(prepared)
	p.upload(s.link(prepared)+"/documents", file{"identity-card.front", "c.html", "text/html", photo(t)})
	n := s.interview(prepared).Documents[0].N
	auditor := s.signIn("livia@regione.example")
	answers := map[string]answer{
		"dossier": op.get("/interviews/" + id), "mail": op.get("/interviews/" + id + "/mails/" + itoa(s.interview(id).Mails[0].N)),
		"timesheet": op.get("/interviews/" + id + "/timesheet.pdf"), "document": op.get("/interviews/" + prepared + "/files/" + itoa(n)),
		"report": auditor.get("/audit/" + id), "report.pdf": auditor.get("/audit/" + id + "/report.pdf"),
		"bundle": auditor.post("/audit/"+id+"/bundle", nil), "person": p.get(s.link(prepared) + "/documents"),
	}
	for name, a := range answers {
		h := a.header
		if a.status != 200 || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %d %v", name, a.status, h)
		}
	}
	for _, name := range []string{"mail", "document"} {
		if csp := answers[name].header.Get("Content-Security-Policy"); csp != "default-src 'none'; sandbox" {
			t.Errorf("%s may run: %s", name, csp)
		}
	}
	if kind := answers["document"].header.Get("Content-Type"); kind != "image/jpeg" {
		t.Errorf("a picture named .html is served as %s", kind)
	}
}

func TestLinkTypedInCapitalsIsTheSameInvitation(t *testing.T) {
	s := newSite(t)
	id := s.schedule(s.operator())
	p := s.browser()
	id, mac, _ := strings.Cut(strings.TrimPrefix(s.link(id), "/i/"), ".")
	if a := p.post("/i/"+id+"."+strings.ToUpper(mac)+"/open", nil); a.path != "/i/"+id+"."+mac+"/notice" {
		t.Errorf("it leads to %s", a.path)
	}
}

func TestPhoneAndNamesCarryNothingHidden(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	for field, value := range map[string]string{
		"phone": "399 000 0142\r\nBcc: x@y.example", "name": "Nadia\u202e", "surname": "Ferran\u0085tini",
	} {
		form := s.form()
		form.Set(field, value)
		if a := op.post("/interviews/new", form); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s %q was taken: %d", field, value, a.status)
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
