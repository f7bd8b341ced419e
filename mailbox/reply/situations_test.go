package reply

import (
	"strings"
	"testing"
)

type situation struct {
	row     string // of MAIL.md section 10
	d       draft
	opt     func(*Options)
	verdict string
}

func typed(row, text, verdict string) situation {
	return situation{row: row, d: draft{typed: text}, verdict: verdict}
}

// wordsSituations are the rows that differ in what was typed only.
func wordsSituations() []situation {
	return []situation{
		typed("1", "Confermo", Confirmed),
		typed("2a", "Confermo.", Confirmed),
		typed("2b", "confermo", Confirmed),
		typed("2c", "CONFERMO!!", Confirmed),
		typed("2d", "«confermo»", Confirmed),
		typed("2e", "\"Confermo\"", Confirmed),
		typed("3", "Confermo tutto, grazie mille.\nCordiali saluti,\nMaria Rossi", Confirmed),
		typed("4", "Buongiorno, confermo quanto sopra.\n\nInviato da iPhone", Confirmed),
		typed("4b", "Confermo\n\nInviato dal mio telefono Android", Confirmed),
		typed("4c", "Confermo\n\nScarica Outlook per Android<https://aka.ms/x>", Confirmed),
		typed("5a", "Sì, confermo", Confirmed),
		typed("5b", "Si confermo", Confirmed),
		typed("5c", "OK confermo", Confirmed),
		typed("6", "Salve, con la presente confermo i dati indicati.", Confirmed),
		typed("7", "Confermo\n\n"+disclaimerText, Confirmed),
		typed("15", "Non confermo", Refused),
		typed("16a", "Non posso confermare", Refused),
		typed("16b", "Buongiorno, non confermo la durata", Refused),
		typed("17", "Confermo ma la durata era di 40 minuti", Disputed),
		typed("18a", "Confermo, però l'orario è sbagliato", Disputed),
		typed("18b", "Confermo tutto tranne gli argomenti", Disputed),
		typed("18c", "Confermo, salvo la durata", Disputed),
		typed("19", "Io confermo ma mia moglie no", Disputed),
		typed("20a", "Confermo?", Disputed),
		typed("20b", "Devo scrivere confermo?", Disputed),
		typed("21a", "Confermo con riserva", Disputed),
		typed("21b", "Confermerò domani", Disputed),
		typed("21c", "Confermavo", Disputed),
		typed("22a", "Conferma", Disputed),
		typed("22b", "Confirmo", Disputed),
		typed("22c", "comfermo", Disputed),
		typed("22d", "confemo", Disputed),
		typed("23a", "Ok", Disputed),
		typed("23b", "Va bene", Disputed),
		typed("23c", "Sì", Disputed),
		typed("23d", "D'accordo", Disputed),
		typed("23e", "👍", Disputed),
		typed("24", "Confermo 👍🏽🙏", Confirmed),
		typed("25", "", Disputed),
		typed("27", "Il cliente ha scritto: confermo", Disputed),
		typed("28", "Confermo. Quando esce il bando?", Disputed),
		typed("28b", "Confermo. Vorrei sapere quando esce il bando", Disputed),
		typed("29", "Confermo il colloquio del 17/03", Disputed),
		typed("34", "Sono in ferie fino al 30 marzo", Disputed),
		typed("52", "Non confermo più", Refused),
		typed("53", "Prima non confermo, poi confermo", Disputed),
		typed("58", "Inoltro per conto di Maria, confermo", Disputed),
		typed("59a", "ich bestätige", Confirmed),
		typed("59b", "Ich bestaetige", Confirmed),
		typed("59c", "Bestätigt, MfG", Confirmed),
		typed("59d", "Hiermit bestätige ich", Confirmed),
		typed("60a", "ich bestätige nicht", Refused),
		typed("60b", "Das kann ich nicht bestätigen", Refused),
		typed("61a", "je confirme", Confirmed),
		typed("61b", "Je confirme, merci", Confirmed),
		typed("61c", "Bonjour, je confirme bien. Cordialement", Confirmed),
		typed("62a", "je ne confirme pas", Refused),
		typed("62b", "j’confirme pas", Refused),
		typed("63a", "I confirm", Confirmed),
		typed("63b", "Confirmed, thank you", Confirmed),
		typed("64", "Confermo / ich bestätige", Confirmed),
		typed("72a", "C\u043enfermo", Disputed),        // Cyrillic о
		typed("72b", "Con\u200bfermo", Disputed),       // zero width
		typed("72c", "\u202eomrefnoC\u202c", Disputed), // right to left
		typed("72d", "c\u0336o\u0336n\u0336f\u0336e\u0336r\u0336m\u0336o\u0336", Disputed),
		typed("72e", "ｃｏｎｆｅｒｍｏ", Disputed),
		typed("x-sad", "Confermo :(", Disputed),
		typed("x-angry", "Confermo 😡", Disputed),
		typed("x-down", "Confermo 👎", Disputed),
		typed("x-ps", "Confermo\nCordiali saluti\nMaria Rossi\nPS: erano 40 minuti", Disputed),
		typed("x-sig", "Confermo\n-- \nMaria Rossi\nVia Roma 1, Firenze", Confirmed),
		typed("x-sig2", "Confermo\n-- \nla durata era di 40 minuti", Disputed),
		typed("x-phone", "Confermo\nMaria Rossi\nTel. 333 1234567\nmaria.rossi@posta.example", Confirmed),
		typed("x-times", "Confermo\n11.15-12.00", Disputed),
		typed("x-header", "Confermo\nIl 16/03/2026 non c'ero ma l'operatore ha scritto:", Disputed),
		typed("x-disclaim", "Confermo\nQuesto messaggio per segnalare un errore: nell'allegato riservato l'ora di inizio indicata ai destinatari è quella vecchia, pensavo finisse prima", Disputed),
		typed("x-template", "Confermo\nqualcosa non è esatto", Disputed),
		typed("x-template2", "Confermo\nSe qualcosa non è esatto, scriva che cosa", Disputed),
	}
}

