package layout

import (
	"strconv"
	"strings"
)

func num(n int) string { return strconv.Itoa(n) }

// letterhead is the agency's name and office, and on the right the reference number and the date.
func (s *sheet) letterhead(name, line, reference, date string) {
	s.font("B", 13, ink)
	lines := s.wrap(name, 122)
	for i, text := range lines {
		s.text(margin, s.y+5+float64(i)*5.6, text)
	}
	s.font("", 8, second)
	s.right(margin+width, s.y+4.6, reference)
	s.right(margin+width, s.y+8.6, date)
	s.y += 5.6*float64(len(lines)) + 1.2
	s.paragraph(margin, 128, 8, 4, "", second, line)
	s.y += 2
	half := width / 2
	s.line(margin, s.y, margin+half, s.y, 0.8, partyVoice[0])
	s.line(margin+half, s.y, margin+width, s.y, 0.8, partyVoice[1])
	s.y += 7
}

// notice is a framed line that must not be missed.
func (s *sheet) notice(text string, c, tint colour) {
	s.font("B", 9, c)
	lines := s.wrap(text, width-8)
	h := float64(len(lines))*4.4 + 3.6
	s.room(h + 3)
	s.pdf.SetFillColor(tint.r, tint.g, tint.b)
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.SetLineWidth(0.35)
	s.pdf.Rect(margin, s.y, width, h, "DF")
	for i, line := range lines {
		s.text(margin+4, s.y+5+float64(i)*4.4, line)
	}
	s.y += h + 4
}

// figures draws up to four boxes with a label and a figure each; a long figure becomes smaller and then wraps.
func (s *sheet) figures(pairs ...[2]string) {
	const gap = 3.0
	w := (width - gap*float64(len(pairs)-1)) / float64(len(pairs))
	size, lines := 15.0, 1
	for ; size > 11; size -= 0.5 {
		s.font("B", size, ink)
		fit := true
		for _, p := range pairs {
			fit = fit && s.pdf.GetStringWidth(s.write(p[1])) <= w-6
		}
		if fit {
			break
		}
	}
	s.font("B", size, ink)
	for _, p := range pairs {
		lines = max(lines, len(s.wrap(p[1], w-6)))
	}
	h := 8.4 + float64(lines)*size*0.41
	s.room(h + 4)
	for i, p := range pairs {
		x := margin + float64(i)*(w+gap)
		s.pdf.SetDrawColor(hairline.r, hairline.g, hairline.b)
		s.pdf.SetLineWidth(0.3)
		s.pdf.RoundedRect(x, s.y, w, h, 1.6, "1234", "D")
		s.font("", 8, second)
		s.text(x+3, s.y+4.6, p[0])
		s.font("B", size, ink)
		for j, line := range s.wrap(p[1], w-6) {
			s.text(x+3, s.y+5.4+float64(j+1)*size*0.41, line)
		}
	}
	s.y += h + 4
}

// heading starts a section and keeps room for what follows.
func (s *sheet) heading(text string, follows float64) {
	s.room(9 + follows)
	s.y += 1
	s.font("B", 10.5, ink)
	s.text(margin, s.y+4, text)
	s.y += 6
}

// facts draws label and value pairs in rows; values wrap. Pairs without a value are left out.
func (s *sheet) facts(label float64, pairs ...[2]string) {
	for _, p := range pairs {
		if strings.TrimSpace(p[1]) == "" {
			continue
		}
		s.font("", 9, ink)
		lines := s.wrap(p[1], width-label)
		for i, line := range lines {
			s.room(5)
			if i == 0 {
				s.font("", 8.5, second)
				s.text(margin, s.y+3.6, p[0])
			}
			s.font("", 9, ink)
			s.text(margin+label, s.y+3.6, line)
			s.y += 4.5
		}
		s.y += 0.5
	}
	s.y += 1.5
}

// grid draws label and value pairs in two columns, row by row; values wrap inside their half.
func (s *sheet) grid(label float64, pairs ...[2]string) {
	const gap = 6.0
	half := (width - gap) / 2
	for i := 0; i < len(pairs); i += 2 {
		row := pairs[i:min(i+2, len(pairs))]
		most := 1
		s.font("", 9, ink)
		for _, p := range row {
			most = max(most, len(s.wrap(p[1], half-label)))
		}
		s.room(float64(most) * 4.5)
		for j, p := range row {
			x := margin + float64(j)*(half+gap)
			s.font("", 8.5, second)
			s.text(x, s.y+3.6, p[0])
			s.font("", 9, ink)
			for k, line := range s.wrap(p[1], half-label) {
				s.text(x+label, s.y+3.6+float64(k)*4.5, line)
			}
		}
		s.y += float64(most)*4.5 + 0.5
	}
}

// table draws rows under headings; the last column is right-aligned when last is true. Headings repeat on a new page.
func (s *sheet) table(widths []float64, head []string, rows [][]string, last bool) {
	draw := func(cells []string, style string, size float64, c colour) {
		s.font(style, size, c)
		lines, most := make([][]string, len(cells)), 1
		for i, cell := range cells {
			lines[i] = s.wrap(cell, widths[i]-2)
			most = max(most, len(lines[i]))
		}
		x := margin
		for i := range cells {
			for j, line := range lines[i] {
				y := s.y + 3.7 + float64(j)*4
				if last && i == len(cells)-1 {
					s.right(x+widths[i], y, line)
				} else {
					s.text(x, y, line)
				}
			}
			x += widths[i]
		}
		s.y += float64(most)*4 + 1.2
		s.line(margin, s.y, margin+width, s.y, 0.2, hairline)
		s.y += 0.4
	}
	if head != nil {
		s.room(12)
		draw(head, "", 8, second)
	}
	for _, cells := range rows {
		s.font("", 8.8, ink)
		most := 1
		for i, cell := range cells {
			most = max(most, len(s.wrap(cell, widths[i]-2)))
		}
		if s.y+float64(most)*4+2 > bottom {
			s.page()
			if head != nil {
				draw(head, "", 8, second)
			}
		}
		draw(cells, "", 8.8, ink)
	}
	s.y += 3
}
