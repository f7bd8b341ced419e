package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
)

// TestT17_ReportShowsTheFourFacts: date, duration, name and surname, phone number.
func TestT17_ReportShowsTheFourFacts(t *testing.T) {
	var s *site
	issued := 0
	s = newSite(t, func(c *Config) {
		c.Issue = func(ctx context.Context, id string) ([]byte, error) {
			issued++
			s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.BundleIssued{For: "auditor"}})
			return []byte("not a container"), nil
		}
		c.Report = func(context.Context, string) ([]byte, error) { return []byte("%PDF-1.7\n"), nil }
	})
	op := s.operator()
	id := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 2, false) })
	auditor := s.signIn("livia@regione.example")
	for _, q := range []string{"ferrantini", "RSSMRA80A01H501U", "399+000+0142", "1/"} {
		auditor.get("/audit?q="+q).wants(t, 200, "1 colloquio", "Agenzia Ponte Chiaro", "Questa ricerca è stata registrata")
	}
	auditor.get("/audit?q=nessuno").wants(t, 200, "0 colloqui")
	iv := s.interview(id)
	size := s.j.Size()
	auditor.get("/audit/"+id).wants(t, 200, "Prepara il pacchetto e verifica", "Nadia Ferrantini")
	auditor.get("/audit/" + id)
	if issued != 0 || s.j.Size() != size+1 {
		t.Errorf("reading the report issued %d bundles and added %d entries, not one for the traced reading", issued, s.j.Size()-size)
	}
	a := auditor.post("/audit/"+id+"/check", nil)
	a.wants(t, 200, evidence.FormatDate("it", heldOn(iv)), evidence.FormatDuration("it", attested(iv).Seconds), "Nadia Ferrantini", "399 000 0142",
		"Integrità", "Contraddetto", "I numeri del grafico", "Che cosa questo rapporto non prova")
	auditor.get("/audit/" + id)
	bundle := auditor.post("/audit/"+id+"/bundle", nil)
	if bundle.body != "not a container" || bundle.header.Get("Content-Type") != "application/vnd.etsi.asic-e+zip" {
		t.Errorf("the bundle is %q", bundle.body)
	}
	if issued != 1 {
		t.Errorf("reading twice and downloading issued %d bundles", issued)
	}
	auditor.get("/audit/"+id+"/report.pdf").wants(t, 200, "%PDF")
	s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.DeviceChecked{}})
	auditor.get("/audit/"+id).wants(t, 200, "il registro è andato avanti", "Prepara il pacchetto e verifica")
}

// TestI14_ReadingIsTraced: who read what stands in the record, and a page that refreshes itself is told once.
func TestI14_ReadingIsTraced(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	auditor := s.signIn("livia@regione.example")
	for range 3 {
		auditor.get("/audit/" + id)
		op.get("/interviews/" + id)
	}
	entries, err := s.j.Entries(context.Background(), "stream:access")
	fatal(t, err)
	reads := map[string]int{}
	for _, e := range entries {
		if f, ok := e.Fact.(*evidence.RecordRead); ok && f.Interview == id {
			reads[f.Account+" "+f.What]++
		}
	}
	if reads["auditor report"] != 1 || reads["op-ponte dossier"] != 1 {
		t.Errorf("the trace says %v", reads)
	}
}

