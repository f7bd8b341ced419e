package layout

import (
	"strings"
	"time"

	"confermo/evidence"
)

// clock writes times of day in the agency's zone, with the offset on days when the clocks change (D5).
type clock struct {
	zone   *time.Location
	offset bool
	lang   string
}

func clockOf(t evidence.Timesheet, lang string) clock {
	c := clock{zone: t.Location, lang: lang}
	if c.zone == nil {
		c.zone = time.UTC
	}
	if !t.Attested.Start.IsZero() {
		c.offset = t.ClockChanges()
	}
	return c
}

func (c clock) date(t time.Time) string { return evidence.FormatDate(c.lang, t.In(c.zone)) }

func (c clock) at(t time.Time) string {
	t = t.In(c.zone)
	if c.offset {
		return evidence.FormatClock(t) + " (UTC" + evidence.FormatOffset(t) + ")"
	}
	return evidence.FormatClock(t)
}

// short is the time of day for the figures: the offset stands in the sentence below them.
func (c clock) short(t time.Time) string { return evidence.FormatClock(t.In(c.zone)) }

func drawTimesheet(t evidence.Timesheet, names Names, total int) *sheet {
	l := labelsOf(names.Language)
	c := clockOf(t, l.lang)
	a := t.Attested
	day := stamped(a.Start, t.Approval)
	title := l.of("timesheet") + " " + l.of("nr") + " " + t.Number.String()
	s := newSheet(l, total, title+" – "+t.Agency.Name, t.Agency.Name, stamped(t.Approval, a.End))
	s.running = title + " · " + l.of("version") + " " + num(t.Version) + " · " + t.Agency.Name
	s.mark = t.Record.Interview + " · " + num(t.Record.N) + " · SHA-256 " + t.Record.Hash
	s.page()
	s.letterhead(t.Agency.Name, office(l, t.Agency), l.of("protocol")+" "+t.Number.String(), c.date(day))
	s.font("B", 19, ink)
	s.text(margin, s.y+5, title)
	s.font("", 9.5, second)
	s.right(margin+width, s.y+5, l.of("version")+" "+num(t.Version))
	s.y += 9
	s.warnings(t)
	s.figures(
		[2]string{l.of("date"), c.date(day)},
		[2]string{l.of("start"), orDash(a.Start, c)}, [2]string{l.of("end"), orDash(a.End, c)},
		[2]string{l.of("gross"), evidence.FormatSeconds(a.Gross)},
		[2]string{l.of("attested"), evidence.FormatSeconds(a.Seconds)},
	)
	s.paragraph(margin, width, 10, 4.9, "", ink, statement(l, c, a, day))
	if c.offset {
		s.paragraph(margin, width, 8, 4, "", second, l.of("offset"))
	}
	s.y += 1
	s.who(t, c, names)
	s.presence(t, c)
	s.gaps(a, c)
	s.basis(t)
	if s.replaced {
		s.paragraph(margin, width, 8, 4, "", second, l.of("glyphs"))
	}
	s.sign(t, c)
	return s
}

// statement is the attestation in one sentence (T19).
func statement(l labels, c clock, a evidence.Attested, day time.Time) string {
	if a.Seconds == 0 {
		return l.of("nothing", "date", c.date(day))
	}
	return l.of("statement", "date", c.date(a.Start), "from", c.at(a.Start), "to", c.at(a.End),
		"gross", evidence.FormatDuration(l.lang, a.Gross), "attested", evidence.FormatDuration(l.lang, a.Seconds))
}

func orDash(t time.Time, c clock) string {
	if t.IsZero() {
		return "–"
	}
	return c.short(t)
}

func office(l labels, a evidence.Agency) string {
	var parts []string
	if a.Office != "" {
		parts = append(parts, l.of("office")+" "+a.Office)
	}
	if a.Address != "" {
		parts = append(parts, a.Address)
	}
	if a.Phone != "" {
		parts = append(parts, l.of("tel")+" "+a.Phone)
	}
	if a.Mail != "" {
		parts = append(parts, a.Mail)
	}
	return strings.Join(parts, " · ")
}

func (s *sheet) warnings(t evidence.Timesheet) {
	if t.Test {
		s.notice(s.l.of("test"), bad, badTint)
	}
	if t.Approval.IsZero() {
		s.notice(s.l.of("draft"), warn, warnTint)
	}
	if t.Version > 1 {
		s.notice(s.l.of("supersedes"), warn, warnTint)
	}
}

func (s *sheet) who(t evidence.Timesheet, c clock, names Names) {
	l := s.l
	s.heading(l.of("who"), 12)
	activity := t.Activity
	if names.Activity != "" {
		activity += " · " + names.Activity
	}
	s.grid(
		25,
		[2]string{l.of("person"), t.Person.FullName()}, [2]string{l.of("programme"), t.Programme.Title},
		[2]string{l.of("taxcode"), orMissing(l, t.Person.TaxCode)}, [2]string{l.of("activity"), activity},
		[2]string{l.of("phone"), orMissing(l, t.Person.Phone)}, [2]string{l.of("path"), l.or("path."+t.Path, t.Path)},
		[2]string{l.of("operator"), t.Operator}, [2]string{l.of("mode"), l.or("mode."+t.Mode, t.Mode)},
	)
	s.facts(
		25,
		[2]string{l.of("place"), t.Place},
		[2]string{l.of("topics"), strings.Join(names.topics(t.Topics, t.Other), "; ")},
		[2]string{l.of("identity"), identity(l, c, t.Outcome, t.Checked)},
		[2]string{l.of("notice"), noticeRead(l, c, t.Notice, t.NoticeAt)},
	)
}

