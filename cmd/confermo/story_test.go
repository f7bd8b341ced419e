package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"log/slog"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/journal"
	"confermo/web/access"
)

// installation is the whole service with real mail servers beside it, as `confermo serve -test-pki` runs it.
type installation struct {
	*Service
	mail   mailServers
	signer *rsa.PrivateKey // of the person's mail provider
	base   string
}

const (
	agencyInbox  = "colloqui@agenzia.invalid"
	operatorMail = "ilaria@agenzia.invalid"
	auditorMail  = "livia@agenzia.invalid"
	personMail   = "nadia@posta.invalid"
	selector     = "prova._domainkey.posta.invalid"
)

func install(t *testing.T) *installation {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	i := &installation{mail: startMailServers(t, "colloqui", "ilaria", "livia", "nadia"), signer: key}
	lines, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	i.base = "http://" + lines.Addr().String()
	i.Service = &Service{
		lines: lines, lookup: i.records, log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
		cfg: Config{
			Data: t.TempDir(), BaseURL: i.base, Node: "n1", Name: "confermo.test", UDP: "127.0.0.1:0", TestPKI: true, Loopback: true,
			MailFrom: agencyInbox, SMTPAddr: i.mail.smtp, SMTPTLS: "plain",
			IMAPAddr: i.mail.imap, IMAPUser: "colloqui", IMAPPassword: mailPassword, IMAPTLS: "plain",
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	check(t, i.open(ctx))
	agency := demoAgencyFact()
	agency.Agency.Mail = agencyInbox
	_, err = seeds{i.journal}.agency(ctx, agency)
	check(t, err)
	check(t, i.openAccounts(ctx, []access.Opening{
		{ID: "ilaria", Role: access.RoleOperator, Agency: demoAgency, Name: "Ilaria Montebruni", Mail: operatorMail, Password: demoPassword},
		{ID: "livia", Role: access.RoleAuditor, Name: "Livia Sassorosso", Mail: auditorMail, Password: demoPassword},
	}))
	ended := make(chan error, 1)
	go func() { ended <- i.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, i.close()); err != nil {
			t.Errorf("stop the service: %v", err)
		}
	})
	return i
}

// testWriter sends the service's log to the test's; a line after the test's end is dropped with it.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// records is the DNS of the test: the provider's DKIM key and nothing else.
func (i *installation) records(_ context.Context, name string) ([]string, error) {
	if name != selector {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	der, err := x509.MarshalPKIXPublicKey(&i.signer.PublicKey)
	if err != nil {
		return nil, err
	}
	return []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)}, nil
}

// sends submits the person's mail, signed by the provider or not.
func (i *installation) sends(t *testing.T, to string, raw []byte, signed bool) {
	t.Helper()
	if signed {
		var out bytes.Buffer
		check(t, dkim.Sign(&out, bytes.NewReader(raw), &dkim.SignOptions{
			Domain: "posta.invalid", Selector: "prova", Signer: i.signer,
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
			HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Content-Type", "MIME-Version"},
		}))
		raw = out.Bytes()
	}
	check(t, smtp.SendMail(i.mail.smtp, nil, personMail, []string{to}, raw))
}

// code reads the newest six-digit code that came after the first seen mails.
func (i *installation) code(t *testing.T, name string, seen int) string {
	t.Helper()
	m := i.mail.await(t, name, "a code for "+name, func(m mailRead) bool {
		return len(i.mail.mails(t, name)) > seen && sixDigits.MatchString(m.text)
	})
	return sixDigits.FindString(m.text)
}

func (i *installation) verify(t *testing.T, bundle []byte) audit.Report {
	t.Helper()
	records, err := i.records(context.Background(), selector)
	check(t, err)
	i.trust.dkim(map[string][]string{selector: records})
	files := fstest.MapFS{}
	for name, data := range i.trust {
		files[name] = &fstest.MapFile{Data: data}
	}
	trust, err := audit.LoadTrust(files)
	check(t, err)
	return audit.Verify(bundle, trust, time.Now())
}