func TestAPISchedulesWithBothPartiesLinks(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	token, err := s.access.AddToken(ctx, "ponte")
	fatal(t, err)
	call := func(token, body string) (int, string) {
		r, err := http.NewRequest("POST", s.url+"/api/interviews", strings.NewReader(body))
		fatal(t, err)
		r.Header.Set("Authorization", "Bearer "+token)
		a := s.browser().do(r)
		return a.status, a.body
	}
	body := func(operator, code string) string {
		b, err := json.Marshal(map[string]any{
			"operator": operator, "programme": rules.TestPack().ID, "activity": "B03", "path": "continuation", "language": "de",
			"start": time.Now().Add(48 * time.Hour).UTC().Truncate(time.Minute), "minutes": 30,
			"person": map[string]string{"name": "Petru", "surname": "Ionașcu", "tax_code": code, "phone": "399 000 0143", "mail": "petru@posta.example"},
		})
		fatal(t, err)
		return string(b)
	}
	for name, c := range map[string]struct {
		token, body string
		want        int
	}{
		"no token":              {"", body("ilaria@pontechiaro.example", "RSSMRA80A01H501U"), 401},
		"wrong tax code":        {token, body("ilaria@pontechiaro.example", "RSSMRA80A01H501K"), 422},
		"another agency's":      {token, body("oreste@valgrande.example", "RSSMRA80A01H501U"), 422},
		"not JSON":              {token, "name=x", 400},
		"unknown member":        {token, `{"colour":"red"}`, 400},
		"larger than the bound": {token, `{"operator":"` + strings.Repeat("x", 1<<20) + `"}`, 400},
	} {
		if status, answer := call(c.token, c.body); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, answer, c.want)
		}
	}
	status, answer := call(token, body("ilaria@pontechiaro.example", "RSSMRA80A01H501U"))
	var got apiScheduled
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	s.browser().get(strings.TrimPrefix(got.PersonLink, s.url)).wants(t, 200, "Guten Tag Petru")
	s.operator().get(strings.TrimPrefix(got.OperatorLink, s.url)).wants(t, 200, `data-role="operator"`)
	var spec map[string]any
	if err := json.Unmarshal([]byte(s.browser().get("/api/openapi.json").body), &spec); err != nil || spec["openapi"] == nil {
		t.Errorf("openapi.json: %v", err)
	}
}

func TestDemoMailboxShowsMailsAndAnswers(t *testing.T) {
	var box, id, body string
	raw := []byte("From: info@pontechiaro.example\r\nReply-To: colloqui+x@pontechiaro.example\r\nSubject: Riepilogo\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSe i dati sono giusti, risponda a questa mail con la parola: confermo\r\nhttps://example.org/i/x\r\n<script>alert(1)</script>\r\n")
	s := newSite(t, func(c *Config) {
		c.Demo = &Demo{
			Operator: Door{"ilaria@pontechiaro.example", password}, Auditor: Door{"livia@regione.example", password},
			PersonLink: func(context.Context) string { return "/i/x" },
			Story:      func(string) []Step { return []Step{{time.Now(), "Colloquio di 42 secondi"}} },
			Boxes:      func() []string { return []string{"nadia@posta.example"} },
			Messages:   func(context.Context, string) ([]Message, error) { return []Message{{"7", time.Now(), raw}}, nil },
			Reply: func(_ context.Context, b, i, text string) error {
				box, id, body = b, i, text
				return nil
			},
		}
	})
	b := s.browser()
	b.get("/").wants(t, 200, "Un colloquio intero, in tre minuti", "Colloquio di 42 secondi", "Dimostrazione: non è una prova")
	b.get("/sign-in?as=operator").wants(t, 200, password)
	a := b.get("/demo/mail")
	a.wants(t, 200, "Riepilogo", "colloqui&#43;x@pontechiaro.example", ">confermo</textarea>", `<a href="https://example.org/i/x">`, "&lt;script&gt;")
	b.post("/demo/mail/reply", map[string][]string{"box": {"altro@posta.example"}, "message": {"7"}, "text": {"x"}}).wants(t, http.StatusBadRequest)
	b.post("/demo/mail/reply", map[string][]string{"box": {"nadia@posta.example"}, "message": {"7"}, "text": {"Confermo"}}).wants(t, 200, "Risposta inviata")
	if box != "nadia@posta.example" || id != "7" || body != "Confermo" {
		t.Errorf("the reply was %q %q %q", box, id, body)
	}
}

func TestErrorsOfOursGiveAReferenceThatIsInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.SendCode = nil; c.Log = testLog(&log) })
	a := s.browser().post("/sign-in", map[string][]string{"mail": {"ilaria@pontechiaro.example"}, "password": {password}})
	a.wants(t, http.StatusBadGateway, "la posta non risponde", "riferimento")
	_, ref, _ := strings.Cut(a.body, `<span class="cf-mono">`)
	if ref, _, _ = strings.Cut(ref, "<"); len(ref) != 8 || !strings.Contains(log.String(), ref) {
		t.Errorf("reference %q is not in the log: %s", ref, log.String())
	}
	if strings.Contains(log.String(), password) || strings.Contains(log.String(), "ilaria@") {
		t.Error("the log holds a secret")
	}
	s.browser().get("/healthz").wants(t, 200, `"status":"ok"`)
	s.browser().get("/no/such/page").wants(t, http.StatusNotFound, "Questa pagina non esiste")
}
