package audittest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing/fstest"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/bundle"
	"confermo/evidence/rules"
	"confermo/evidence/seal"
	"confermo/evidence/wording"
	"confermo/mailbox/auth"
	"confermo/mailbox/reply"
	"confermo/pdf/layout"
	"confermo/pdf/pades"
)

// ID is the story's interview.
const ID = "01E3JCONFERMO0000000000001"

// Addresses of the story.
const (
	PersonMail = "nadia.ferrantini@posta.example"
	AgencyMail = "risposte@pontechiaro.example"
	KeyName    = "s1._domainkey.posta.example"
)

// Day is the story's day: the one of the regional note's example (T30).
var Day = time.Date(2020, 3, 16, 0, 0, 0, 0, time.UTC)

// Clock is a time of the story's day, UTC.
func Clock(h, m, s int) time.Time {
	return Day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
}

// Script changes the story. The zero Script is a good interview, confirmed.
type Script struct {
	Fact     func(evidence.Fact) evidence.Fact                // each fact before it is recorded; nil drops it
	At       func(*Log, evidence.Fact, time.Time) time.Time   // when it is recorded
	Reply    string                                           // what the person writes, "Confermo" by default; "-" is no reply
	Unsigned bool                                             // the reply has no DKIM signature
	Altered  func([]byte) []byte                              // the reply after it was signed
	Recorded func(*evidence.ReplyClassified)                  // what is recorded of it
	PDF      func(evidence.Timesheet) evidence.Timesheet      // what the timesheet prints
	Stamp    func(size int64, at time.Time) (time.Time, bool) // when a stamp comes, and whether
	PackKey  string                                           // who signs the rule pack
	Summary  func(*wording.MailData)                          // what the summary says
	Late     bool
	HTML     bool                              // the summary has HTML of its text too
	Decided  bool                              // the decision is stamped too
	Offset   time.Duration                     // of the whole story against Day
	Length   time.Duration                     // of the call, two minutes by default
	During   func(s *Story, at time.Time) bool // before each ten seconds of the call; false loses them
	Reason   string                            // what the timesheet's signature says of itself
	NoStamp  bool                              // the timesheet's signature has no time stamp
	Signed   func(raw string) []byte           // signs the reply in place of the person's provider
}

// Story is a finished interview and everything around it.
type Story struct {
	Script
	Log     *Log
	PKI     *PKI
	Pack    []byte
	Anchors []bundle.Anchor
	Zone    *time.Location

	shift time.Duration // of what follows the call
}

// clock is a time of this story.
func (s *Story) clock(h, m, sec int) time.Time { return Clock(h, m, sec).Add(s.Offset + s.shift) }

var replyKey, otherKey = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return k
}

func must(err error) {
	if err != nil {
		panic("audittest: " + err.Error())
	}
}

// KeyRecord is the DNS record of the person's mail provider.
func KeyRecord() string { return record(replyKey()) }

// OtherKeyRecord is a record whose key signed nothing here.
func OtherKeyRecord() string { return record(otherKey()) }

