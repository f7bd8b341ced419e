package web

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/web/access"
)

func TestC7_EverySignInAsksForACodeByMail(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	mail := "ilaria@pontechiaro.example"
	if a := b.get("/today"); !strings.HasPrefix(a.path, "/sign-in?next=") {
		t.Errorf("a stranger is led to %s", a.path)
	}
	b.post("/sign-in", url.Values{"mail": {mail}, "password": {"sbagliata, ma lunga"}}).wants(t, http.StatusUnauthorized, "Indirizzo o password non sono giusti")
	b.post("/sign-in", url.Values{"mail": {"nessuno@pontechiaro.example"}, "password": {password}}).wants(t, http.StatusUnauthorized, "Indirizzo o password non sono giusti")
	if s.code(mail) != "" {
		t.Error("a code went out for a wrong password")
	}
	b.post("/sign-in", url.Values{"mail": {mail}, "password": {password}, "next": {"/interviews/new"}}).wants(t, 200, "Scriva il codice", "i…a@pontechiaro.example")
	first := s.code(mail)
	if a := b.get("/today"); !strings.HasPrefix(a.path, "/sign-in") {
		t.Errorf("the password alone opens %s", a.path)
	}
	b.post("/sign-in/code", url.Values{"code": {"12345"}}).wants(t, http.StatusUnprocessableEntity, "Il codice ha 6 cifre")
	b.post("/sign-in/code", url.Values{"code": {other(first)}}).wants(t, http.StatusUnauthorized, "Restano 4 tentativi")
	b.post("/sign-in/again", nil)
	second := s.code(mail)
	if second != first {
		b.post("/sign-in/code", url.Values{"code": {first}}).wants(t, http.StatusUnauthorized, "Il codice non è giusto")
	}
	if a := b.post("/sign-in/code", url.Values{"code": {second}}); a.path != "/interviews/new" {
		t.Errorf("the code leads to %s", a.path)
	}
	b.post("/sign-out", nil)
	if a := b.get("/today"); !strings.HasPrefix(a.path, "/sign-in") {
		t.Errorf("after signing out %s is open", a.path)
	}
	if n := s.facts("stream:access", "account-signed-in"); n < 4 {
		t.Errorf("%d attempts are in the record", n)
	}
}