// shapeSituations differ in the form of the mail.
func shapeSituations() []situation {
	outlook := "________________________________\nDa: CPI Esempio <risposte@cpi.example>\nInviato: lunedì 16 marzo 2026 12:30\nA: Maria Rossi <maria.rossi@posta.example>\n" +
		"Oggetto: Riepilogo del colloquio [7K3M-Q9TX]\n\n" + summaryText + "\n"
	gmailHTML := `<div dir="ltr">Confermo</div><br><div class="gmail_quote"><div class="gmail_attr">Il giorno lun 16 mar 2026 alle ore 12:30 CPI Esempio ha scritto:<br></div>` +
		`<blockquote class="gmail_quote">` + strings.ReplaceAll(summaryText, "\n", "<br>") + `</blockquote></div>`
	inside := strings.Replace(ticked(), "> Se qualcosa", "confermo\n> Se qualcosa", 1)
	edited := strings.Replace(ticked(), "59 minuti e 21 secondi", "40 minuti", 1)
	return []situation{
		{row: "8", d: draft{body: gmailHeader + "\n\n" + ticked() + "\n\nconfermo\n"}, verdict: Confirmed},
		{row: "8-outlook", d: draft{body: "Confermo\n\n" + outlook}, verdict: Confirmed},
		{row: "9", d: draft{body: gmailHeader + "\n\n" + inside}, verdict: Confirmed},
		{row: "9-edited", d: draft{body: "Confermo\n\n" + gmailHeader + "\n\n" + edited}, verdict: Disputed},
		{row: "10", d: draft{subject: "confermo", typed: ""}, verdict: Disputed},
		{row: "10-empty", d: draft{subject: "confermo", body: "\n"}, verdict: Disputed},
		{row: "11", d: draft{kind: onlyHTML, body: gmailHTML}, verdict: Confirmed},
		{row: "12", d: draft{kind: multiAlternative, body: alternative("", gmailHTML)}, verdict: Confirmed},
		{row: "12-both", d: draft{kind: multiAlternative, body: alternative("Confermo\n\n"+gmailHeader+"\n\n"+ticked(), gmailHTML)}, verdict: Confirmed},
		{row: "13", d: draft{kind: multiAlternative, body: alternative("confermo", "<p>non confermo</p>")}, verdict: Disputed},
		{row: "13b", d: draft{kind: multiAlternative, body: alternative("confermo", "<p>confermo</p><p>ma erano 40 minuti</p>")}, verdict: Disputed},
		{row: "14a", d: draft{kind: onlyHTML, body: `<p>ciao</p><p style="color:#ffffff">Confermo</p>`}, verdict: Disputed},
		{row: "14b", d: draft{kind: onlyHTML, body: `<p style="font-size:1px">Confermo</p>`}, verdict: Disputed},
		{row: "14c", d: draft{kind: onlyHTML, body: `<p style="display: none">non</p><p>Confermo</p>`}, verdict: Disputed},
		{row: "14d", d: draft{kind: onlyHTML, body: `<style>.x{display:none}</style><p class=x>Confermo</p>`}, verdict: Disputed},
		{row: "14e", d: draft{kind: onlyHTML, body: `<p><s>Confermo</s></p>`}, verdict: Disputed},
		{row: "14f", d: draft{kind: onlyHTML, body: `<div style="display:none"/>Confermo`}, verdict: Disputed},
		{row: "26", d: draft{body: "Den 16. mars 2026 skrev CPI Esempio:\n\n" + ticked() + "\n\nConfermo\n"}, verdict: Disputed},
		{row: "26b", d: draft{body: "Confermo\n\n" + summaryText + "\n"}, verdict: Disputed},
		{row: "30", d: draft{kind: multiMixed, body: mixed("")}, verdict: Disputed},
		{row: "31", d: draft{kind: multiMixed, body: mixed("Confermo")}, verdict: Confirmed},
		{row: "43", d: draft{from: "Luca Rossi <luca@altra.example>", typed: "Confermo"}, verdict: Disputed},
		{row: "44", d: draft{to: "risposte@cpi.example", body: "Confermo", subject: "Re: Riepilogo"}, verdict: Confirmed},
		{row: "45", d: draft{to: "risposte@cpi.example", body: "Confermo", subject: "ciao", refs: "-"}, verdict: Unmatched},
		{row: "46", d: draft{to: "risposte@cpi.example", body: "Confermo", subject: "codice 7k3m-q9tx", refs: "-"}, verdict: Confirmed},
		{row: "48", d: draft{to: "risposte+altrotoken99@cpi.example", typed: "Confermo"}, verdict: Disputed},
		{row: "48b", d: draft{subject: "Re: Riepilogo [9ZZZ-00AA]", typed: "Confermo"}, verdict: Disputed},
		{row: "50", d: draft{extra: "Authentication-Results: evil.example; dmarc=pass\n", typed: "Confermo"}, verdict: Confirmed},
		{row: "65", d: draft{kind: "text/plain; charset=us-ascii\nContent-Transfer-Encoding: 8bit", body: "S\xec, confermo"}, verdict: Confirmed},
		{row: "66", d: draft{kind: "text/plain; charset=x-mystery\nContent-Transfer-Encoding: 8bit", body: "\x81\x8d confermo \xfe"}, verdict: Disputed},
		{row: "66b", d: draft{kind: "text/plain; charset=utf-8\nContent-Transfer-Encoding: x-odd", body: "confermo"}, verdict: Disputed},
		{row: "67", d: draft{kind: "text/plain; charset=utf-8\nContent-Transfer-Encoding: base64", body: "Q29uZmVybW8K%%%%"}, verdict: Disputed},
		{row: "68", d: draft{kind: multiMixed, body: mixed("Confermo\n" + strings.Repeat("x", MaxText))}, verdict: Disputed},
		{row: "69", d: draft{kind: "application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64", body: "AAAA"}, verdict: Disputed},
		{row: "69b", d: draft{kind: "multipart/encrypted; boundary=b", body: alternative("confermo", "confermo")}, verdict: Disputed},
		{row: "69c", d: draft{typed: "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----"}, verdict: Disputed},
		{row: "70", d: draft{kind: "multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"", body: "--b\nContent-Type: text/plain\n\nConfermo\n--b\n" +
			"Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n"}, verdict: Confirmed},
		{row: "71a", d: draft{typed: "ATTENZIONE: mittente esterno\n\nConfermo"}, verdict: Disputed},
		{row: "71b", d: draft{typed: "ATTENZIONE: mittente esterno\n\nConfermo"}, opt: func(o *Options) { o.Banners = []string{"Attenzione: mittente esterno"} }, verdict: Confirmed},
		{row: "63-off", d: draft{typed: "I confirm"}, opt: func(o *Options) { o.Languages = []string{"it"} }, verdict: Disputed},
	}
}

