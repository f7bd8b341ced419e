package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/web/text"
)

type reportPage struct {
	view
	timesView
	Number, Person, LongDate, AgencyName, Date, Phone string
	State                                             stateView
	HasBundle, Stale                                  bool
	Spans                                             []spanRow
	TotalOperator, TotalPerson, TotalCounts           int
	Claims                                            []claimView
	Tally                                             []tallyView
	WhyNot, Digest                                    string
}

type spanRow struct {
	From, To                 string
	Operator, Person, Counts int
}

type claimView struct {
	verdictView
	Name, Says, Detail string
}

type tallyView struct{ Tone, Icon, Text string }

// proofs are the badges of verdicts.
var proofs = map[audit.Verdict]verdictView{
	audit.Proved:       {"proved", "it-check-circle", "proof.proved"},
	audit.Word:         {"word", "it-pencil", "proof.word"},
	audit.Unproved:     {"open", "it-help-circle", "proof.unproved"},
	audit.Contradicted: {"false", "it-close-circle", "proof.contradicted"},
}

// showReport is the report of an interview (a-02): date, duration, name and phone (T17), presence, and what the audit of
// the bundle says, claim by claim. Looking issues nothing: where no bundle stands for the record as it is, the page offers
// to issue one, which is an entry of the interview and so an act of its own.
func (s *server) showReport(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if err := s.trace(r, d, iv.ID, "report"); err != nil {
		return err
	}
	sc := iv.Scheduled
	at := heldOn(iv)
	page := reportPage{
		view: d.v, timesView: times(d.v, iv, d.v.t("report.operator")+" · "+sc.Operator.Name.String(), d.v.t("col.person")+" · "+sc.Person.FullName()),
		Number: sc.Number.String(), Person: sc.Person.FullName(), Phone: sc.Person.Phone.String(),
		LongDate: longDay(d.v.Lang, at) + " " + strconv.Itoa(at.Year()), Date: evidence.FormatDate(d.v.Lang, at),
		AgencyName: d.v.t("brand.office", sc.Agency.Name, sc.Agency.Office), State: states[iv.State(time.Now())],
	}
	if !page.HasTime {
		page.Attested = "–"
	}
	page.Crumbs = []crumb{{"/audit", d.v.t("nav.search")}, {"", page.Number}}
	page.spans(iv)
	page.HasBundle = iv.Signed != nil && s.cfg.Issue != nil
	if page.HasBundle {
		s.claims(&page, iv)
	} else {
		page.WhyNot = d.v.t("report.early")
	}
	s.render(w, http.StatusOK, "auditor_report", d.v.Lang, page)
	return nil
}

// spans are the numbers of the chart: between any two edges, whose seconds were seen and which count.
func (p *reportPage) spans(iv *evidence.Interview) {
	a := attested(iv)
	if a.Seconds == 0 {
		return
	}
	zone := zoneOf(iv)
	edges := []time.Time{a.Start}
	for _, g := range a.Gaps {
		edges = append(edges, g.From, g.To)
	}
	edges = append(edges, a.End)
	for i := range len(edges) - 1 {
		from, to := int(edges[i].Sub(a.Start)/time.Second), int(edges[i+1].Sub(a.Start)/time.Second)
		row := spanRow{
			From: clock(edges[i], zone), To: clock(edges[i+1], zone),
			Operator: seen(a.Masks[evidence.Operator], from, to), Person: seen(a.Masks[evidence.Person], from, to),
		}
		if i%2 == 0 || a.Gaps[i/2].Counts {
			row.Counts = to - from
		}
		p.TotalOperator, p.TotalPerson, p.TotalCounts = p.TotalOperator+row.Operator, p.TotalPerson+row.Person, p.TotalCounts+row.Counts
		p.Spans = append(p.Spans, row)
	}
}

func seen(m evidence.Mask, from, to int) int {
	return strings.Count(m.Connected[min(from, len(m.Connected)):min(to, len(m.Connected))], "1")
}