func record(k *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
	must(err)
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// Tell plays the script.
func Tell(script Script) *Story {
	s := &Story{Script: script, Log: NewLog("log.pontechiaro.example", Clock(8, 0, 0).Add(script.Offset)), PKI: NewPKI(Day.Add(script.Offset))}
	if s.PackKey == "" {
		s.PackKey = "regione.example"
	}
	signer, _ := Key(s.PackKey)
	var err error
	s.Pack, err = rules.Sign(rules.TestPack(), signer)
	must(err)
	s.foundation()
	s.prepare()
	s.call()
	s.sign()
	s.mails()
	s.Add(ID, "anchor", s.clock(10, 31, 0), &evidence.Sealed{Size: s.Log.Size()})
	if s.Decided {
		s.Anchor(s.clock(10, 35, 2))
	}
	last := s.Interview()
	s.Add(ID, "web", s.clock(10, 40, 0), &evidence.BundleIssued{Before: last.N, Hash: last.LastHash, For: "auditor"})
	return s
}

// Interview folds the record so far.
func (s *Story) Interview() *evidence.Interview { return evidence.Fold(ID, s.Log.Scope(ID)) }

// Add records a fact of the story.
func (s *Story) Add(scope, by string, at time.Time, f evidence.Fact) {
	if s.Fact != nil {
		if f = s.Fact(f); f == nil {
			return
		}
	}
	if s.At != nil {
		at = s.At(s.Log, f, at)
	}
	s.Log.Append(scope, by, at, f)
}

// Anchor stamps the tree as it is.
func (s *Story) Anchor(at time.Time) {
	size, ok := s.Log.Size(), true
	if s.Stamp != nil {
		if at, ok = s.Stamp(size, at); !ok {
			return
		}
	}
	note, c := s.Log.Note(size, at), s.Log.checkpoint(size)
	token, err := s.PKI.Stamper(at)(digest(c.Text()))
	must(err)
	s.Anchors = append(s.Anchors, bundle.Anchor{Size: size, Note: note, Token: token})
	base := fmt.Sprintf("record/anchors/%d", size)
	s.Add("stream:anchors", "anchor", at.Add(time.Second), &evidence.AnchorReceived{
		Type: "tsa", From: "https://tsa.example", Size: size, Root: c.Root.String(), Time: at.Format(evidence.TimeFormat),
		Note: evidence.F(base+".note", "text/plain", note), File: evidence.F(base+".tst", "application/vnd.etsi.timestamp-token", token),
	})
}

func (s *Story) foundation() {
	at := s.clock(8, 0, 0)
	s.Add("stream:node", "journal", at, &evidence.NodeStarted{Node: "n1", Boot: s.Log.Boot, Version: "1", Name: "Agenzia Ponte Chiaro", Test: true})
	s.Add("stream:keys", "journal", at, &evidence.KeyMade{Use: "log", Key: s.Log.VKey})
	s.Add("stream:keys", "journal", at, &evidence.KeyMade{Use: "seal", Key: string(PEM(s.PKI.Seal.Chain[0]))})
	s.Add("stream:agencies", "web", at, &evidence.AgencySeeded{Agency: agency(), Sites: []string{"via dei Tigli 4, Borgolieto"}, Zone: "Europe/Rome"})
	s.Add("stream:accounts", "web", at, &evidence.AccountOpened{
		ID: "ilaria", Role: "operator", Agency: "ponte", Name: evidence.V("Ilaria Montebruni"), Mail: evidence.V("ilaria@pontechiaro.example"),
	})
	pack := rules.TestPack()
	s.Add("stream:rules", "web", at.Add(time.Second), &evidence.RulePackAdopted{
		ID: pack.ID, Version: pack.Version, Digest: rules.Digest(s.Pack), File: evidence.F(bundle.NameRulePack, "application/json", s.Pack),
	})
}

func agency() evidence.Agency {
	return evidence.Agency{
		ID: "ponte", Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "via dei Tigli 4, Borgolieto", Phone: "399 000 0100",
		Mail: "colloqui@pontechiaro.example",
	}
}

func operator() evidence.Who {
	return evidence.Who{Account: "ilaria", Name: evidence.V("Ilaria Montebruni"), Role: "orientatrice"}
}

func (s *Story) prepare() {
	var err error
	s.Zone, err = time.LoadLocation("Europe/Rome")
	must(err)
	scheduled := &evidence.Scheduled{
		Number: evidence.Number{Agency: "ponte", Year: 2020, N: 412}, Agency: agency(), Operator: operator(),
		Programme: rules.TestPack().Programme(s.Pack), Activity: "B03", Path: "first", Mode: "remote", Language: "it",
		Start: s.clock(10, 15, 0).Format(evidence.TimeFormat), Minutes: 60, Zone: "Europe/Rome", Test: true,
		Person: evidence.Subject{
			Name: evidence.V("Nadia"), Surname: evidence.V("Ferrantini"), TaxCode: evidence.V(taxCode("FRRNDA85A41D612")),
			Phone: evidence.V("399 000 0199"), Mail: evidence.V(PersonMail),
		},
	}
	s.Add(ID, "web", s.clock(9, 0, 0), scheduled)
	s.Add(ID, "web", s.clock(10, 0, 0), &evidence.LinkOpened{Device: "d1", Agent: "Firefox", How: "first"})
	notice, ok := wording.Notice(wording.NoticeVersion, "it", wording.ControllerOf(scheduled))
	if !ok {
		panic("audittest: no notice")
	}
	s.Add(ID, "web", s.clock(10, 1, 0), &evidence.NoticeRead{Version: notice.Version, Language: "it", Digest: notice.Digest(), Channel: "web"})
	for i, kind := range evidence.RequiredDocuments {
		s.Add(ID, "web", s.clock(10, 2, i), &evidence.DocumentUploaded{
			Document: kind, Side: "front", From: evidence.Person,
			File: evidence.F("documents/"+kind+"-front.jpg", "image/jpeg", []byte("a picture of the "+kind)),
		})
	}
	s.Add(ID, "web", s.clock(10, 16, 0), &evidence.IdentityChecked{By: operator(), Outcome: "match", Checks: []string{"face", "document", "data"}})
}

// taxCode adds the check letter that evidence.CheckTaxCode accepts.
func taxCode(first15 string) string {
	for c := 'A'; c <= 'Z'; c++ {
		if evidence.CheckTaxCode(first15+string(c)) == nil {
			return first15 + string(c)
		}
	}
	panic("audittest: no check letter for " + first15)
}

func (s *Story) call() {
	for i, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		s.Add(ID, "rtc", s.clock(10, 16, 2+i), &evidence.PartyJoined{Party: p, Connection: string(p) + "-1", Network: "udp"})
		s.Add(ID, "rtc", s.clock(10, 16, 5+i), &evidence.PartyAdmitted{Party: p})
	}
	s.Anchor(s.clock(10, 16, 8))
	if s.Length == 0 {
		s.Length = 2 * time.Minute
	}
	for t := s.clock(10, 16, 10); t.Before(s.clock(10, 16, 10).Add(s.Length)); t = t.Add(10 * time.Second) {
		if s.During != nil && !s.During(s, t) {
			continue
		}
		for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
			ones := strings.Repeat("1", 10)
			s.Add(ID, "rtc", t.Add(10*time.Second), &evidence.MediaObserved{
				Party: p, From: t.Format(evidence.TimeFormat), Secs: 10, Connected: ones, Audio: ones, Video: ones,
				Voice: "0000000000", Text: "0000000000", Packets: 900, Bytes: 90000, Quality: evidence.Quality{RTT: 20},
			})
		}
	}
	s.shift = s.Length - 2*time.Minute
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		s.Add(ID, "rtc", s.clock(10, 18, 12), &evidence.PartyLeft{
			Party: p, Connection: string(p) + "-1", At: s.clock(10, 18, 11).Format(evidence.TimeFormat), Reason: "closed",
		})
	}
	s.Add(ID, "rtc", s.clock(10, 18, 12), &evidence.Closed{At: s.clock(10, 18, 12).Format(evidence.TimeFormat), Reason: "operator"})
	s.Anchor(s.clock(10, 18, 14))
	s.Add(ID, "web", s.clock(10, 20, 0), &evidence.Completed{By: operator(), Topics: []string{"job-search", "databanks"}, Place: "via dei Tigli 4, Borgolieto"})
}

