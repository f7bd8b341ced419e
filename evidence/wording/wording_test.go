package wording

import (
	"strings"
	"testing"
	"time"

	"confermo/evidence"
)

func vectorT30(t *testing.T) MailData {
	t.Helper()
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	return MailData{
		Agency: evidence.Agency{
			Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Phone: "399 000 0100", Mail: "colloqui@pontechiaro.example",
		},
		Operator: "Ilaria Montebruni", Person: "Nadia Ferrantini", Number: "412/2020", Protocol: "2020/3381",
		Reference: "nota 0104656 del 12/03/2020", Code: "7K3M-Q9TD", Programme: "Assegno per l’Impiego",
		Activity: "A06", Topics: []string{"Ricerca attiva di lavoro", "Iscrizione e registrazione in banche dati on-line"},
		Start: time.Date(2020, 3, 16, 11, 15, 0, 0, rome), End: time.Date(2020, 3, 16, 12, 15, 0, 0, rome), Attested: 3600,
		Link: "https://colloqui.example/i/01J.abc", Sent: time.Date(2020, 3, 16, 12, 19, 0, 0, rome),
		Deadline: time.Date(2020, 3, 31, 12, 19, 0, 0, rome), Attachments: []string{"foglio-ore-412-2020.pdf"},
	}
}