func other(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

func TestSignInNextStaysOnThisSite(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.post("/sign-in", url.Values{"mail": {"ilaria@pontechiaro.example"}, "password": {password}, "next": {"//evil.example/x"}})
	if a := b.post("/sign-in/code", url.Values{"code": {s.code("ilaria@pontechiaro.example")}}); a.path != "/today" {
		t.Errorf("next leads to %s", a.path)
	}
}

func TestT32_ScheduleSaysWhatIsWrong(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	for _, c := range []struct{ field, value, want string }{
		{"taxcode", "RSSMRA80A01H501K", "Lettera di controllo «K»: dai primi 15 caratteri risulta «U»"},
		{"taxcode", "RSSMRA80A01H501", "Il codice fiscale ha 16 caratteri: qui sono 15"},
		{"taxcode", "RSSMRA80AO1H501U", "una lettera dove va una cifra"},
		{"phone", "", "Il numero di telefono è obbligatorio: fa parte della prova"},
		{"phone", "39", "Scriva almeno 6 cifre"},
		{"mail", "nadia@", "L’indirizzo e-mail non è completo"},
		{"mail", "Nadia <nadia@posta.example>", "L’indirizzo e-mail non è completo"},
		{"name", "", "Manca questo dato"},
		{"activity", "Z99", "Scelga una voce"},
		{"date", "31/02/2027", "La data non esiste"},
		{"date", "2027-01-01", "La data non esiste"},
		{"date", time.Now().AddDate(0, 0, -2).Format("02/01/2006"), "Questo momento è già passato"},
		{"hour", "25:00", "L’ora non è scritta come oo:mm"},
		{"language", "xx", "Scelga una voce"},
	} {
		form := s.form()
		form.Set(c.field, c.value)
		want := c.want
		if c.field == "language" {
			want = "C’è un errore da correggere"
		}
		op.post("/interviews/new", form).wants(t, http.StatusUnprocessableEntity, want, "Ferrantini", `href="#`+c.field+`"`)
	}
	if rows, _ := s.j.List(context.Background(), journal.Filter{Agency: "ponte"}); len(rows) != 0 {
		t.Errorf("%d interviews were opened by wrong forms", len(rows))
	}
	form := s.form()
	form.Set("taxcode", " rssmra80a01 h501u ")
	op.post("/interviews/new", form).wants(t, 200, "Colloquio n. 1/", "RSSMRA80A01H501U", "L’invito parte adesso")
}

func TestT32_TimeThatTheClockChangeLeavesOutIsRefused(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	fatal(t, err)
	p := plan{Date: "28/03/2027", Hour: "02:30"}
	if _, key := p.readStart(rome, time.Date(2027, 3, 1, 0, 0, 0, 0, rome)); key != "form.hour" {
		t.Errorf("02:30 of a night without it gives %q", key)
	}
}

func TestI17_OperatorSeesOnlyTheOwnAgency(t *testing.T) {
	s := newSite(t)
	op, stranger := s.operator(), s.signIn("oreste@valgrande.example")
	id := s.schedule(op)
	day := "/today?day=" + time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	op.get(day).wants(t, 200, "Nadia Ferrantini", "11:15", "Programmato", "Nessuna azione")
	if a := stranger.get(day); strings.Contains(a.body, "Ferrantini") {
		t.Error("another agency's list shows the name")
	}
	for _, path := range []string{"", "/documents", "/call", "/sign", "/thread", "/strip", "/checklist", "/timesheet.pdf", "/mails/1", "/events"} {
		stranger.get("/interviews/"+id+path).wants(t, http.StatusNotFound, "Questa pagina non esiste")
	}
	for _, path := range []string{"/admit", "/finish", "/sign", "/cancel", "/code", "/documents", "/decide", "/preview"} {
		stranger.post("/interviews/"+id+path, url.Values{"reason": {"x"}}).wants(t, http.StatusNotFound, "Questa pagina non esiste")
	}
	stranger.get("/audit").wants(t, http.StatusForbidden, "Questa pagina non è per il suo ruolo")
	s.signIn("livia@regione.example").get("/interviews/"+id).wants(t, http.StatusForbidden, "Questa pagina non è per il suo ruolo")
	if iv := s.interview(id); iv.N != 1 {
		t.Errorf("a stranger left %d entries", iv.N-1)
	}
}

func TestT8_IdentityIsTheOperatorsStatement(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	at := "/interviews/" + id + "/documents"
	all := url.Values{"outcome": {"match"}, "check": {"face", "card", "data"}}
	op.post(at, all).wants(t, http.StatusUnprocessableEntity, "La persona non ha ancora inviato documenti")
	p := s.prepared(id)
	p.upload(s.link(id)+"/documents", file{"identity-card.front", "c.jpg", "image/jpeg", photo(t)}, file{"tax-card.front", "t.jpg", "image/jpeg", photo(t)})
	op.get(at).wants(t, 200, "È la stessa persona?", "RSSMRA80A01H501U", "/files/")
	op.post(at, url.Values{"outcome": {"match"}, "check": {"face"}}).wants(t, http.StatusUnprocessableEntity, "confermi tutti e tre i punti")
	op.post(at, all).wants(t, 200, "Ilaria Montebruni")
	op.post(at, all)
	iv := s.interview(id)
	if n := s.facts(id, "identity-checked"); n != 1 || iv.Identity.By.Account != "op-ponte" || len(iv.Identity.Checks) != 3 {
		t.Errorf("%d statements, the last %+v", n, iv.Identity)
	}
}

// TestT16_SigningIsOneActOfThisSession covers topics (T20), place (T16), times that cannot be typed and the second click.
func TestT16_SigningIsOneActOfThisSession(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	base := "/interviews/" + id
	op.get(base+"/sign").wants(t, http.StatusConflict, "Il colloquio non è ancora concluso")
	s.acknowledged(id, 10*time.Minute)
	s.held(id, 120)
	a := op.get(base + "/sign")
	a.wants(t, 200, "Tempi osservati", "Rete della persona", "via del Colle 9, Montalto", `class="axis"`)
	if strings.Contains(a.body, `name="start"`) || strings.Contains(a.body, `name="end"`) || strings.Contains(a.body, `type="time"`) {
		t.Error("the page has a field for a time")
	}
	place := "via del Colle 9, Montalto"
	op.post(base+"/sign", url.Values{"place": {place}}).wants(t, http.StatusUnprocessableEntity, "Scelga almeno un argomento")
	op.post(base+"/sign", url.Values{"topic": {"job-search"}, "place": {"casa mia"}}).wants(t, http.StatusUnprocessableEntity, "Scelga una sede accreditata")
	form := url.Values{"topic": {"job-search", "databanks", "no-such"}, "place": {place}, "start": {"09:00"}, "attested": {"36000"}}
	for range 2 {
		if a := op.post(base+"/sign", form); a.path != base+"/thread" {
			t.Errorf("signing leads to %s: %d", a.path, a.status)
		}
	}
	iv := s.interview(id)
	if n := s.facts(id, "timesheet-approved"); n != 1 {
		t.Errorf("the timesheet was approved %d times", n)
	}
	want := evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule).Seconds
	if ap := iv.Approved; ap.Attested != want || ap.Method != "password+code" || ap.By.Account != "op-ponte" || ap.SignedIn == "" {
		t.Errorf("the act says %+v, want %d seconds", ap, want)
	}
	if c := iv.Completed; c.Place != place || strings.Join(c.Topics, " ") != "job-search databanks" {
		t.Errorf("the statement says %+v", c)
	}
	if a := op.get(base + "/sign"); a.path != base+"/thread" {
		t.Errorf("a signed interview can be signed again: %s", a.path)
	}
}

