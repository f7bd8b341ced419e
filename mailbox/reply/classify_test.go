package reply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParseSentReadsTheThreeBindings(t *testing.T) {
	s := sentSummary(t)
	if s.Token != "k3v9qa7m2xw8t4bd" || s.Address != "risposte@cpi.example" || s.From != "risposte@cpi.example" {
		t.Errorf("address %q token %q from %q", s.Address, s.Token, s.From)
	}
	if s.MessageID != "01own@cpi.example" || !slices.Equal(s.References, []string{"01ref@cpi.example"}) {
		t.Errorf("ids %q %q", s.MessageID, s.References)
	}
	if s.Code != "7K3M-Q9TX" || s.To != person || s.Date.IsZero() {
		t.Errorf("code %q to %q date %v", s.Code, s.To, s.Date)
	}
	if _, err := ParseSent([]byte("Subject: none\r\n\r\nnothing")); err == nil {
		t.Error("a mail without bindings was taken for ours")
	}
}

func TestBindingIsNamed(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	v := Classify(draft{typed: "Confermo"}.raw(), sent, Options{Registered: person})
	if v.Sent != 0 || !slices.Equal(v.Binding, []string{"address", "references", "code"}) {
		t.Errorf("sent %d binding %q", v.Sent, v.Binding)
	}
	if v.From != person || v.Text != "Confermo" || v.Rule != "whole-reply" || v.Version != Version {
		t.Errorf("%+v", v)
	}
	v = Classify(draft{to: "risposte@cpi.example", refs: "<01ref@cpi.example>", subject: "Re: x", body: "Confermo"}.raw(), sent, Options{Registered: person})
	if v.Verdict != Confirmed || !slices.Equal(v.Binding, []string{"references"}) {
		t.Errorf("the id in References alone: %s %q", v.Verdict, v.Binding)
	}
}

// Rows 47, 48 and 56: two summaries are open.
func TestTwoSummariesNeverMix(t *testing.T) {
	other, err := ParseSent([]byte(strings.NewReplacer("k3v9qa7m2xw8t4bd", "zzzz1111yyyy2222", "01own", "02own", "01ref", "02ref", "7K3M-Q9TX", "1AB2-CD3E").
		Replace(string(crlf(summary)))))
	if err != nil {
		t.Fatal(err)
	}
	sent := []Sent{sentSummary(t), other}
	opt := Options{Registered: person}
	if v := Classify(draft{refs: "<02own@cpi.example>", typed: "Confermo"}.raw(), sent, opt); v.Verdict != Disputed || v.Rule != "bindings-differ" {
		t.Errorf("token of one, reference of the other: %s %s", v.Verdict, v.Rule)
	}
	if v := Classify(draft{to: "risposte@cpi.example", subject: "ciao", refs: "-", body: "Confermo"}.raw(), sent, opt); v.Verdict != Unmatched || v.Sent != -1 {
		t.Errorf("no sign: %s %d", v.Verdict, v.Sent)
	}
	sent[0].Superseded = true
	if v := Classify(draft{typed: "Confermo"}.raw(), sent, opt); v.Verdict != Disputed || v.Rule != "superseded" {
		t.Errorf("older version: %s %s", v.Verdict, v.Rule)
	}
}

func TestT9_OnlyTheRegisteredAddressConfirms(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	for _, from := range []string{
		"Maria Rossi <maria@altra.example>", "maria.rossi@posta.example, altro@posta.example", "<maria.rossi@posta.example>\nFrom: x@y.example", "undisclosed", "-",
		"\"maria.rossi@posta.example\" <x@y.example>",
	} {
		v := Classify(draft{from: from, typed: "Confermo"}.raw(), sent, Options{Registered: person})
		if v.Verdict == Confirmed {
			t.Errorf("From %q confirmed", from)
		}
	}
	if v := Classify(draft{typed: "Confermo"}.raw(), sent, Options{}); v.Verdict == Confirmed {
		t.Error("confirmed without a registered address")
	}
	if v := Classify(draft{from: "MARIA.ROSSI@Posta.Example", typed: "Confermo"}.raw(), sent, Options{Registered: person}); v.Verdict != Confirmed {
		t.Errorf("letter case of the address: %s %q", v.Verdict, v.Reasons)
	}
}

func TestDeliveryReportIsRead(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	for _, s := range robotSituations() {
		v := Classify(s.d.raw(), sent, Options{Registered: person})
		switch s.row {
		case "35":
			want := DSN{Recipient: person, Action: "failed", Status: "5.1.1", Diagnostic: "550 5.1.1 no such user", MessageID: "01own@cpi.example"}
			if v.DSN != want || v.Temporary || v.Sent != 0 || !slices.Equal(v.Binding, []string{"address", "references"}) {
				t.Errorf("%+v", v)
			}
		case "36":
			if !v.Temporary || v.DSN.Status != "4.4.1" {
				t.Errorf("%+v", v)
			}
		}
	}
}