// orMissing tells a value that nobody gave from one that is withheld, which prints as an ellipsis.
func orMissing(l labels, v evidence.Value) string {
	if v.Text == "" && (v.Open || v.C == "") {
		return l.of("missing")
	}
	return v.String()
}

func identity(l labels, c clock, outcome string, at time.Time) string {
	if outcome == "" {
		return l.of("identity.none")
	}
	return l.of("identity."+outcome, "at", c.at(at))
}

func noticeRead(l labels, c clock, version string, at time.Time) string {
	if version == "" {
		return l.of("notice.none")
	}
	return l.of("notice.read", "at", c.at(at), "version", version)
}

func (s *sheet) presence(t evidence.Timesheet, c clock) {
	l := s.l
	s.heading(l.of("presence"), 44)
	if t.Attested.Gross == 0 {
		s.paragraph(margin, width, 9, 4.5, "", ink, l.of("presence.none"))
		s.y += 2
		return
	}
	s.strip(newStrip(t.Attested, c.zone), [2]string{
		l.of("operator") + " · " + t.Operator, l.of("person") + " · " + t.Person.FullName(),
	})
}

func (s *sheet) gaps(a evidence.Attested, c clock) {
	if a.Gross == 0 {
		return
	}
	l := s.l
	s.heading(l.of("interruptions"), 12)
	if len(a.Gaps) == 0 {
		s.paragraph(margin, width, 9, 4.5, "", ink, l.of("interruptions.none"))
		s.y += 2
		return
	}
	s.table([]float64{34, 34, 22, 62, 22}, gapHead(l), gapRows(l, c, a), true)
}

func gapHead(l labels) []string {
	return []string{l.of("col.from"), l.of("col.to"), l.of("col.length"), l.of("col.cause"), l.of("col.effect")}
}

func gapRows(l labels, c clock, a evidence.Attested) [][]string {
	var rows [][]string
	for _, g := range a.Gaps {
		length := evidence.FormatSeconds(g.Seconds())
		effect := "−" + length
		if g.Counts {
			effect = l.of("effect.counts")
		}
		rows = append(rows, []string{c.at(g.From), c.at(g.To), length, l.or("cause."+g.Cause, g.Cause), effect})
	}
	return rows
}

// basis names the rule, its pack and the place in the record.
func (s *sheet) basis(t evidence.Timesheet) {
	l := s.l
	s.heading(l.of("basis"), 12)
	for _, text := range []string{
		ruleText(l, t.Programme.Terms.Rule), packText(l, t.Programme),
		l.of("record.text", "id", t.Record.Interview, "n", num(t.Record.N)),
	} {
		s.paragraph(margin, width, 7.5, 3.7, "", second, text)
	}
	s.y += 1
}

func ruleText(l labels, r evidence.Rule) string {
	bridge := l.of("rule.default")
	if r.BridgeTotal > 0 {
		bridge = l.of("rule.max", "n", num(r.BridgeTotal))
	}
	return l.of("rule.text", "liveness", num(r.Liveness), "minimum", num(r.Minimum), "tolerance", num(r.Tolerance),
		"bridge", bridge)
}

func packText(l labels, p evidence.Programme) string {
	return l.of("rule.pack", "title", p.Title, "version", num(p.Version), "engine", num(evidence.DurationEngine)) + " " + p.Digest
}

// sign is the foot of the last page: whose act it is, and the frame of the visible signature.
func (s *sheet) sign(t evidence.Timesheet, c clock) {
	l := s.l
	if s.y > boxTop-9 {
		s.page()
	}
	s.line(margin, boxTop-6, margin+width, boxTop-6, 0.3, ink)
	s.y = boxTop - 4
	s.font("B", 10.5, ink)
	s.text(margin, s.y+4, l.of("signature"))
	s.font("", 7.5, second)
	s.text(boxLeft, boxTop-1.4, l.of("box"))
	s.pdf.SetDrawColor(hairline.r, hairline.g, hairline.b)
	s.pdf.SetLineWidth(0.3)
	s.pdf.Rect(boxLeft, boxTop, boxWidth, boxHeight, "D")
	s.y += 6.4
	text := l.of("draft")
	if !t.Approval.IsZero() {
		text = l.of("signature.text", "name", t.SignedBy, "date", c.date(t.Approval), "at", c.at(t.Approval),
			"method", l.or("method."+t.Method, t.Method))
	}
	s.font("", 8.5, ink)
	for _, line := range s.wrap(text, width-boxWidth-5) {
		s.text(margin, s.y+3, line)
		s.y += 4.1
	}
}
