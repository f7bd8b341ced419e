package layout

import (
	"bytes"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jung-kurt/gofpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Lengths are millimetres on A4.
const (
	pageWidth, pageHeight = 210.0, 297.0
	margin                = 18.0
	width                 = pageWidth - 2*margin
	top                   = 14.0
	bottom                = pageHeight - 18 // the footer stands below
	boxWidth, boxHeight   = 78.0, 22.0
	boxLeft               = pageWidth - margin - boxWidth
	boxTop                = bottom - boxHeight - 2
)

type colour struct{ r, g, b int }

var (
	ink        = colour{0x17, 0x32, 0x4d}
	second     = colour{0x45, 0x5b, 0x71}
	hairline   = colour{0xdd, 0xd5, 0xc6}
	meaning    = colour{0x8a, 0x82, 0x72}
	paper      = colour{0xfa, 0xf7, 0xf1}
	bad        = colour{0xa3, 0x22, 0x3a}
	badTint    = colour{0xfb, 0xe3, 0xe8}
	warn       = colour{0x7a, 0x4a, 0x00}
	warnTint   = colour{0xf8, 0xeb, 0xcd}
	partyVoice = [2]colour{{0x0b, 0x4f, 0x8a}, {0x9a, 0x3f, 0x14}}
	partyQuiet = [2]colour{{0x6a, 0x9e, 0xcb}, {0xcd, 0x88, 0x61}}
)

// sheet is a PDF being drawn from top to bottom.
type sheet struct {
	pdf      *gofpdf.Fpdf
	l        labels
	y        float64
	total    int
	running  string // in the footer of each page
	mark     string // under it
	replaced bool   // a character had no glyph
}

func newSheet(l labels, total int, title, author string, at time.Time) *sheet {
	pdf := gofpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(at)
	pdf.SetModificationDate(at)
	pdf.SetProducer("Confermo", true)
	pdf.SetCreator("Confermo", true)
	pdf.SetTitle(plain(title), true)
	pdf.SetAuthor(plain(author), true)
	// gofpdf writes into the bytes of a font while it cuts it, so each document gets its own.
	pdf.AddUTF8FontFromBytes("go", "", bytes.Clone(goregular.TTF))
	pdf.AddUTF8FontFromBytes("go", "B", bytes.Clone(gobold.TTF))
	pdf.AddUTF8FontFromBytes("mono", "", bytes.Clone(gomono.TTF))
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(margin, top, margin)
	return &sheet{pdf: pdf, l: l, total: total}
}

func plain(s string) string { return strings.Join(strings.Fields(s), " ") }

// page ends the page with its footer and starts the next.
func (s *sheet) page() {
	s.pdf.AddPage()
	s.footer()
	s.y = top
	if s.pdf.PageNo() > 1 {
		s.font("B", 8.5, ink)
		s.text(margin, s.y+3, s.clip(s.running, width))
		s.line(margin, s.y+5, margin+width, s.y+5, 0.3, ink)
		s.y += 11
	}
}

func (s *sheet) footer() {
	y := bottom + 4
	s.line(margin, y, margin+width, y, 0.2, hairline)
	s.font("", 7.5, second)
	s.text(margin, y+4, s.clip(s.running, width-30))
	s.right(margin+width, y+4, s.l.of("page", "page", num(s.pdf.PageNo()), "pages", num(max(s.total, s.pdf.PageNo()))))
	s.pdf.SetFont("mono", "", 6.5)
	s.text(margin, y+7.6, s.mark)
}

// room starts a new page unless h millimetres are left.
func (s *sheet) room(h float64) {
	if s.y+h > bottom {
		s.page()
	}
}

func (s *sheet) font(style string, size float64, c colour) {
	s.pdf.SetFont("go", style, size)
	s.pdf.SetTextColor(c.r, c.g, c.b)
}

var glyphs = sync.OnceValue(func() func(rune) bool {
	f, err := sfnt.Parse(goregular.TTF)
	return func(r rune) bool {
		if err != nil || r > 0xffff {
			return false
		}
		g, err := f.GlyphIndex(nil, r)
		return err == nil && g != 0
	}
})

// write keeps what the font can draw; the rest becomes "?" and a note says so.
func (s *sheet) write(text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "?")
	}
	has := glyphs()
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || has(r):
			return r
		case r < ' ':
			return ' '
		}
		s.replaced = true
		return '?'
	}, norm.NFC.String(text))
}

// text draws one line with its baseline at y.
func (s *sheet) text(x, y float64, text string) { s.pdf.Text(x, y, s.write(text)) }

func (s *sheet) right(x, y float64, text string) {
	text = s.write(text)
	s.pdf.Text(x-s.pdf.GetStringWidth(text), y, text)
}

// wrap breaks text into lines of at most w millimetres in the current font; a word longer than a line is broken too.
func (s *sheet) wrap(text string, w float64) []string {
	var lines []string
	for para := range strings.SplitSeq(s.write(text), "\n") {
		line := ""
		for _, word := range strings.Fields(para) {
			joined := strings.TrimSpace(line + " " + word)
			if s.pdf.GetStringWidth(joined) <= w {
				line = joined
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for line = ""; word != ""; {
				cut := s.fits(word, w)
				if cut == len(word) {
					line, word = word, ""
				} else {
					lines, word = append(lines, word[:cut]), word[cut:]
				}
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// fits is how many bytes of a word go into w millimetres, at least one character.
func (s *sheet) fits(word string, w float64) int {
	for end := len(word); ; {
		if s.pdf.GetStringWidth(word[:end]) <= w {
			return end
		}
		_, size := utf8.DecodeLastRuneInString(word[:end])
		if end == size {
			return end
		}
		end -= size
	}
}

// clip shortens text to w millimetres in the current font.
func (s *sheet) clip(text string, w float64) string {
	text = s.write(text)
	if s.pdf.GetStringWidth(text) <= w {
		return text
	}
	return text[:s.fits(text, w-s.pdf.GetStringWidth("…"))] + "…"
}

// paragraph draws wrapped text at the sheet's height, across pages, and moves below it.
func (s *sheet) paragraph(x, w, size, leading float64, style string, c colour, text string) {
	s.font(style, size, c)
	for _, line := range s.wrap(text, w) {
		if s.y+leading > bottom {
			s.page()
			s.font(style, size, c)
		}
		s.text(x, s.y+leading*0.75, line)
		s.y += leading
	}
}

func (s *sheet) line(x1, y1, x2, y2, w float64, c colour) {
	s.pdf.SetDrawColor(c.r, c.g, c.b)
	s.pdf.SetLineWidth(w)
	s.pdf.Line(x1, y1, x2, y2)
}

func (s *sheet) fill(x, y, w, h float64, c colour) {
	s.pdf.SetFillColor(c.r, c.g, c.b)
	s.pdf.Rect(x, y, w, h, "F")
}
