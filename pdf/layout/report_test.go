package layout

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"confermo/evidence"
	"confermo/evidence/wording"
)

// answered goes on to the signed timesheet, the summary and the reply.
func answered(t *testing.T) *story {
	t.Helper()
	s := example(t, nil)
	s.add(2*time.Second, &evidence.TimesheetSigned{Version: 1, Level: "B-T"})
	s.add(time.Second, &evidence.MailFrozen{ID: "m2", Purpose: evidence.Summary, Version: 1, Language: "it"})
	s.add(time.Second, &evidence.MailSent{ID: "m2", Response: "250 2.0.0", Attempt: 1})
	s.add(43*time.Minute, &evidence.ReplyReceived{ID: "r1", Mailbox: "INBOX"})
	s.add(time.Second, &evidence.ReplyClassified{ID: "r1", Mail: "m2", Version: 1, Verdict: evidence.VerdictConfirmed, Level: 2})
	return s
}

func TestT17_ReportShowsExactlyTheFourFacts(t *testing.T) {
	iv := evidence.Fold(interviewID, answered(t).entries)
	r, err := newReport(iv, testNames)
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{
		{"Data", "24/11/2026"}, {"Durata attestata", "0:59:21"}, {"Nome e cognome", "Nadia Ferrantini"}, {"Telefono", "399 000 0142"},
	}
	if len(r.Figures) != 4 {
		t.Fatalf("figures %v", r.Figures)
	}
	for i := range want {
		if r.Figures[i] != want[i] {
			t.Errorf("figure %v, want %v", r.Figures[i], want[i])
		}
	}
	pdf, err := Summary(iv, testNames)
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, pdf)
	wants(t, text, "24/11/2026", "0:59:21", "Nadia Ferrantini", "399 000 0142", "La persona ha confermato il riepilogo.",
		"Livello 2 su 3", "Ricevuta immagine: carta d’identità, fronte", "già agli atti: colloquio 101/2026, 02/03/2026",
		"Informativa letta, versione 1.0", "Mail accettata dal server: riepilogo", "Che cosa questo rapporto non prova",
		"Non prova che cosa si è detto")
	if strings.Contains(text, "FRRNDA85H52X999W") || strings.Contains(text, "nadia.ferrantini@") {
		t.Error("the report shows more of the person than it needs (X12)")
	}
}

func TestReportPageStandsAlone(t *testing.T) {
	iv := evidence.Fold(interviewID, answered(t).entries)
	for _, lang := range wording.Languages() {
		n := testNames
		n.Language = lang
		page, err := ReportHTML(iv, n)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(bytes.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		for e := range doc.Descendants() {
			if e.Data == "script" || e.Data == "link" || e.Data == "img" || e.Data == "iframe" {
				t.Errorf("%s: <%s>", lang, e.Data)
			}
			for _, a := range e.Attr {
				if a.Key == "href" || a.Key == "src" || a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: attribute %s=%q", lang, a.Key, a.Val)
				}
			}
		}
		wants(t, string(page), `lang="`+lang+`"`, "Nadia Ferrantini", "399 000 0142", "0:59:21", `role="img" aria-label="`,
			labelsOf(lang).of("unproved"), "11:38:04")
		if bytes.Contains(page, []byte("ZgotmplZ")) || bytes.Contains(page, []byte("{{")) {
			t.Errorf("%s: a template's hole shows", lang)
		}
	}
}

func TestReportPageEscapesWhatPeopleTyped(t *testing.T) {
	s := held(t, func(f *evidence.Scheduled) { f.Person.Surname = evidence.V(`<script>alert(1)</script>"`) })
	page, err := ReportHTML(evidence.Fold(interviewID, s.entries), testNames)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(page, []byte("<script")) {
		t.Error("a name became markup")
	}
}

