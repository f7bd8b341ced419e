package layout

const (
	unit   = 0.19 // millimetres per unit of a bar's height
	low    = 11 * unit
	high   = 44 * unit
	axisUp = 0.9 // from the axis to a row
)

// strip draws presence: operator upward, person downward, the axis where time counts.
func (s *sheet) strip(p strip, names [2]string) {
	s.room(46)
	scale := width / float64(p.secs)
	s.party(0, names[0], s.y)
	axis := s.y + 6.6 + high + axisUp
	slot := float64(p.bin) * scale
	for i, r := range p.rows {
		side := 1 - 2*float64(i) // operator up
		base := axis - side*axisUp
		edge := base - side*(high+0.5)
		for _, b := range p.bands {
			if b.rows[i] {
				s.band(b, scale, base, edge)
			}
		}
		for n, bar := range r.bars {
			x := margin + float64(n)*slot
			w := min(slot*0.7, margin+width-x)
			if bar.present && bar.voice == 0 {
				s.upright(x, base, w, side*low, partyQuiet[i])
			} else if bar.present {
				s.upright(x, base, w, side*(low+(high-low)*bar.voice), partyVoice[i])
			}
		}
		for _, v := range r.video {
			s.line(margin+float64(v.from)*scale, edge, margin+float64(v.to)*scale, edge, 0.25, meaning)
		}
	}
	for _, c := range p.counted {
		s.fill(margin+float64(c.from)*scale, axis-0.35, float64(c.to-c.from)*scale, 0.7, ink)
	}
	s.y = axis + axisUp + high + 1.8
	s.party(1, names[1], s.y)
	s.y += 6
	s.font("", 7.5, second)
	for _, t := range p.ticks {
		text := t.text
		x := margin + float64(t.at)*scale
		half := s.pdf.GetStringWidth(text) / 2
		s.line(x, s.y-0.4, x, s.y+0.6, 0.2, meaning)
		s.text(min(max(x-half, margin), margin+width-2*half), s.y+3.6, text)
	}
	s.y += 7
	s.legend()
}

func (s *sheet) party(i int, name string, y float64) {
	s.fill(margin, y+1.2, 2.4, 2.4, partyVoice[i])
	s.font("B", 8.2, ink)
	s.text(margin+4, y+3.4, name)
}

func (s *sheet) upright(x, base, w, h float64, c colour) {
	if h > 0 {
		s.fill(x, base-h, w, h, c)
	} else {
		s.fill(x, base, w, -h, c)
	}
}

// band marks a gap to the second.
func (s *sheet) band(b band, scale, base, edge float64) {
	y := min(base, edge)
	s.gap(margin+float64(b.from)*scale, y, max(float64(b.to-b.from)*scale, 0.5), max(base, edge)-y, b.counts)
}

// gap has solid edges when it does not count, dashed ones when it does.
func (s *sheet) gap(x, y, w, h float64, counts bool) {
	tint, c := badTint, bad
	if counts {
		tint, c = warnTint, warn
		s.pdf.SetDashPattern([]float64{0.7, 0.5}, 0)
	}
	s.fill(x, y, w, h, tint)
	s.line(x, y, x, y+h, 0.2, c)
	s.line(x+w, y, x+w, y+h, 0.2, c)
	s.pdf.SetDashPattern(nil, 0)
}

func (s *sheet) legend() {
	x, y := margin, s.y+3
	entry := func(key string, draw func(x float64)) {
		text := s.l.of(key)
		s.font("", 7.5, second)
		if w := 8 + s.pdf.GetStringWidth(text); x+w > margin+width {
			x, y = margin, y+4.4
		}
		draw(x)
		s.font("", 7.5, second)
		s.text(x+5.6, y, text)
		x += 9.5 + s.pdf.GetStringWidth(text)
	}
	entry("legend.voice", func(x float64) {
		s.fill(x+1, y-2.6, 1.2, 2.6, partyVoice[0])
		s.fill(x+2.8, y-2, 1.2, 2, partyVoice[1])
	})
	entry("legend.listen", func(x float64) {
		s.fill(x+1, y-1.1, 1.2, 1.1, partyQuiet[0])
		s.fill(x+2.8, y-1.1, 1.2, 1.1, partyQuiet[1])
	})
	entry("legend.video", func(x float64) { s.line(x, y-1, x+4.6, y-1, 0.25, meaning) })
	entry("legend.counts", func(x float64) { s.fill(x, y-1.4, 4.6, 0.7, ink) })
	entry("legend.gap", func(x float64) { s.gap(x+1, y-2.6, 3, 2.8, false) })
	entry("legend.bridge", func(x float64) { s.gap(x+1, y-2.6, 3, 2.8, true) })
	s.y = y + 5
}