func (s *Story) sign() {
	draft, err := s.Interview().Timesheet()
	must(err)
	s.Add(ID, "web", s.clock(10, 21, 0), &evidence.TimesheetApproved{By: operator(), Version: 1, Attested: draft.Attested.Seconds, Method: "password+code"})
	sheet, err := s.Interview().Timesheet()
	must(err)
	printed := sheet
	if s.PDF != nil {
		printed = s.PDF(sheet)
	}
	pdf, err := layout.Timesheet(printed, audit.Names(rules.TestPack(), "B03", audit.DocumentLanguage))
	must(err)
	o := pades.SignOptions{FieldName: "operator", M: s.clock(10, 21, 2), Name: "Ilaria Montebruni", Reason: s.Reason, Stamp: s.PKI.Stamper(s.clock(10, 21, 3))}
	if s.NoStamp {
		o.Stamp = nil
	}
	pdf, err = pades.Sign(pdf, s.PKI.Operator, o)
	must(err)
	s.Add(ID, "pdf", s.clock(10, 21, 4), &evidence.TimesheetSigned{
		Version: 1, Level: "B-T", Layout: layout.Version, Engine: evidence.DurationEngine, Wording: wording.Version, Offset: 3600,
		Attested: printed.Attested.Seconds, File: evidence.F(bundle.NameTimesheet, "application/pdf", pdf),
	})
}