// Issuing a bundle is the record's last entry and must not change what is in the bundle.
func TestReportIsTheSameAfterIssuingTheBundle(t *testing.T) {
	s := answered(t)
	before := evidence.Fold(interviewID, s.entries)
	s.add(time.Hour, &evidence.BundleIssued{Before: len(s.entries), Hash: "h", For: "auditor"})
	after := evidence.Fold(interviewID, s.entries)
	for name, draw := range map[string]func(*evidence.Interview) ([]byte, error){
		"pdf":  func(iv *evidence.Interview) ([]byte, error) { return Summary(iv, testNames) },
		"html": func(iv *evidence.Interview) ([]byte, error) { return ReportHTML(iv, testNames) },
	} {
		a, err := draw(before)
		if err != nil {
			t.Fatal(err)
		}
		b, err := draw(after)
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs: %v", name, err)
		}
	}
}

func TestReportOfErasedAndWithheldEntries(t *testing.T) {
	s := answered(t)
	for i := range s.entries {
		if i%3 == 1 {
			s.entries[i].Fact = nil
		}
	}
	iv := evidence.Fold(interviewID, s.entries)
	pdf, err := Summary(iv, testNames)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, read(t, pdf), "registrazione cancellata o non consegnata")
	if _, err := ReportHTML(iv, testNames); err != nil {
		t.Error(err)
	}
	s.entries[0].Fact = nil
	if _, err := Summary(evidence.Fold(interviewID, s.entries), testNames); err == nil {
		t.Error("a report without its first fact")
	}
}

func TestEveryKindOfAnInterviewIsToldOrDrawn(t *testing.T) {
	r := &report{l: labelsOf("it"), c: clock{zone: time.UTC, lang: "it"}}
	iv := evidence.Fold(interviewID, answered(t).entries)
	drawn := map[evidence.Kind]bool{"media-observed": true, "mute-changed": true}
	for _, f := range []evidence.Fact{
		&evidence.Scheduled{}, &evidence.Cancelled{}, &evidence.MailFrozen{}, &evidence.MailSent{}, &evidence.MailFailed{},
		&evidence.LinkOpened{}, &evidence.NoticeRead{}, &evidence.Consented{}, &evidence.DocumentUploaded{}, &evidence.DocumentHeld{},
		&evidence.DeviceChecked{}, &evidence.IdentityChecked{}, &evidence.PartyJoined{}, &evidence.PartyLeft{}, &evidence.PartyAdmitted{},
		&evidence.MediaObserved{}, &evidence.MuteChanged{}, &evidence.BreakTaken{}, &evidence.ServiceGap{}, &evidence.Closed{},
		&evidence.Completed{}, &evidence.TimesheetApproved{}, &evidence.TimesheetSigned{}, &evidence.ReplyReceived{},
		&evidence.ReplyClassified{}, &evidence.ReplyDecided{}, &evidence.Sealed{}, &evidence.BundleIssued{}, &evidence.ClassErased{},
		&evidence.StillTaken{},
	} {
		if text := r.before(iv, f) + r.after(iv, f); (text == "") != drawn[f.Kind()] {
			t.Errorf("%s says %q", f.Kind(), text)
		}
	}
}

func TestReadmeTellsFourLanguagesHowToVerify(t *testing.T) {
	text := string(Readme(evidence.Fold(interviewID, example(t, nil).entries)))
	wants(t, text, "[IT]", "[DE]", "[FR]", "[EN]", "412/2026", interviewID, "confermo-verify -trust TRUST", "openssl cms -verify", "openssl ts -verify")
	for i, line := range strings.Split(text, "\n") {
		if len([]rune(line)) > 120 || strings.ContainsAny(line, "{}") {
			t.Errorf("line %d: %q", i+1, line)
		}
	}
}

// Browsers draw the page; only with CONFERMO_LOOK, for people to look at.
func TestLookAtThePage(t *testing.T) {
	look := os.Getenv("CONFERMO_LOOK")
	if look == "" {
		t.Skip("CONFERMO_LOOK is not set")
	}
	page, err := ReportHTML(evidence.Fold(interviewID, answered(t).entries), testNames)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(look, "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,2600",
		"--screenshot="+filepath.Join(look, "report.png"), "file://"+file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