// TestT22_ThreadShowsBothDirectionsByteForByte also covers T11.
func TestT22_ThreadShowsBothDirectionsByteForByte(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 2, false) })
	base := "/interviews/" + id
	a := op.get(base + "/thread")
	a.wants(t, 200, "Conferma ricevuta", "<mark>Confermo</mark>", "Livello 2 su 3", "Firma DKIM valida", "7K3M-Q9TD", "it-word, v. 1")
	iv := s.interview(id)
	raw, err := s.j.File(context.Background(), id, iv.Replies[0].N, "file")
	fatal(t, err)
	eml := op.get(fmt.Sprintf("%s/mails/%d", base, iv.Replies[0].N))
	if eml.body != string(raw) || !strings.HasPrefix(eml.header.Get("Content-Disposition"), "attachment") {
		t.Error("the bytes of the reply are not those received")
	}
	op.get(base+"/mails/1").wants(t, http.StatusNotFound)
	op.get(base+"/timesheet.pdf").wants(t, 200, "%PDF")
}

// confirmedUpTo is an interview held, signed and mailed, then what reply does.
func (s *site) confirmedUpTo(op *browser, reply func(id string)) string {
	s.t.Helper()
	id := s.schedule(op)
	s.acknowledged(id, 10*time.Minute)
	s.held(id, 120)
	op.post("/interviews/"+id+"/sign", url.Values{"topic": {"job-search"}, "place": {"via dei Tigli 4, Borgolieto"}})
	s.signed(id)
	s.mailed(id)
	reply(id)
	return id
}

func TestOperatorDecidesWhatTheMachineDidNot(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.confirmedUpTo(op, func(id string) { s.replied(id, "Confermo", evidence.VerdictConfirmed, 1, true) })
	base := "/interviews/" + id
	op.get(base+"/thread").wants(t, 200, "il livello non basta", "È una conferma")
	op.post(base+"/decide", url.Values{"reply": {"r1"}, "verdict": {"confirmed"}}).wants(t, http.StatusBadRequest, "Dati mancanti")
	form := url.Values{"reply": {"r1"}, "verdict": {"confirmed"}, "reason": {"sentita al telefono"}}
	op.post(base+"/decide", form).wants(t, 200, "Conferma ricevuta")
	op.post(base+"/decide", form).wants(t, http.StatusConflict, "È già stato fatto")
	if n := s.facts(id, "reply-decided"); n != 1 {
		t.Errorf("%d decisions", n)
	}
}

func TestLiveUpdatesTellOnlyWhatMatters(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", s.url+"/interviews/"+id+"/events", nil)
	fatal(t, err)
	op.client.Timeout = 0
	res, err := op.client.Do(r)
	fatal(t, err)
	defer res.Body.Close()
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("the stream is %q", kind)
	}
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != ": open" {
		t.Fatalf("the stream opens with %q", lines.Text())
	}
	other := s.schedule(s.operator()) // another interview: not told here
	s.append(journal.Draft{Interview: other, By: "test", Fact: &evidence.DeviceChecked{}})
	s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.DeviceChecked{Camera: true}})
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			return
		}
	}
	t.Error("the stream ended without the event")
}

func TestCallPageFinishesWithTheRooms(t *testing.T) {
	s := newSite(t)
	op := s.operator()
	id := s.schedule(op)
	base := "/interviews/" + id
	op.get(base+"/call").wants(t, 200, `data-role="operator"`, "data-ticket=", "Fai entrare", "Concludi", "Informativa non ancora letta")
	op.get(base+"/checklist").wants(t, 200, "Documenti mancanti")
	op.get(base+"/strip").wants(t, 200, "Nessuno è ancora stato osservato")
	op.post(base+"/admit", nil).wants(t, http.StatusConflict, "Questo passo è già chiuso")
	s.acknowledged(id, time.Minute)
	s.append(journal.Draft{Interview: id, By: "test", Fact: &evidence.PartyAdmitted{Party: evidence.Person}})
	if a := op.post(base+"/finish", nil); a.path != base+"/sign" {
		t.Errorf("finishing leads to %s: %d", a.path, a.status)
	}
	if iv := s.interview(id); iv.Closed == nil || iv.Closed.Reason != "operator" {
		t.Errorf("the close is %+v", iv.Closed)
	}
	if a := op.get(base + "/call"); a.path != base+"/sign" {
		t.Errorf("a closed call is open: %s", a.path)
	}
}

func TestRolesOfAccountsAreChecked(t *testing.T) {
	s := newSite(t)
	ctx := context.Background()
	for _, o := range []access.Opening{
		{Role: "king", Name: "A", Mail: "a@b.example", Password: password},
		{Role: access.RoleOperator, Name: "A", Mail: "a@b.example", Password: password},
		{Role: access.RoleAuditor, Name: "A", Mail: "ab.example", Password: password},
		{Role: access.RoleAuditor, Name: "A", Mail: "a@b.example", Password: "corta"},
		{Role: access.RoleAuditor, Name: "A", Mail: "LIVIA@regione.example", Password: password},
	} {
		if _, err := s.access.Add(ctx, o); err == nil {
			t.Errorf("%+v was opened", o)
		}
	}
}