// when waits for the record of the one interview to say something.
func (i *installation) when(t *testing.T, what string, holds func(*evidence.Interview) bool) *evidence.Interview {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		size := i.journal.Size()
		rows, err := i.journal.List(ctx, journal.Filter{Agency: demoAgency})
		check(t, err)
		if len(rows) > 0 {
			iv, err := i.journal.Interview(ctx, rows[0].ID)
			check(t, err)
			if holds(iv) {
				return iv
			}
		}
		if err := i.journal.Wait(ctx, size); err != nil {
			t.Fatalf("%s did not happen: %v", what, err)
		}
	}
}

// signIn goes through password and code by mail (C7, C8).
func (i *installation) signIn(b *browser, name, mail, shot string) {
	b.t.Helper()
	b.open(i.base + "/sign-in")
	b.shot(shot + "-accesso")
	b.fill(`input[name=mail]`, mail)
	b.fill(`input[name=password]`, demoPassword)
	seen := len(i.mail.mails(b.t, name))
	b.submit("/sign-in")
	b.shot(shot + "-codice")
	b.fill(`input[name=code]`, i.code(b.t, name, seen))
	b.submit("/sign-in/code")
}

// This is the whole story through the pages: two Chromium with fake devices, real Postfix and Dovecot, the
// bundle verified at the end.
func TestT7_T8_T13_T14_T15_T16_T17_T18_T20_T21_T22_T31_StoryInBrowsers(t *testing.T) {
	i := install(t)
	operator := openBrowser(t, "operator", 1280, 900, false)
	i.signIn(operator, "ilaria", operatorMail, "o-01")
	operator.shot("o-02-giornata-vuota")
	i.schedules(operator)
	invitation := i.mail.await(t, "nadia", "the invitation", func(m mailRead) bool { return strings.Contains(m.text, i.base+"/i/") })
	link := linkIn(invitation.text, i.base+"/i/")
	person := openBrowser(t, "person", 360, 740, true)
	i.prepares(person, link)
	operator.open(i.base + "/today")
	operator.shot("o-02-giornata")
	iv := i.when(t, "documents", func(iv *evidence.Interview) bool { return len(iv.MissingDocuments()) == 0 })
	i.talks(operator, person, iv.ID, link)
	i.signs(operator, iv.ID)
	person.open(link + "/record")
	person.shot("p-08-registrato")
	i.replies(t)
	iv = i.when(t, "the seal", func(iv *evidence.Interview) bool { return iv.Seal != nil })
	operator.open(i.base + "/interviews/" + iv.ID + "/thread")
	operator.shot("o-08-conferma")
	operator.open(i.base + "/interviews/" + iv.ID)
	operator.shot("o-04-fascicolo")
	person.open(link + "/reply")
	person.shot("p-09-risposta")
	i.audits(t, iv)
}

func linkIn(text, prefix string) string {
	_, rest, _ := strings.Cut(text, prefix)
	return prefix + strings.Fields(rest)[0]
}

func (i *installation) schedules(b *browser) {
	b.t.Helper()
	b.open(i.base + "/interviews/new")
	b.shot("o-03-programma")
	zone, err := time.LoadLocation(demoZone)
	check(b.t, err)
	slot := demoSlot(time.Now(), zone)
	for _, name := range []string{"name", "surname", "phone", "date", "hour"} {
		b.fill("input[name="+name+"]", slot.Get(name))
	}
	b.fill("input[name=mail]", personMail)
	b.fill("input[name=taxcode]", strings.Replace(demoTaxCode(), "FRRNDA", "FRRNDO", 1))
	b.click("input[name=activity][value=A06]")
	b.click("input[name=path][value=first]")
	b.submit("/interviews/new")
	b.shot("o-03-programma-errore")
	if complaint := b.text(); !strings.Contains(complaint, "ettera di controllo") {
		b.t.Errorf("a wrong tax code is not named: %s", complaint)
	}
	b.fill("input[name=taxcode]", demoTaxCode())
	b.submit("/interviews/new")
	i.when(b.t, "scheduling", func(iv *evidence.Interview) bool { return iv.Scheduled != nil })
	b.shot("o-04-fascicolo-programmato")
}

