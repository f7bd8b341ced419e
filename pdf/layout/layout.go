// Package layout draws a document from values; the same values give the same bytes.
//
// Documents are the timesheet (T16), the report of an interview as PDF and as one HTML page (T17), and the README of a
// bundle. Dates in a PDF's metadata come from the record, fonts from a Go module, and no clock is read, so an auditor
// draws a document again and compares it by Same:
//
//	pdf, err := layout.Timesheet(t, layout.Names{Activity: "Consulenza alla ricerca di lavoro"})
//	page, x, y, w, h := layout.SignatureBox(pdf) // points, on the last page
package layout

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"confermo/evidence"
	"confermo/evidence/wording"
)

// Version is the version of every drawing here; it goes into evidence.TimesheetSigned.Layout.
const Version = 1

// Wording is the version of the legal texts a document of this version goes with.
const Wording = wording.Version

// Names are the words that a document takes from the rule pack, in the document's language.
type Names struct {
	Language string            // of the document: it, de, fr, en; "" is it
	Activity string            // name of the interview's activity
	Topics   map[string]string // names by code
}

func (n Names) topics(codes []string, other string) []string {
	var out []string
	for _, c := range codes {
		if name := n.Topics[c]; name != "" {
			c = name
		}
		out = append(out, c)
	}
	if other != "" {
		out = append(out, other)
	}
	return out
}

// Timesheet draws the timesheet as an unsigned PDF (T16, T17, T19, T20, T32). One that is not approved says that it is a
// draft. It fails only when a font cannot be read.
func Timesheet(t evidence.Timesheet, names Names) ([]byte, error) {
	b, err := render(func(total int) *sheet { return drawTimesheet(t, names, total) })
	if err != nil {
		return nil, fmt.Errorf("draw timesheet: %w", err)
	}
	return b, nil
}

// Summary draws the report of an interview as PDF: the four facts of T17, what was observed, what happened, the outcome,
// and what is not proved.
func Summary(iv *evidence.Interview, names Names) ([]byte, error) {
	r, err := newReport(iv, names)
	if err != nil {
		return nil, fmt.Errorf("draw report: %w", err)
	}
	b, err := render(func(total int) *sheet { return drawReport(r, total) })
	if err != nil {
		return nil, fmt.Errorf("draw report: %w", err)
	}
	return b, nil
}

// render draws twice: the second time the number of pages is known.
func render(draw func(total int) *sheet) ([]byte, error) {
	s := draw(0)
	s = draw(s.pdf.PageNo())
	var b bytes.Buffer
	if err := s.pdf.Output(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

var pageCount = regexp.MustCompile(`/Type /Pages\n/Kids \[[0-9R ]*\]\n/Count ([0-9]+)\n`)

// SignatureBox is where the visible signature goes in a timesheet of this package: the last page, and a rectangle in
// points from its lower left corner.
func SignatureBox(pdf []byte) (page int, x, y, w, h float64) {
	page = 1
	if m := pageCount.FindSubmatch(pdf); m != nil {
		page, _ = strconv.Atoi(string(m[1]))
	}
	const point = 72 / 25.4
	return page, boxLeft * point, (pageHeight - boxTop - boxHeight) * point, boxWidth * point, boxHeight * point
}

// stamped gives the metadata's date: the approval, else the end, else a fixed day.
func stamped(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t.UTC().Truncate(time.Second)
		}
	}
	return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
}