// Content gathers the bundle's content as the service does.
func (s *Story) Content() bundle.Content {
	var context []evidence.Entry
	for _, e := range s.Log.Entries {
		if e.Head.Stream != "" {
			context = append(context, e)
		}
	}
	c := bundle.Content{
		Interview: ID, Entries: s.Log.Scope(ID), Context: context, Anchors: s.Anchors, RulePack: s.Pack,
		Checkpoint: s.Log.Note(s.Log.Size(), s.clock(10, 40, 1)),
	}
	var sizes []int64
	for _, a := range s.Anchors {
		sizes = append(sizes, a.Size)
	}
	c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), sizes...)
	for name, data := range s.Log.Files {
		if !strings.HasPrefix(name, "record/") {
			c.Files = append(c.Files, bundle.NamedFile{Name: name, Data: data})
		}
	}
	views, err := audit.Views(c.Entries, s.Pack)
	must(err)
	c.Files = append(c.Files, views...)
	return c
}

// Seal writes the content as a bundle, sealed and stamped by the story's authorities.
func (s *Story) Seal(c bundle.Content) []byte {
	var b bytes.Buffer
	must(bundle.Write(&b, c, s.PKI.Seal, s.clock(10, 40, 2), s.PKI.Stamper(s.clock(10, 40, 3))))
	return b.Bytes()
}

// Trust is what a well-prepared auditor brings.
func (s *Story) Trust() fstest.MapFS {
	_, packKey := Key("regione.example")
	file := func(b []byte) *fstest.MapFile { return &fstest.MapFile{Data: b, Mode: fs.FileMode(0o644)} }
	return fstest.MapFS{
		"log.vkey": file([]byte(s.Log.VKey + "\n")), "witness-one.vkey": file([]byte(s.Log.WVKey + "\n")),
		"rules-region.vkey": file([]byte(packKey + "\n")), "seal-ca.pem": file(PEM(s.PKI.SealRoot)), "tsa-ca.pem": file(PEM(s.PKI.TSARoot)),
		"dkim/" + KeyName + ".txt": file([]byte(KeyRecord() + "\n")),
	}
}

// mails sends the summary and receives the reply.
func (s *Story) mails() {
	iv := s.Interview()
	d, err := wording.Of(iv)
	must(err)
	d.Code = "7K3M-Q9TD"
	if s.Summary != nil {
		s.Summary(&d)
	}
	subject, text := wording.SummaryMail("it", d)
	html := ""
	if s.HTML {
		html = wording.HTML("it", text)
	}
	raw := summaryMail(subject, text, html, s.Log.Files[bundle.NameTimesheet])
	s.Add(ID, "mailbox", s.clock(10, 22, 0), &evidence.MailFrozen{
		ID: "m1", Purpose: evidence.Summary, Version: 1, Language: "it", Wording: wording.Version, MessageID: evidence.V("m1@pontechiaro.example"),
		Token: evidence.V("tok7k3mq9td"), Code: evidence.V("7K3M-Q9TD"), To: evidence.V(PersonMail),
		File: evidence.F("mail/m1.eml", "message/rfc822", raw),
	})
	s.Add(ID, "mailbox", s.clock(10, 22, 1), &evidence.MailSent{ID: "m1", Response: "250 2.0.0 Ok", Attempt: 1})
	if s.Reply == "-" {
		return
	}
	received := s.reply()
	s.Add(ID, "mailbox", s.clock(10, 30, 0), &evidence.ReplyReceived{
		ID: "r1", Mailbox: "INBOX", Validity: 1, UID: 7, Internal: s.clock(10, 29, 59).Format(evidence.TimeFormat),
		File: evidence.F("mail/r1.eml", "message/rfc822", received),
	})
	s.Add(ID, "mailbox", s.clock(10, 30, 1), s.classified(raw, received))
	s.Anchor(s.clock(10, 30, 3))
}

