package web

import (
	"fmt"
	"net/http"
	"strings"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// maxPerSide bounds how often one side can be sent again.
const maxPerSide = 20

type uploadsPage struct {
	view
	Steps    stepsView
	Cards    []uploadCard
	Problems []problem
	Complete bool
	Next     string
	MaxBytes int
}

type uploadCard struct {
	Title string
	Sides []uploadSide
}

type uploadSide struct {
	ID, Label           string
	Sent, Required, Bad bool
}

type problem struct{ Title, Text string }

// sides are the pictures asked for (T8). The back is asked for and not required: a PDF may hold both.
var sides = []struct {
	document, side, label string
	required              bool
}{
	{"identity-card", "front", "docs.front", true},
	{"identity-card", "back", "docs.back", false},
	{"tax-card", "front", "docs.barcode", true},
}

// showUploads asks for photographs of the documents (p-04).
func (s *server) showUploads(w http.ResponseWriter, _ *http.Request, p *visit) error {
	return s.uploads(w, p, http.StatusOK, nil)
}

func (s *server) uploads(w http.ResponseWriter, p *visit, status int, refused []received) error {
	page := uploadsPage{
		view: p.v, Steps: steps(3), Complete: len(p.iv.MissingDocuments()) == 0, Next: p.base + "/check", MaxBytes: maxFile,
	}
	page.Scripts = []string{"upload.js"}
	for _, side := range sides {
		one := uploadSide{ID: side.document + "." + side.side, Label: side.label}
		one.Sent = countUploads(p.iv, side.document, side.side) > 0
		one.Required = side.required && !one.Sent
		for _, f := range refused {
			one.Bad = one.Bad || f.field == one.ID
		}
		title := "docs." + side.document
		if n := len(page.Cards); n == 0 || page.Cards[n-1].Title != title {
			page.Cards = append(page.Cards, uploadCard{Title: title})
		}
		last := &page.Cards[len(page.Cards)-1]
		last.Sides = append(last.Sides, one)
	}
	for _, f := range refused {
		page.Problems = append(page.Problems, s.problemOf(p, f))
	}
	s.render(w, status, "person_documents", p.v.Lang, page)
	return nil
}

func (s *server) problemOf(p *visit, f received) problem {
	title := p.v.t("docs.redo")
	for _, side := range sides {
		if f.field == side.document+"."+side.side {
			_, name, _ := strings.Cut(p.v.t("docs."+side.document), " ")
			title = name + ": " + p.v.t(side.label)
		}
	}
	return problem{title, p.v.t(judge(f.err).why)}
}

func countUploads(iv *evidence.Interview, document, side string) (n int) {
	for _, d := range iv.Documents {
		if d.Document == document && d.Side == side {
			n++
		}
	}
	return n
}

// saveUploads records every good file of the form, then says which ones were refused and why.
func (s *server) saveUploads(w http.ResponseWriter, r *http.Request, p *visit) error {
	fields := map[string]bool{}
	for _, side := range sides {
		fields[side.document+"."+side.side] = true
	}
	files, failed := receive(w, r, fields)
	var refused []received
	saved := 0
	for _, f := range files {
		if f.err == nil {
			f.err = s.saveUpload(r, p, f)
		}
		if f.err != nil {
			if judge(f.err).status >= 500 {
				return f.err
			}
			refused = append(refused, f)
			continue
		}
		saved++
	}
	if failed != nil {
		return failed
	}
	if saved == 0 && len(refused) == 0 {
		refused = append(refused, received{err: errFileNone})
	}
	iv, err := s.j.Interview(r.Context(), p.iv.ID)
	if err != nil {
		return err
	}
	p.iv = iv
	switch {
	case len(refused) > 0:
		return s.uploads(w, p, judge(refused[0].err).status, refused)
	case len(iv.MissingDocuments()) > 0:
		return see(w, r, p.base+"/documents")
	}
	return see(w, r, p.next())
}

func (s *server) saveUpload(r *http.Request, p *visit, f received) error {
	document, side, _ := strings.Cut(f.field, ".")
	n := countUploads(p.iv, document, side)
	if n >= maxPerSide {
		return errFileMany
	}
	name := fmt.Sprintf("documents/%s-%s-%d%s", document, side, n+1, extension(f.kind))
	_, err := s.j.Append(r.Context(), journal.Draft{
		Interview: p.iv.ID, By: "web", If: notClosed,
		Fact: &evidence.DocumentUploaded{Document: document, Side: side, From: evidence.Person, File: evidence.F(name, f.kind, f.data)},
	})
	return err
}