// prepares is the person on a phone: invitation, notice, choice, documents, device check.
func (i *installation) prepares(b *browser, link string) {
	b.t.Helper()
	b.open(link)
	b.shot("p-01-invito")
	b.submit("/open")
	b.shot("p-02-informativa")
	b.submit("/notice")
	b.shot("p-03-consensi")
	b.click(`input[name=still][value=no]`)
	b.submit("/choices")
	b.shot("p-04-documenti")
	files := cardFiles(b.t)
	b.upload(`input[name="identity-card.front"]`, files["identity-card.front"])
	b.upload(`input[name="tax-card.front"]`, files["tax-card.front"])
	b.shot("p-04-documenti-scelti")
	b.submit("/documents")
	b.shot("p-05-prova")
	b.click("[data-check-start]")
	b.wait("the level of the microphone", `document.querySelector("[data-check-submit]:not([hidden]):not([disabled])") !== null`)
	b.shot("p-05-prova-attiva")
	b.submit("/check")
	b.shot("p-06-attesa")
}

func cardFiles(t *testing.T) map[string]string {
	t.Helper()
	cards, err := demoCards()
	check(t, err)
	files := map[string]string{}
	for _, c := range cards {
		files[c.field] = filepath.Join(t.TempDir(), c.name)
		check(t, os.WriteFile(files[c.field], c.data, 0o600))
	}
	return files
}

// identifies compares face, card and data in the panel beside the call.
func (i *installation) identifies(b *browser) {
	b.t.Helper()
	b.eval(`document.querySelectorAll("input[name=check]").forEach(c => c.checked = true)`)
	b.click(`button[name=outcome][value=match]`)
	i.when(b.t, "identity", func(iv *evidence.Interview) bool { return iv.Identity != nil })
}

// talks is the call: real media of two browsers through the media server, for at least 20 seconds.
func (i *installation) talks(operator, person *browser, id, link string) {
	t := operator.t
	t.Helper()
	operator.open(i.base + "/interviews/" + id + "/documents")
	operator.shot("o-05-documenti")
	operator.open(i.base + "/interviews/" + id + "/call")
	operator.shot("o-06-chiamata-prima")
	operator.click(`[data-do=join]`)
	operator.wait("operator in the room", `document.body.dataset.state === "call" || document.body.dataset.state === "waiting"`)
	person.open(link + "/call")
	person.click(`[data-do=join]`)
	i.when(t, "the person's waiting", func(iv *evidence.Interview) bool { return iv.Parties[evidence.Person].Connected() })
	person.wait("waiting room", `document.body.dataset.state === "waiting"`)
	person.shot("p-06-attesa-dentro")
	operator.wait("the person at the door", `document.querySelector('form[action$="/admit"]:not([hidden])') !== null`)
	operator.shot("o-06-chiamata-alla-porta")
	operator.click(`form[action$="/admit"] button[type=submit]`)
	begun := time.Now()
	for _, b := range []*browser{operator, person} {
		b.wait("decoded video of the other", `document.querySelector("video[data-remote]").getVideoPlaybackQuality().totalVideoFrames > 5`)
	}
	operator.shot("o-06-chiamata")
	i.identifies(operator)
	person.shot("p-07-chiamata")
	person.click(`[data-do=text]`)
	person.fill(`[data-rtt-input]`, "Buongiorno, la sento bene")
	operator.wait("typed text arrives", `document.body.innerText.includes("la sento bene")`)
	person.shot("p-07b-chiamata-testo")
	i.when(t, "22 seconds of both", func(iv *evidence.Interview) bool {
		return evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule).Seconds >= 18 && time.Since(begun) > 22*time.Second
	})
	operator.shot("o-06-chiamata-striscia")
	operator.leave("close the call", func() { operator.click(`form[action$="/finish"] button[type=submit]`) })
	i.when(t, "the close", func(iv *evidence.Interview) bool { return iv.Closed != nil })
	person.wait("the person's page moves on", `document.body.dataset.state === "closed" || !location.pathname.endsWith("/call")`)
}