// robotSituations come from machines.
func robotSituations() []situation {
	dsn := func(action, status string) draft {
		return draft{
			from: "MAILER-DAEMON@mx.posta.example", to: "bounce+k3v9qa7m2xw8t4bd@cpi.example", subject: "Undelivered Mail Returned to Sender", refs: "-",
			kind: "multipart/report; report-type=delivery-status; boundary=b", extra: "Return-Path: <>\n",
			body: "--b\nContent-Type: text/plain\n\nconfermo?\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.posta.example\n\n" +
				"Final-Recipient: rfc822; Maria.Rossi@posta.example\nAction: " + action + "\nStatus: " + status + "\nDiagnostic-Code: smtp; 550 5.1.1\n no such user\n" +
				"--b\nContent-Type: message/rfc822\n\n" + summary + "\n--b--\n",
		}
	}
	return []situation{
		{row: "32", d: draft{typed: "Sono fuori sede", extra: "Auto-Submitted: auto-replied\n"}, verdict: Automatic},
		{row: "32b", d: draft{typed: "Confermo", extra: "Auto-Submitted: auto-replied (vacation)\n"}, verdict: Automatic},
		{row: "33", d: draft{typed: "Confermo", subject: "Risposta automatica: Riepilogo"}, verdict: Automatic},
		{row: "35", d: dsn("failed", "5.1.1"), verdict: Bounced},
		{row: "36", d: dsn("delayed", "4.4.1"), verdict: Bounced},
		{row: "37", d: draft{from: "Mail Delivery <mailer-daemon@isp.example>", subject: "failure notice", typed: "confermo"}, verdict: Bounced},
		{row: "38", d: draft{subject: "Letto: Riepilogo del colloquio", typed: "confermo"}, verdict: Automatic},
		{row: "38b", d: draft{kind: "multipart/report; report-type=disposition-notification; boundary=b", body: alternative("confermo", "confermo")}, verdict: Automatic},
		{row: "39a", d: draft{from: "posta-certificata@pec.example", subject: "CONSEGNA: Riepilogo del colloquio", extra: "X-Ricevuta: avvenuta-consegna\n", typed: "confermo"}, verdict: Automatic},
		{row: "39b", d: draft{from: "posta-certificata@pec.example", subject: "ACCETTAZIONE: Riepilogo del colloquio", typed: "confermo"}, verdict: Automatic},
		{row: "40", d: draft{
			from: "\"Per conto di: " + person + "\" <posta-certificata@pec.example>", subject: "POSTA CERTIFICATA: Re: Riepilogo",
			extra: "X-Trasporto: posta-certificata\n", kind: multiMixed, body: mixed("Confermo"),
		}, verdict: Disputed},
		{row: "42", d: draft{from: person, subject: "ANOMALIA MESSAGGIO: Re: Riepilogo", extra: "X-Trasporto: errore\n", kind: multiMixed, body: mixed("Confermo")}, verdict: Disputed},
		{row: "57a", d: draft{from: "risposte@cpi.example", typed: "Confermo"}, verdict: Automatic},
		{row: "57b", d: draft{from: "operatore@cpi.example", typed: "Confermo"}, opt: func(o *Options) { o.OwnDomains = []string{"cpi.example"} }, verdict: Automatic},
		{row: "x-calendar", d: draft{kind: "text/calendar; method=REPLY", body: "BEGIN:VCALENDAR"}, verdict: Automatic},
		{row: "x-list", d: draft{typed: "Confermo", extra: "List-Id: <l.example>\n"}, verdict: Automatic},
		{row: "x-suppress", d: draft{typed: "Confermo", extra: "X-Auto-Response-Suppress: All\n"}, verdict: Confirmed},
	}
}

// TestSituations covers the rows of MAIL.md section 10 that words, sender and binding decide (T21, T9).
func TestT21_SituationsOfReplies(t *testing.T) {
	sent := []Sent{sentSummary(t)}
	all := append(append(wordsSituations(), shapeSituations()...), robotSituations()...)
	for _, s := range all {
		t.Run(s.row, func(t *testing.T) {
			opt := Options{Registered: person}
			if s.opt != nil {
				s.opt(&opt)
			}
			v := Classify(s.d.raw(), sent, opt)
			if v.Verdict != s.verdict {
				t.Errorf("verdict %s (%s), want %s\ntext %q\nreasons %q", v.Verdict, v.Rule, s.verdict, v.Text, v.Reasons)
			}
		})
	}
}
