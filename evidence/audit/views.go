package audit

import (
	"bytes"
	"errors"
	"fmt"

	"confermo/evidence"
	"confermo/evidence/bundle"
	"confermo/evidence/rules"
	"confermo/pdf/layout"
)

// Views draws the files of a bundle that are for people and hold nothing of their own: summary.pdf, report.html and
// README.txt. They follow from the entries with their openings and from the rule pack's names. Whoever writes a bundle
// calls it with the entries that go into it, withheld openings taken out; the auditor calls it again and compares.
func Views(entries []evidence.Entry, pack []byte) ([]bundle.NamedFile, error) {
	if len(entries) == 0 {
		return nil, errors.New("draw views: the record has no entry")
	}
	var plain []evidence.Entry
	for _, e := range entries {
		again := evidence.Entry{Line: e.Line, Head: e.Head, Index: e.Index, Openings: e.Openings}
		if len(e.Openings) > 0 && e.Openings[0].Path == "" {
			again.Body = e.Openings[0].Body
		}
		if err := again.Decode(); err != nil {
			return nil, fmt.Errorf("draw views: %w", err)
		}
		plain = append(plain, again)
	}
	iv := evidence.Fold(plain[0].Head.Interview, plain)
	names := layout.Names{}
	if p, err := rules.Peek(pack); err == nil && iv.Scheduled != nil {
		names = Names(p, iv.Scheduled.Activity, DocumentLanguage)
	}
	summary, err := layout.Summary(iv, names)
	if err != nil {
		return nil, err
	}
	report, err := layout.ReportHTML(iv, names)
	if err != nil {
		return nil, err
	}
	return []bundle.NamedFile{
		{Name: bundle.NameReadme, Data: layout.Readme(iv)}, {Name: bundle.NameReport, Data: report}, {Name: bundle.NameSummary, Data: summary},
	}, nil
}

var viewNames = []string{bundle.NameReadme, bundle.NameReport, bundle.NameSummary}

// checkViews draws the views again and compares those that the bundle has: a PDF object by object, the others by bytes.
func (a *auditor) checkViews() {
	t := a.claim(Integrity)
	a.checkPolicy()
	if a.b.Files[bundle.NameSummary] == nil && a.b.Files[bundle.NameReport] == nil && a.b.Files[bundle.NameReadme] == nil {
		return // of an interview whose record was erased
	}
	if a.iv.Signed != nil && a.iv.Signed.Layout != layout.Version {
		t.unproved("version-unknown", name("layout"), a.iv.Signed.Layout)
		return
	}
	if !a.needs(Integrity, "interview-scheduled") || a.iv.Scheduled == nil {
		return
	}
	views, err := Views(a.entries, a.b.RulePack)
	if err != nil {
		t.contradict("views-differ", bundle.NameSummary, err)
		return
	}
	for _, v := range views {
		got, ok := a.b.Files[v.Name]
		if !ok || bytes.Equal(got, v.Data) {
			continue
		}
		err := errors.New("bytes differ")
		if v.Name == bundle.NameSummary {
			err = layout.Same(got, v.Data)
		}
		if err != nil {
			t.contradict("views-differ", v.Name, err)
		}
	}
}