func (i *installation) signs(b *browser, id string) {
	b.t.Helper()
	b.open(i.base + "/interviews/" + id + "/sign")
	b.shot("o-07-chiudi")
	b.click(`input[name=topic][value=job-search]`)
	b.click(`input[name=topic][value=databanks]`)
	b.submit("/sign")
	i.when(b.t, "the summary", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Summary)
		return m != nil && m.Sent != nil
	})
	b.open(i.base + "/interviews/" + id + "/thread")
	b.shot("o-08b-attesa-conferma")
}

// replies sends an unsigned reply first, which stays held, then the provider's signed one, which confirms.
func (i *installation) replies(t *testing.T) {
	t.Helper()
	summary := i.mail.await(t, "nadia", "the summary", func(m mailRead) bool { return strings.Contains(m.text, "confermo") && len(m.files) > 0 })
	if _, ok := summary.files["foglio-ore-1-"+time.Now().Format("2006")+".pdf"]; !ok && !hasPDF(summary) {
		t.Errorf("the summary carries no timesheet: %v", summary.files)
	}
	unsigned, err := answerTo(summary.raw, personMail, "Confermo", time.Now())
	check(t, err)
	i.sends(t, summary.replyTo, unsigned, false)
	iv := i.when(t, "the unsigned reply", func(iv *evidence.Interview) bool { return len(iv.Replies) > 0 && iv.Replies[0].Classified != nil })
	if r := iv.Replies[0].Classified; r.Verdict != evidence.VerdictConfirmed || !r.Held || r.Level != 1 || iv.Confirmation() != nil {
		t.Errorf("unsigned reply: verdict %s, level %d, held %v, reasons %v", r.Verdict, r.Level, r.Held, r.Reasons)
	}
	signed, err := answerTo(summary.raw, personMail, "Confermo", time.Now())
	check(t, err)
	i.sends(t, summary.replyTo, signed, true)
	iv = i.when(t, "the signed reply", func(iv *evidence.Interview) bool { return len(iv.Replies) > 1 && iv.Replies[1].Classified != nil })
	if r := iv.Replies[1].Classified; r.Verdict != evidence.VerdictConfirmed || r.Held || r.Level != 2 || iv.Confirmation() == nil {
		t.Errorf("signed reply: verdict %s, level %d, held %v, reasons %v", r.Verdict, r.Level, r.Held, r.Reasons)
	}
}

func hasPDF(m mailRead) bool {
	for name, data := range m.files {
		if strings.HasSuffix(name, ".pdf") && bytes.HasPrefix(data, []byte("%PDF-")) {
			return true
		}
	}
	return false
}

// audits finds the interview, reads the report, takes the bundle and verifies it.
func (i *installation) audits(t *testing.T, iv *evidence.Interview) {
	t.Helper()
	b := openBrowser(t, "auditor", 1280, 900, false)
	i.signIn(b, "livia", auditorMail, "a-00")
	b.open(i.base + "/audit?q=Ferrantini")
	b.shot("a-01-ricerca")
	b.open(i.base + "/audit/" + iv.ID)
	b.shot("a-02-rapporto-prima")
	b.submit("/check")
	b.shot("a-02-rapporto")
	if said := b.text(); !strings.Contains(said, "Provato") || strings.Contains(said, "Contraddetto ") {
		b.t.Errorf("the report says %s", said)
	}
	bundle, err := i.issuer.Issue(context.Background(), iv.ID)
	check(t, err)
	report := i.verify(t, bundle)
	for _, c := range report.Claims {
		if c.Verdict != c.Ceiling {
			t.Errorf("%s is %s: %s", c.Claim, c.Verdict, c.Detail)
		}
	}
	if report.AttestedSeconds < 15 {
		t.Errorf("attested %d s", report.AttestedSeconds)
	}
	check(t, i.journal.Check(context.Background()))
	if dir := os.Getenv("CONFERMO_KEEP"); dir != "" {
		check(t, os.WriteFile(filepath.Join(dir, "bundle.asice"), bundle, 0o644))
		check(t, i.trust.write(filepath.Join(dir, "trust")))
	}
}