func wants(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func TestT30_SummaryOfTheExample(t *testing.T) {
	d := vectorT30(t)
	if got := int(d.End.Sub(d.Start).Seconds()); got != d.Attested {
		t.Fatalf("end - start = %d s, stated %d s", got, d.Attested)
	}
	subject, text := SummaryMail("it", d)
	wants(t, subject, "Riepilogo del colloquio del 16/03/2020 [7K3M-Q9TD]")
	wants(t, text, "data 16/03/2020\n", "dalle 11:15 alle 12:15 (1 ora),\n", "di cui attestati 1 ora\n")
	if got := d.Start.Format("-07:00"); got != "+01:00" {
		t.Errorf("offset of the day = %s", got)
	}
}

func TestT18_T19_SummaryStatesDateDurationAndFromTo(t *testing.T) {
	d := vectorT30(t)
	d.Start, d.End, d.Attested = d.Start.Add(8*time.Second), d.End.Add(41*time.Second), 3561
	_, text := SummaryMail("it", d)
	wants(t, text, "si è svolto un colloquio in modalità on-line:\ndata 16/03/2020\n"+
		"dalle 11:15:08 alle 12:15:41 (1 ora e 33 secondi),\ndi cui attestati 59 minuti e 21 secondi\n", "Attività: A06\n")
	_, text = SummaryMail("de", d)
	wants(t, text, "Datum 16.03.2020", "von 11:15:08 bis 12:15:41 Uhr (1 Stunde und 33 Sekunden)", "59 Minuten und 21 Sekunden")
	_, text = SummaryMail("fr", d)
	wants(t, text, "de 11:15:08 à 12:15:41 (1 heure et 33 secondes)", "dont 59 minutes et 21 secondes de temps attesté")
	_, text = SummaryMail("en", d)
	wants(t, text, "from 11:15:08 to 12:15:41 (1 hour and 33 seconds)", "of which attested 59 minutes and 21 seconds")
}

func TestT20_SummaryListsTopics(t *testing.T) {
	_, text := SummaryMail("it", vectorT30(t))
	wants(t, text, "Argomenti: Ricerca attiva di lavoro; Iscrizione e registrazione in banche dati on-line.\n")
}

func TestT21_WordStandsOnlyBetweenMarkers(t *testing.T) {
	for _, lang := range Languages() {
		_, text := SummaryMail(lang, vectorT30(t))
		parts := strings.Split(text, Marker("7K3M-Q9TD")+"\n")
		if len(parts) != 3 {
			t.Fatalf("%s: %d marker lines", lang, len(parts)-1)
		}
		if !strings.HasPrefix(parts[1], Request(lang)+"\n") || !strings.HasSuffix(Request(lang), ": "+ConfirmWord(lang)) {
			t.Errorf("%s: between the markers stands %q", lang, parts[1])
		}
		if len([]rune(Request(lang))) > 78 {
			t.Errorf("%s: a mail program may break the request's line", lang)
		}
		if outside := parts[0] + parts[2]; strings.Contains(strings.ToLower(outside), strings.ToLower(ConfirmWord(lang))) {
			t.Errorf("%s: the word stands outside the markers:\n%s", lang, outside)
		}
	}
}

func TestT1_T29_EveryMailCarriesProtocolSubjectAttachmentsAndHelp(t *testing.T) {
	d := vectorT30(t)
	for _, lang := range Languages() {
		for name, write := range map[string]func(string, MailData) (string, string){
			"invitation": InvitationMail, "summary": SummaryMail,
			"acknowledgement": func(lang string, d MailData) (string, string) {
				return AcknowledgementMail(lang, d, Answer{Verdict: evidence.VerdictRefused, Text: "Non confermo", Received: d.Sent})
			},
		} {
			subject, text := write(lang, d)
			if !strings.HasSuffix(subject, " [7K3M-Q9TD]") || strings.ContainsAny(subject+text, "{}") {
				t.Errorf("%s %s: subject %q, text:\n%s", lang, name, subject, text)
			}
			wants(t, text, "2020/3381", evidence.FormatDate(lang, d.Sent), "nota 0104656 del 12/03/2020",
				"foglio-ore-412-2020.pdf", "399 000 0100", "Nadia Ferrantini", "Ilaria Montebruni", "Agenzia Ponte Chiaro")
		}
		_, text := InvitationMail(lang, d)
		wants(t, text, "\nhttps://colloqui.example/i/01J.abc\n", "Assegno per l’Impiego")
	}
}

func TestAcknowledgementSaysWhatWasRecorded(t *testing.T) {
	d := vectorT30(t)
	for _, lang := range Languages() {
		seen := map[string]bool{}
		for _, verdict := range []string{evidence.VerdictConfirmed, evidence.VerdictRefused, evidence.VerdictDisputed} {
			subject, text := AcknowledgementMail(lang, d, Answer{Verdict: verdict, Text: "Confermo", Received: d.Sent, Late: true})
			wants(t, text, "Confermo", "12:19:00", phrase(lang, verdict+".text"), phrase(lang, "late"))
			seen[subject] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s: subjects %v", lang, seen)
		}
	}
}

func TestD5_OffsetOnlyOnDaysWhenClocksChange(t *testing.T) {
	d := vectorT30(t)
	d.Start = time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(d.Start.Location())
	d.End = d.Start.Add(2 * time.Hour)
	_, text := SummaryMail("it", d)
	wants(t, text, "dalle 02:30 alle 03:30 (UTC+02:00 – UTC+01:00) (2 ore)")
}

func TestValuesCannotForgeLines(t *testing.T) {
	d := vectorT30(t)
	d.Person = "Nadia\r\nBcc: x@y.example\n" + Marker(d.Code)
	subject, text := SummaryMail("it", d)
	if strings.ContainsAny(subject, "\r\n") || strings.Contains(text, "\nBcc:") ||
		strings.Count(text, "\n"+Marker(d.Code)+"\n") != 2 {
		t.Errorf("forged:\n%s\n%s", subject, text)
	}
}

func TestLoginCodeInEveryLanguage(t *testing.T) {
	for _, lang := range Languages() {
		subject, text := LoginCode(lang, "123456", 10)
		if strings.Contains(subject, "123456") || !strings.Contains(text, "\n123456\n") || !strings.Contains(text, "10 ") {
			t.Errorf("%s: %q\n%s", lang, subject, text)
		}
	}
}

func TestHTMLEscapes(t *testing.T) {
	got := HTML("it", "a <b> & c\nhttps://x.example/i/1\"onclick\n\nfine\n")
	wants(t, got, "a &lt;b&gt; &amp; c<br>\n<a href=\"https://x.example/i/1&#34;onclick\">", "<p>fine</p>", `lang="it"`)
}
