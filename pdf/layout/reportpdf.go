package layout

// drawReport draws the report as PDF.
func drawReport(r *report, total int) *sheet {
	l := r.l
	s := newSheet(l, total, r.Title+" – "+r.Agency.Name, r.Agency.Name, stamped(r.at))
	s.running = r.Title + " · " + r.Agency.Name
	s.mark = r.mark
	s.page()
	s.letterhead(r.Agency.Name, r.Office, l.of("protocol")+" "+r.Number, r.c.date(r.at))
	s.font("B", 19, ink)
	s.text(margin, s.y+5, r.Title)
	s.y += 7
	s.paragraph(margin, width, 8.5, 4.4, "", second, r.AsOf)
	s.y += 2
	if r.Test {
		s.notice(l.of("test"), bad, badTint)
	}
	s.figures(r.Figures...)
	s.paragraph(margin, width, 10, 4.9, "", ink, r.Statement)
	if r.c.offset {
		s.paragraph(margin, width, 8, 4, "", second, l.of("offset"))
	}
	s.y += 1
	if r.Held {
		s.heading(l.of("presence"), 44)
		s.strip(r.strip, r.Parties)
		s.gaps(r.attested, r.c)
	}
	s.heading(l.of("proof"), 12)
	s.facts(32, r.Said...)
	s.heading(l.of("received"), 8)
	if len(r.Received) == 0 {
		s.paragraph(margin, width, 9, 4.5, "", ink, l.of("received.none"))
	}
	s.facts(50, r.Received...)
	s.heading(l.of("outcome"), 8)
	s.facts(50, r.Outcome...)
	s.heading(l.of("timeline"), 16)
	widths := []float64{38, 12, 124}
	if r.c.offset {
		widths = []float64{58, 12, 104}
	}
	s.table(widths, []string{l.of("col.time"), l.of("nr"), l.of("col.what")}, r.Timeline, false)
	s.unproved(r)
	if s.replaced {
		s.paragraph(margin, width, 8, 4, "", second, l.of("glyphs"))
	}
	return s
}

// unproved stands in a frame, with the same weight as what is proved.
func (s *sheet) unproved(r *report) {
	s.font("", 9.5, ink)
	var lines []string
	for _, text := range r.Unproved {
		lines = append(lines, s.wrap(text, width-10)...)
	}
	h := 12 + float64(len(lines))*4.7
	s.room(h + 4)
	s.y += 2
	s.pdf.SetFillColor(paper.r, paper.g, paper.b)
	s.pdf.SetDrawColor(meaning.r, meaning.g, meaning.b)
	s.pdf.SetLineWidth(0.3)
	s.pdf.RoundedRect(margin, s.y, width, h, 1.6, "1234", "DF")
	s.font("B", 10.5, ink)
	s.text(margin+5, s.y+6.5, s.l.of("unproved"))
	s.font("", 9.5, ink)
	for i, line := range lines {
		s.text(margin+5, s.y+12+float64(i)*4.7, line)
	}
	s.y += h + 4
	for _, text := range append(r.Rule, s.l.of("record.text", "id", r.id(), "n", num(r.lastN))) {
		s.paragraph(margin, width, 7.5, 3.7, "", second, text)
	}
}
