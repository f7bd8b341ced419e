package layout

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"confermo/evidence"
)

//go:embed report.tmpl.html
var page string

// ReportHTML is the same report as one self-contained page: no script, nothing from outside.
func ReportHTML(iv *evidence.Interview, names Names) ([]byte, error) {
	r, err := newReport(iv, names)
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	tmpl, err := template.New("report").Funcs(template.FuncMap{"t": func(key string) string { return r.l.of(key) }}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, r); err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return b.Bytes(), nil
}

// Lang is the page's language.
func (r *report) Lang() string { return r.l.lang }

// Mark names the record's last entry that the report rests on.
func (r *report) Mark() string { return r.mark }

// GapHead are the headings of the interruptions.
func (r *report) GapHead() []string { return gapHead(r.l) }

// Offset tells that the clocks change on the day.
func (r *report) Offset() bool { return r.c.offset }

func (r *report) id() string {
	id, _, _ := strings.Cut(r.mark, " ")
	return id
}

// Alt is the picture in words: start, end, and each gap with its cause and effect.
func (r *report) Alt() string {
	text := r.l.of("presence") + ". " + r.Statement
	for _, g := range r.Gaps {
		text += " " + g[0] + " – " + g[1] + ": " + g[3] + ", " + g[4] + "."
	}
	return text
}

// Numbers are the picture's sums: what, the operator's seconds, the person's.
func (r *report) Numbers() [][3]string {
	var out [][3]string
	for i, key := range []string{"connected", "audio", "video", "voice", "text"} {
		out = append(out, [3]string{
			r.l.of("seconds." + key), num(r.strip.rows[0].sums[i]), num(r.strip.rows[1].sums[i]),
		})
	}
	return out
}

// Tick is a time of day under the picture, X in percent of its width.
type Tick struct {
	X, Text, Anchor string
}

// Ticks are the times of day under the picture; those at the ends stay inside.
func (r *report) Ticks() []Tick {
	var out []Tick
	for _, t := range r.strip.ticks {
		share := 100 * float64(t.at) / float64(max(r.strip.secs, 1))
		anchor := "middle"
		switch {
		case share < 4:
			anchor = "start"
		case share > 96:
			anchor = "end"
		}
		out = append(out, Tick{fmt.Sprintf("%.2f", share), t.text, anchor})
	}
	return out
}

// Picture is the presence strip as SVG shapes in a box of 1000 by 100 units, which may be stretched.
func (r *report) Picture() template.HTML {
	s := r.strip
	var b strings.Builder
	rect := func(class string, from, to float64, y, h float64) {
		scale := 1000 / float64(s.secs)
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`+"\n",
			class, from*scale, y, (to-from)*scale, h)
	}
	for i, row := range s.rows {
		base, up := 48.0, 1.0
		if i == 1 {
			base, up = 52, 0
		}
		for _, g := range s.bands {
			if g.rows[i] {
				class := "gap"
				if g.counts {
					class = "bridge"
				}
				rect(class, float64(g.from), float64(max(g.to, g.from+1)), base-44*up, 44)
			}
		}
		for n, bar := range row.bars {
			if !bar.present {
				continue
			}
			class, h := fmt.Sprint("q", i), 11.0
			if bar.voice > 0 {
				class, h = fmt.Sprint("v", i), 11+33*bar.voice
			}
			from := float64(n * s.bin)
			rect(class, from, min(from+0.7*float64(s.bin), float64(s.secs)), base-h*up, h)
		}
		for _, v := range row.video {
			rect("video", float64(v.from), float64(v.to), 2+95.5*(1-up), 0.8)
		}
	}
	for _, c := range s.counted {
		rect("counts", float64(c.from), float64(c.to), 48.8, 2.4)
	}
	return template.HTML(b.String()) // numbers and fixed class names only
}