func (s *Story) classified(raw, received []byte) *evidence.ReplyClassified {
	sent, err := reply.ParseSent(raw)
	must(err)
	v := reply.Classify(received, []reply.Sent{sent}, reply.Options{Registered: PersonMail, Languages: []string{"it", "de", "fr", "en"}})
	l := auth.Grade(received, auth.Input{
		Keys: map[string][]string{KeyName: {KeyRecord()}}, Registered: PersonMail, BindingHit: v.Sent >= 0, At: s.clock(10, 29, 59),
	})
	c := &evidence.ReplyClassified{
		ID: "r1", Version: 1, Grammar: reply.Version, Verdict: v.Verdict, Rule: v.Rule, Text: evidence.V(v.Text), Level: l.Level, Late: s.Late,
		Held: l.Level < 2, Binding: v.Binding, Reasons: v.Reasons, Keys: evidence.F("mail/r1.dkim.txt", "text/plain", []byte(KeyName+" "+KeyRecord()+"\n")),
	}
	if v.Sent >= 0 {
		c.Mail = "m1"
	}
	if s.Recorded != nil {
		s.Recorded(c)
	}
	return c
}

func (s *Story) reply() []byte {
	word := s.Reply
	if word == "" {
		word = "Confermo"
	}
	raw := replyText(word, s.clock(10, 29, 58))
	signed := []byte(raw)
	if s.Signed != nil {
		return s.Signed(raw)
	}
	if !s.Unsigned {
		var b bytes.Buffer
		must(dkim.Sign(&b, strings.NewReader(raw), &dkim.SignOptions{
			Domain: "posta.example", Selector: "s1", Signer: replyKey(), HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID", "From"},
			HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		}))
		signed = b.Bytes()
	}
	if s.Altered != nil {
		signed = s.Altered(signed)
	}
	return signed
}

// ReplyText is a reply of the person to the summary, not signed.
func ReplyText(word string) string { return replyText(word, Clock(10, 25, 0)) }

func replyText(word string, at time.Time) string {
	return "From: Nadia Ferrantini <" + PersonMail + ">\r\nTo: risposte+tok7k3mq9td@pontechiaro.example\r\n" +
		"Subject: Re: Riepilogo [7K3M-Q9TD]\r\nDate: " + at.Format(time.RFC1123Z) + "\r\nMessage-ID: <r1@posta.example>\r\n" +
		"In-Reply-To: <m1@pontechiaro.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + word + "\r\n"
}

// summaryMail writes the mail by hand, so that its bytes are the same in every run.
func summaryMail(subject, text, html string, pdf []byte) []byte {
	b64 := func(data []byte) string {
		var b strings.Builder
		for chunk := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(data)), 76) {
			b.WriteString(string(chunk) + "\r\n")
		}
		return b.String()
	}
	if html != "" {
		html = "--b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64([]byte(html))
	}
	return []byte("From: Agenzia Ponte Chiaro <" + AgencyMail + ">\r\nTo: " + PersonMail + "\r\n" +
		"Reply-To: risposte+tok7k3mq9td@pontechiaro.example\r\nMessage-ID: <m1@pontechiaro.example>\r\nReferences: <m1b@pontechiaro.example>\r\n" +
		"Subject: =?utf-8?B?" + base64.StdEncoding.EncodeToString([]byte(subject)) + "?=\r\nDate: Mon, 16 Mar 2020 11:22:00 +0100\r\n" +
		"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n" +
		"--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64([]byte(text)) + html +
		"--b1\r\nContent-Type: application/pdf; name=foglio-ore.pdf\r\nContent-Disposition: attachment; filename=foglio-ore.pdf\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + b64(pdf) + "--b1--\r\n")
}

// SealSigner is the story's seal, for tests that write other containers.
func (s *Story) SealSigner() seal.Signer { return s.PKI.Seal }

func digest(text string) [32]byte { return sha256.Sum256([]byte(text)) }
