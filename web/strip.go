package web

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"

	"confermo/evidence"
)

// strip draws presence second by second: the operator upward, the person downward, the axis where time counts.
// Heights, colours and words follow the design's eight rules; everything drawn is also said in the label and the table.
type strip struct {
	a        evidence.Attested
	zone     *time.Location
	v        view
	up, down string
	live     bool
}

// Geometry in units of the drawing, which stretches in x.
const (
	slot      = 5.0 // of one bin
	bar       = 3.5
	connected = 11.0 // height of a bar without voice
	loudest   = 33.0 // and what voice adds
	rowUp     = 46.0
	rowDown   = 54.0
)

// bin is the seconds of one bar: 20 in an interview of usual length, fewer in a short one so that there is a picture.
func (s strip) bin() int {
	if s.a.Gross >= 600 {
		return 20
	}
	return max(1, s.a.Gross/40)
}

func (s strip) html() template.HTML {
	var b strings.Builder
	class := "cf-strip"
	if s.live {
		class += " is-live"
	}
	fmt.Fprintf(&b, `<figure class="%s"><div class="cf-row"><span class="cf-name"><i></i>%s</span><span class="cf-num"></span></div>`,
		class, html.EscapeString(s.up))
	if s.live {
		b.WriteString(s.drawing("cf-s", s.bin()))
	} else {
		b.WriteString(s.drawing("cf-s is-fine", s.bin()))
		b.WriteString(s.drawing("cf-s is-coarse", 3*s.bin()))
	}
	fmt.Fprintf(&b, `<div class="cf-row"><span class="cf-name is-pe"><i></i>%s</span><span class="cf-num"></span></div>%s</figure>`,
		html.EscapeString(s.down), s.ticks())
	return template.HTML(b.String())
}

func (s strip) drawing(class string, bin int) string {
	scale := slot / float64(bin) // units per second
	width := float64(s.a.Gross) * scale
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="%s" viewBox="0 0 %.1f 100" preserveAspectRatio="none" role="img" aria-label="%s">`,
		class, width, html.EscapeString(s.label()))
	for _, g := range s.a.Gaps {
		b.WriteString(s.gap(g, scale))
	}
	up, down := s.a.Masks[evidence.Operator], s.a.Masks[evidence.Person]
	b.WriteString(runs(up.Video, scale, 0.5) + runs(down.Video, scale, 98.3))
	b.WriteString(bars("op", "opv", up, bin, rowUp, -1) + bars("pe", "pev", down, bin, rowDown, 1))
	for _, seg := range s.a.Segments {
		fmt.Fprintf(&b, `<rect class="axis" x="%.1f" y="48.5" width="%.1f" height="3"/>`,
			seg.From.Sub(s.a.Start).Seconds()*scale, float64(seg.Seconds())*scale)
	}
	b.WriteString(`</svg>`)
	return b.String()
}

// gap is a band in the half of who was missing, to the exact second and at least two units wide.
func (s strip) gap(g evidence.Gap, scale float64) string {
	x, w := g.From.Sub(s.a.Start).Seconds()*scale, max(2, float64(g.Seconds())*scale)
	y, h := 4.0, 92.0
	switch g.Cause {
	case evidence.CausePersonLeft, evidence.CausePersonNetwork:
		y, h = rowDown, 42
	case evidence.CauseOperatorLeft, evidence.CauseOperatorNetwork:
		h = 42
	}
	band, edge := "gap", "edge"
	if g.Counts {
		band, edge = "bridge", "edge b"
	}
	return fmt.Sprintf(`<rect class="%s" x="%.1f" y="%.0f" width="%.1f" height="%.0f"/><path class="%s" d="M%.1f %.0fv%.0fM%.1f %.0fv%.0f"/>`,
		band, x, y, w, h, edge, x, y, h, x+w, y, h)
}

// runs draws the thin line where a mask is set.
func runs(mask string, scale, y float64) string {
	var b strings.Builder
	for i := 0; i < len(mask); {
		end := i
		for end < len(mask) && mask[end] == '1' {
			end++
		}
		if end > i {
			fmt.Fprintf(&b, `<rect class="vid" x="%.1f" y="%.1f" width="%.1f" height="1.2"/>`, float64(i)*scale, y, float64(end-i)*scale)
		}
		i = max(end, i+1)
	}
	return b.String()
}

// bars draws a row: a bin counts as present above half of its seconds; voice adds its share of the bin.
func bars(quietClass, voiceClass string, m evidence.Mask, bin int, y, dir float64) string {
	var quiet, voice strings.Builder
	for from := 0; from < len(m.Connected); from += bin {
		to := min(from+bin, len(m.Connected))
		n := to - from
		if 2*strings.Count(m.Connected[from:to], "1") <= n {
			continue
		}
		x := float64(from)/float64(bin)*slot + 0.75
		h := connected * dir
		fmt.Fprintf(&quiet, "M%.2f %.0fv%.0fh%.1fv%.0fz", x, y, h, bar, -h)
		if loud := strings.Count(m.Voice[from:to], "1"); loud > 0 {
			h = (connected + loudest*float64(loud)/float64(n)) * dir
			fmt.Fprintf(&voice, "M%.2f %.0fv%.1fh%.1fv%.1fz", x, y, h, bar, -h)
		}
	}
	return fmt.Sprintf(`<path class="%s" d="%s"/><path class="%s" d="%s"/>`, quietClass, quiet.String(), voiceClass, voice.String())
}

func (s strip) label() string {
	var gaps []string
	for _, g := range s.a.Gaps {
		effect := s.v.t("gap.not")
		if g.Counts {
			effect = s.v.t("gap.counted")
		}
		gaps = append(gaps, fmt.Sprintf("%s–%s, %s, %s", clock(g.From, s.zone), clock(g.To, s.zone), s.v.t("cause."+g.Cause), effect))
	}
	if len(gaps) == 0 {
		gaps = []string{s.v.t("strip.none")}
	}
	return s.v.t("strip.label", clock(s.a.Start, s.zone), clock(s.a.End, s.zone), strings.Join(gaps, "; "))
}

// ticks are times of day under the drawing, evenly spaced.
func (s strip) ticks() string {
	n, layout := 4, "15:04"
	if s.a.Gross < 600 {
		n, layout = 2, "15:04:05"
	}
	var b strings.Builder
	b.WriteString(`<p class="cf-ticks cf-num" aria-hidden="true">`)
	for i := range n + 1 {
		at := s.a.Start.Add(time.Duration(s.a.Gross) * time.Second * time.Duration(i) / time.Duration(n))
		b.WriteString("<span>" + at.In(s.zone).Format(layout) + "</span>")
	}
	b.WriteString("</p>")
	return b.String()
}