// claims audits the bundle as an auditor's own program would, with the trust this installation is configured with.
func (s *server) claims(page *reportPage, iv *evidence.Interview) {
	data, stale := s.bundles.standing(iv)
	if data == nil {
		page.Stale, page.WhyNot = stale, page.t("report.none")
		if stale {
			page.WhyNot = page.t("report.stale")
		}
		return
	}
	sum := sha256.Sum256(data)
	page.Digest = hex.EncodeToString(sum[:])
	report := audit.Verify(data, s.cfg.Trust, time.Now())
	counts := map[audit.Verdict]int{}
	for _, c := range report.Claims {
		counts[c.Verdict]++
		page.Claims = append(page.Claims, claimView{
			verdictView: proofs[c.Verdict], Name: "claim." + c.Claim, Says: "says." + c.Claim, Detail: c.In(page.Lang),
		})
	}
	for _, v := range []audit.Verdict{audit.Proved, audit.Word, audit.Unproved, audit.Contradicted} {
		page.Tally = append(page.Tally, tallyView{proofs[v].Tone, proofs[v].Icon, text.Count(page.Lang, "tally."+string(v), counts[v])})
	}
}

// bundleCache keeps the newest bundles, so that reading a report again issues nothing.
type bundleCache struct {
	one  sync.Mutex // held while a bundle is issued, so that two who ask share one
	mu   sync.Mutex // guards kept
	kept map[string]keptBundle
}

type keptBundle struct {
	hash string // of the entry before bundle-issued: what the bundle is complete up to
	data []byte
}

const maxKept = 16

// standing gives the bundle that is complete up to the interview's last entry; stale tells that an older one is kept.
func (c *bundleCache) standing(iv *evidence.Interview) (data []byte, stale bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.kept[iv.ID]
	if ok && k.hash == iv.LastHash {
		return k.data, false
	}
	return nil, ok
}

// checkBundle issues the bundle and leads to the report with what its audit says.
func (s *server) checkBundle(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Issue == nil || iv.Signed == nil {
		return failure{http.StatusConflict, "fail.late", "report.early"}
	}
	if _, err := s.bundle(r.Context(), iv); err != nil {
		return err
	}
	return see(w, r, d.v.Base)
}

// bundle gives the bundle of an interview as it stands, and issues one where nothing fits.
func (s *server) bundle(ctx context.Context, iv *evidence.Interview) ([]byte, error) {
	c := &s.bundles
	c.one.Lock()
	defer c.one.Unlock()
	if data, _ := c.standing(iv); data != nil {
		return data, nil
	}
	data, err := s.cfg.Issue(ctx, iv.ID)
	if err != nil {
		return nil, fmt.Errorf("issue bundle: %w", err)
	}
	after, err := s.j.Interview(ctx, iv.ID)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) >= maxKept {
		c.kept = map[string]keptBundle{}
	}
	c.kept[iv.ID] = keptBundle{after.LastHash, data}
	return data, nil
}

// downloadBundle hands the bundle out.
func (s *server) downloadBundle(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Issue == nil || iv.Signed == nil {
		return failure{http.StatusConflict, "fail.late", "report.early"}
	}
	data, err := s.bundle(r.Context(), iv)
	if err != nil {
		return err
	}
	if err := s.trace(r, d, iv.ID, "bundle"); err != nil {
		return err
	}
	n := iv.Scheduled.Number
	h := w.Header()
	h.Set("Content-Type", "application/vnd.etsi.asic-e+zip")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="colloquio-%d-%d.asice"`, n.N, n.Year))
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // an error is a reader that went away
	return nil
}

// downloadReport gives the report as a document.
func (s *server) downloadReport(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	if s.cfg.Report == nil {
		return errNotFound
	}
	pdf, err := s.cfg.Report(r.Context(), iv.ID)
	if err != nil {
		return fmt.Errorf("render report: %w", err)
	}
	if err := s.trace(r, d, iv.ID, "report.pdf"); err != nil {
		return err
	}
	n := iv.Scheduled.Number
	return writePDF(w, pdf, fmt.Sprintf("rapporto-%d-%d.pdf", n.N, n.Year))
}