func TestQuotationWrappedElsewhereIsStillOurs(t *testing.T) {
	wrapped := strings.Join(strings.Fields(summaryText), " ")
	var body strings.Builder
	for len(wrapped) > 40 {
		i := strings.LastIndex(wrapped[:40], " ")
		body.WriteString("> " + wrapped[:i] + "\n")
		wrapped = wrapped[i+1:]
	}
	body.WriteString("> " + wrapped + "\n")
	v := Classify(draft{body: "Confermo\n\n" + gmailHeader + "\n" + body.String()}.raw(), []Sent{sentSummary(t)}, Options{Registered: person})
	if v.Verdict != Confirmed {
		t.Errorf("%s %s %q", v.Verdict, v.Rule, v.Reasons)
	}
}

func TestQuotationsOfFourLanguages(t *testing.T) {
	for _, head := range []string{
		"Il 16/03/2026 12:30, CPI Esempio ha scritto:", "In data 16 marzo 2026 CPI Esempio <risposte@cpi.example> ha scritto:",
		"Am 16.03.2026 um 12:30 schrieb CPI Esempio <risposte@cpi.example>:", "CPI Esempio <risposte@cpi.example> schrieb am Mo., 16. März 2026, 12:30:",
		"Le lun. 16 mars 2026 à 12:30, CPI Esempio <risposte@cpi.example> a écrit\u00a0:", "On Mon, 16 Mar 2026 at 12:30, CPI Esempio <risposte@cpi.example> wrote:",
		"-----Messaggio originale-----", "-----Ursprüngliche Nachricht-----\nVon: CPI Esempio <risposte@cpi.example>\nGesendet: Montag\nAn: Maria Rossi\nBetreff: Riepilogo",
		"De : CPI Esempio <risposte@cpi.example>\nEnvoyé : lundi 16 mars 2026 12:30\nÀ : Maria Rossi\nObjet : Riepilogo",
		"*From:* CPI Esempio <risposte@cpi.example>\n*Sent:* Monday\n*To:* Maria Rossi\n*Subject:* Riepilogo",
	} {
		for _, quote := range []string{ticked(), summaryText} {
			v := Classify(draft{body: "Confermo\n\n" + head + "\n\n" + quote}.raw(), []Sent{sentSummary(t)}, Options{Registered: person})
			if v.Verdict != Confirmed || v.Text != "Confermo" {
				t.Errorf("%q: %s %s %q", head, v.Verdict, v.Rule, v.Text)
			}
		}
	}
}

func TestLimitsAreBounds(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	nested := "Confermo"
	for range 20 {
		nested = "--b\nContent-Type: multipart/mixed; boundary=b\n\n" + nested
	}
	many := strings.Repeat("--b\nContent-Type: image/png\n\nx\n", 400) + "--b\nContent-Type: text/plain\n\nConfermo\n--b--\n"
	for name, body := range map[string]string{"depth": nested, "parts": many} {
		v := Classify(draft{kind: multiMixed, body: body}.raw(), sent, Options{Registered: person})
		if v.Verdict != Disputed || len(v.Reasons) == 0 {
			t.Errorf("%s: %s %q", name, v.Verdict, v.Reasons)
		}
	}
	v := Classify(draft{extra: "X-Long: " + strings.Repeat("a", MaxHeader+8192) + "\n", typed: "Confermo"}.raw(), sent, Options{Registered: person})
	if v.Verdict == Confirmed {
		t.Error("header over its limit confirmed")
	}
}

// hostile is a megabyte of the worst lines for the scanners, by what they look like.
func hostile(size int) map[string][]byte {
	mails := map[string][]byte{}
	for name, unit := range map[string]string{
		"quotes": "> confermo confermo\n", "headers": "il 16/03/2026 a@b ha\n", "labels": "Da: a\n\n", "disclaimers": "questo messaggio e i suoi allegati\n",
		"tags": "<div><blockquote><p>", "words": "confermo ", "codes": "7K3M-Q9TX ", "angles": "<mailto:", "brackets": "[cid:",
	} {
		kind := "text/plain; charset=utf-8"
		if name == "tags" {
			kind = onlyHTML
		}
		mails[name] = draft{kind: kind, body: strings.Repeat(unit, size/len(unit))}.raw()
	}
	return mails
}

func TestHostileMegabyteConfirmsNothing(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	for name, raw := range hostile(1 << 20) {
		if v := Classify(raw, sent, Options{Registered: person}); v.Verdict == Confirmed {
			t.Errorf("%s confirmed", name)
		}
	}
}

// The limit is 100 ms for a megabyte, linear in size.
func BenchmarkClassify(b *testing.B) {
	sent := []Sent{sentSummary(b)}
	for _, size := range []int{10 << 10, 100 << 10, 1 << 20, 10 << 20} {
		for name, raw := range hostile(size) {
			b.Run(fmt.Sprintf("%s/%dkB", name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(len(raw)))
				for b.Loop() {
					Classify(raw, sent, Options{Registered: person})
				}
			})
		}
	}
}
