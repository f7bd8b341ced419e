package reply

import (
	"strings"
	"testing"
)

const person = "maria.rossi@posta.example"

// summary is the mail that the fixtures answer: plain and HTML, marker lines, the fixed sentence.
const summary = `From: "CPI Esempio" <risposte@cpi.example>
To: Maria Rossi <maria.rossi@posta.example>
Reply-To: "CPI Esempio" <risposte+k3v9qa7m2xw8t4bd@cpi.example>
Subject: Riepilogo del colloquio [7K3M-Q9TX]
Date: Mon, 16 Mar 2026 12:30:00 +0100
Message-ID: <01own@cpi.example>
References: <01ref@cpi.example>
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: text/plain; charset=utf-8

---------- 7K3M-Q9TX ----------
Gentile Maria Rossi,
il 16/03/2026 si è svolto con Lei un colloquio in modalità on-line,
dalle 11:15:08 alle 12:15:41 (1 ora e 33 secondi), di cui attestati 59 minuti e 21 secondi.
Argomenti: ricerca attiva del lavoro; iscrizione alle banche dati.
Per confermare risponda a questa mail scrivendo soltanto la parola: confermo
Se qualcosa non è esatto, scriva che cosa.
---------- 7K3M-Q9TX ----------

--outer
Content-Type: application/pdf; name=timesheet.pdf
Content-Disposition: attachment; filename=timesheet.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--outer--
`

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func sentSummary(t testing.TB) Sent {
	t.Helper()
	s, err := ParseSent(crlf(summary))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var summaryText = func() string {
	_, text, _ := strings.Cut(summary, "charset=utf-8\n\n")
	text, _, _ = strings.Cut(text, "\n\n--outer")
	return text
}()

// ticked is the summary's text as a mail program quotes it.
func ticked() string { return "> " + strings.ReplaceAll(summaryText, "\n", "\n> ") }

const gmailHeader = "Il giorno lun 16 mar 2026 alle ore 12:30 CPI Esempio <\nrisposte+k3v9qa7m2xw8t4bd@cpi.example> ha scritto:"

// draft is a reply under construction. Zero fields get the usual values.
type draft struct {
	from, to, subject, refs, extra string
	kind, body                     string // content type and raw body
	typed                          string // plain text above the usual Gmail quotation
}

func (d draft) raw() []byte {
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
		if *p == "-" {
			*p = ""
		}
	}
	set(&d.from, "Maria Rossi <"+person+">")
	set(&d.to, "risposte+k3v9qa7m2xw8t4bd@cpi.example")
	set(&d.subject, "Re: Riepilogo del colloquio [7K3M-Q9TX]")
	set(&d.refs, "<01own@cpi.example>")
	set(&d.kind, "text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit")
	if d.body == "" {
		d.body = d.typed + "\n\n" + gmailHeader + "\n\n" + ticked() + "\n"
	}
	var b strings.Builder
	b.WriteString("From: " + d.from + "\nTo: " + d.to + "\nSubject: " + d.subject + "\nMessage-ID: <reply1@posta.example>\n")
	if d.refs != "" {
		b.WriteString("In-Reply-To: " + d.refs + "\n")
	}
	b.WriteString(d.extra)
	b.WriteString("Date: Mon, 16 Mar 2026 13:00:00 +0100\nMIME-Version: 1.0\nContent-Type: " + d.kind + "\n\n" + d.body)
	return crlf(b.String())
}

// alternative is the body of a multipart/alternative with boundary "b".
func alternative(plain, html string) string {
	return "--b\nContent-Type: text/plain; charset=utf-8\n\n" + plain + "\n--b\nContent-Type: text/html; charset=utf-8\n\n" + html + "\n--b--\n"
}

// mixed is the body of a multipart/mixed with boundary "b": a text and one photo.
func mixed(plain string) string {
	return "--b\nContent-Type: text/plain; charset=utf-8\n\n" + plain + "\n--b\nContent-Type: image/jpeg; name=foto.jpg\n" +
		"Content-Disposition: attachment; filename=foto.jpg\nContent-Transfer-Encoding: base64\n\n/9j/4AAQSkZJRg==\n--b--\n"
}

const (
	multiAlternative = "multipart/alternative; boundary=b"
	multiMixed       = "multipart/mixed; boundary=b"
	onlyHTML         = "text/html; charset=utf-8"
)

const disclaimerText = `Questo messaggio e i suoi allegati sono indirizzati esclusivamente alle persone indicate. La diffusione, copia o
qualsiasi altra azione derivante dalla conoscenza di queste informazioni sono rigorosamente vietate. Qualora abbiate
ricevuto questo documento per errore siete cortesemente pregati di darne immediata comunicazione al mittente e di
provvedere alla sua distruzione. Non è richiesto di confermare la ricezione. Le informazioni sono riservate ai
destinatari ai sensi del Regolamento UE 2016/679 (GDPR) in materia di privacy.`
