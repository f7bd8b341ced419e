package layout

import (
	"errors"
	"strings"
	"time"

	"confermo/evidence"
)

// report is what the report of an interview says, for both of its forms.
type report struct {
	Names     Names
	Title     string
	AsOf      string
	Agency    evidence.Agency
	Office    string
	Number    string
	Test      bool
	Figures   [][2]string // date, attested duration, name, phone: exactly these (T17)
	Held      bool        // there was counted time
	Statement string
	Parties   [2]string
	Gaps      [][]string
	Said      [][2]string // what is declared, by whom
	Received  [][2]string
	Outcome   [][2]string
	Timeline  [][]string
	Unproved  []string
	Rule      []string

	l        labels
	c        clock
	strip    strip
	attested evidence.Attested
	at       time.Time
	mark     string
	lastN    int
}

var errNotScheduled = errors.New("interview is not scheduled, or its first entry is withheld")

// newReport derives the report from the entries without the bundle-issued ones at their end, so that issuing a bundle
// does not change what is in it.
func newReport(iv *evidence.Interview, names Names) (*report, error) {
	entries := iv.Entries()
	for len(entries) > 0 && entries[len(entries)-1].Head.Kind == (*evidence.BundleIssued)(nil).Kind() {
		entries = entries[:len(entries)-1]
	}
	iv = evidence.Fold(iv.ID, entries)
	s := iv.Scheduled
	if s == nil {
		return nil, errNotScheduled
	}
	t, err := iv.Timesheet()
	if errors.Is(err, evidence.ErrNotClosed) {
		t, err = openTimesheet(s)
	}
	if err != nil {
		return nil, err
	}
	l := labelsOf(names.Language)
	r := &report{
		Names: names, Agency: s.Agency, Office: office(l, s.Agency), Number: s.Number.String(), Test: s.Test,
		Title: l.of("report") + " " + l.of("nr") + " " + s.Number.String(), l: l, c: clockOf(t, l.lang), attested: t.Attested,
		Held: t.Attested.Gross > 0, at: iv.LastAt, lastN: iv.N,
		mark: iv.ID + " · " + num(iv.N) + " · SHA-256 " + iv.LastHash,
	}
	r.AsOf = l.of("asof", "n", num(iv.N), "date", r.c.date(iv.LastAt), "at", r.c.at(iv.LastAt))
	r.top(t, s)
	r.said(t)
	r.received(iv)
	r.outcome(iv)
	r.timeline(iv)
	r.Unproved = []string{l.of("unproved.text"), l.of("unproved.service", "agency", s.Agency.Name), l.of("verify")}
	r.Rule = []string{ruleText(l, s.Programme.Terms.Rule), packText(l, s.Programme)}
	return r, nil
}

// openTimesheet holds what is known of an interview that is not closed.
func openTimesheet(s *evidence.Scheduled) (evidence.Timesheet, error) {
	zone, err := time.LoadLocation(s.Zone)
	return evidence.Timesheet{
		Number: s.Number, Agency: s.Agency, Operator: s.Operator.Name.String(), Person: s.Person, Programme: s.Programme,
		Activity: s.Activity, Path: s.Path, Mode: s.Mode, Location: zone, Place: s.Agency.Address, Test: s.Test,
	}, err
}

func (r *report) top(t evidence.Timesheet, s *evidence.Scheduled) {
	l, c, a := r.l, r.c, t.Attested
	day := a.Start
	if day.IsZero() {
		day, _ = time.Parse(evidence.TimeFormat, s.Start)
	}
	r.Figures = [][2]string{
		{l.of("date"), c.date(day)},
		{l.of("attested.kpi"), evidence.FormatSeconds(a.Seconds)},
		{l.of("name"), s.Person.FullName()},
		{l.of("phone"), orMissing(l, s.Person.Phone)},
	}
	r.Parties = [2]string{l.of("operator") + " · " + t.Operator, l.of("person") + " · " + s.Person.FullName()}
	if !r.Held {
		r.Statement = l.of("presence.none")
		return
	}
	r.Statement = statement(l, c, a, day)
	r.strip = newStrip(a, c.zone)
	r.Gaps = gapRows(l, c, a)
}

func (r *report) said(t evidence.Timesheet) {
	l, c := r.l, r.c
	activity := t.Activity
	if r.Names.Activity != "" {
		activity += " · " + r.Names.Activity
	}
	for _, p := range [][2]string{
		{l.of("operator"), t.Operator},
		{l.of("place"), t.Place},
		{l.of("programme"), t.Programme.Title},
		{l.of("activity"), activity},
		{l.of("path"), l.or("path."+t.Path, t.Path)},
		{l.of("mode"), l.or("mode."+t.Mode, t.Mode)},
		{l.of("topics"), strings.Join(r.Names.topics(t.Topics, t.Other), "; ")},
		{l.of("identity"), identity(l, c, t.Outcome, t.Checked)},
		{l.of("notice"), noticeRead(l, c, t.Notice, t.NoticeAt)},
	} {
		if p[1] != "" {
			r.Said = append(r.Said, p)
		}
	}
}

func (r *report) received(iv *evidence.Interview) {
	l, c := r.l, r.c
	for _, d := range iv.Documents {
		r.Received = append(r.Received, [2]string{c.date(d.At) + " " + c.at(d.At), document(l, d.Document, d.Side)})
	}
	for _, d := range iv.Held {
		r.Received = append(r.Received, [2]string{
			document(l, d.Document, ""), l.of("held", "pointer", d.Pointer, "date", heldDate(l, d.Date)),
		})
	}
}

// heldDate writes a date that was given as yyyy-mm-dd.
func heldDate(l labels, date string) string {
	if t, err := time.Parse("2006-01-02", date); err == nil {
		return evidence.FormatDate(l.lang, t)
	}
	return date
}

func document(l labels, kind, side string) string {
	text := l.or("doc."+kind, kind)
	if side != "" {
		text += ", " + l.or("side."+side, side)
	}
	return text
}

func (r *report) outcome(iv *evidence.Interview) {
	l, c := r.l, r.c
	o := iv.Outcome()
	key := "outcome.none"
	switch {
	case o.Waits:
		key = "outcome.waits"
	case o.Verdict != "":
		key = "outcome." + o.Verdict
	}
	text := l.or(key, o.Verdict)
	if o.Reply != nil && o.Reply.Classified != nil {
		text += " " + c.date(o.Reply.At) + " " + c.at(o.Reply.At) + ". " +
			l.of("level", "level", num(o.Reply.Classified.Level)) + "."
	}
	signed := l.of("signed.none")
	if iv.Signed != nil {
		signed = l.of("signed.text", "version", num(iv.Signed.Version), "date", c.date(iv.SignedAt), "at", c.at(iv.SignedAt),
			"level", iv.Signed.Level)
	}
	r.Outcome = [][2]string{{l.of("reply"), text}, {l.of("signed"), signed}}
}
