package reply

import (
	"strings"
	"testing"
)

// No word that negates, limits or asks can be slipped into a confirming reply, at any place, without a human reading it.
func TestNoDoubtIsOverheard(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	slips := strings.Fields("non no ma però tranne salvo quasi circa minuti? nicht aber pas mais not but sbagliato domani errore ¬ 👎")
	slips = append(slips, "40 minuti", "la durata era di 40 minuti", "PS: erano 40 minuti", "ma non la durata")
	n := 0
	for _, s := range wordsSituations() {
		text := s.d.typed
		if s.verdict != Confirmed {
			continue
		}
		if s.row == "7" { // what stands inside a company's disclaimer is not read
			text, _, _ = strings.Cut(text, "\n\n")
		}
		for at := 0; at <= len(text); at++ {
			if at > 0 && at < len(text) && text[at] != ' ' && text[at] != '\n' {
				continue
			}
			for _, slip := range slips {
				for _, gap := range []string{" ", "\n", "\n\n"} {
					changed := text[:at] + gap + slip + gap + text[at:]
					v := Classify(draft{typed: changed}.raw(), sent, Options{Registered: person})
					if v.Verdict == Confirmed {
						t.Errorf("%s: %q confirmed", s.row, changed)
					}
					n++
				}
			}
		}
	}
	if n < 5000 {
		t.Errorf("only %d texts were tried", n)
	}
}

// The same at any line of the quoted mail, where people write too.
func TestNoDoubtInsideTheQuotationIsOverheard(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	lines := strings.Split("Confermo\n\n"+gmailHeader+"\n\n"+ticked(), "\n")
	for at := range lines {
		if strings.HasPrefix(lines[at], "risposte+") { // inside the wrapped quote header
			continue
		}
		for _, slip := range []string{"non è vero", "erano 40 minuti", "> erano 40 minuti", "NO!", "> NO, 40 minuti", "ma non sono d'accordo"} {
			changed := append(append(append([]string{}, lines[:at]...), slip), lines[at:]...)
			v := Classify(draft{body: strings.Join(changed, "\n")}.raw(), sent, Options{Registered: person})
			if v.Verdict == Confirmed {
				t.Errorf("line %d %q confirmed", at, slip)
			}
		}
	}
}

// And in HTML, before, inside and after the quotation, however it is dressed.
func TestNoDoubtInHTMLIsOverheard(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	quote := strings.ReplaceAll(summaryText, "\n", "<br>")
	for _, shape := range []string{
		"<p>Confermo</p>@<div class=gmail_quote>Il giorno lun 16 mar 2026 alle ore 12:30 CPI ha scritto:<blockquote>" + quote + "</blockquote></div>",
		"<p>Confermo</p><blockquote>" + quote + "@</blockquote>",
		"<p>Confermo</p><blockquote>" + quote + "</blockquote>@",
		"@<p>Confermo</p><div id=divRplyFwdMsg><hr><b>Da:</b> CPI &lt;risposte@cpi.example&gt;<br><b>Inviato:</b> lunedì<br><b>Oggetto:</b> Riepilogo</div><div>" + quote + "</div>",
	} {
		at := strings.Index(shape+"@", "@<")
		if at < 0 {
			at = strings.LastIndex(shape, "@")
		}
		plain := draft{kind: onlyHTML, body: shape[:at] + shape[at+1:]}
		if v := Classify(plain.raw(), sent, Options{Registered: person}); v.Verdict != Confirmed {
			t.Errorf("%.60s without a slip: %s %s %q", shape, v.Verdict, v.Rule, v.Text)
		}
		for _, slip := range []string{"<p>non è vero</p>", "<b>ma</b> erano 40 minuti", "<p style='display:none'>non</p>", "<s>Confermo</s>", "<p style='color: #FFFFFF'>no</p>", "<iframe>no</iframe>", "NO"} {
			body := shape[:at] + slip + shape[at+1:]
			if v := Classify(draft{kind: onlyHTML, body: body}.raw(), sent, Options{Registered: person}); v.Verdict == Confirmed && !strings.Contains(shape, "@</blockquote>") {
				t.Errorf("%q confirmed", body)
			} else if v.Verdict == Confirmed && !strings.Contains(slip, "style") && !strings.HasPrefix(slip, "<s>") && !strings.HasPrefix(slip, "<iframe") {
				t.Errorf("inside the quotation: %q confirmed", slip)
			}
		}
	}
}
