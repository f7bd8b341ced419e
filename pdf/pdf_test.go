package pdf_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/anchor/testpki"
	"confermo/evidence/journal"
	"confermo/evidence/seal"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/pdf"
	"confermo/pdf/layout"
	"confermo/pdf/pades"
)

const id = "01KB4Z9Q6W3T8N5R2M7P0XVEHD"

// office is a real journal and the test authorities.
type office struct {
	*journal.Journal
	pki *testpki.PKI
}

func newOffice(t *testing.T) office {
	t.Helper()
	folder := t.TempDir()
	key, _, err := note.GenerateKey(rand.Reader, "test.example/log")
	must(t, err)
	blobs, err := vault.Dir(filepath.Join(folder, "blobs"))
	must(t, err)
	v, err := vault.Open(t.Context(), blobs, filepath.Join(folder, "vault.key"))
	must(t, err)
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(folder, "confermo.db"))
	must(t, err)
	j, err := journal.Open(t.Context(), db, v, journal.Config{
		Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: key, Erased: vault.ErrErased,
	})
	must(t, err)
	t.Cleanup(func() { j.Close(); _ = db.Close() })
	pki, err := testpki.Open(filepath.Join(folder, "pki"), time.Now())
	must(t, err)
	return office{j, pki}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o office) stamp(_ context.Context, digest [32]byte) ([]byte, error) {
	return o.pki.Stamp(seal.Request{Imprint: digest, CertReq: true})
}

// hold appends an interview of one minute up to its completion, as the observers would.
func (o office) hold(t *testing.T) {
	t.Helper()
	start := time.Now().Add(-10 * time.Minute).UTC().Truncate(time.Second)
	stamp := func(at time.Time) string { return at.Format(evidence.TimeFormat) }
	by := evidence.Who{Account: "a1", Name: evidence.V("Ilaria Montebruni"), Role: "operator"}
	ones, zeros := strings.Repeat("1", 60), strings.Repeat("0", 60)
	drafts := []journal.Draft{{Fact: &evidence.Scheduled{
		Agency:   evidence.Agency{ID: "ponte", Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "via dei Tigli 4"},
		Operator: by, Activity: "B03", Path: "first", Mode: "remote", Language: "it", Start: stamp(start), Minutes: 60,
		Zone: "Europe/Rome", Test: true,
		Programme: evidence.Programme{
			ID: "api", Title: "Assegno per l’Impiego", Version: 1,
			Terms: evidence.Terms{Rule: evidence.Rule{Liveness: 10, Minimum: 5, Tolerance: 30}},
		},
		Person: evidence.Subject{
			Name: evidence.V("Łucja"), Surname: evidence.V("Ștefănescu"), TaxCode: evidence.V("FRRNDA85H52X999W"),
			Phone: evidence.V("399 000 0142"),
		},
	}}}
	add := func(at time.Time, f evidence.Fact) { drafts = append(drafts, journal.Draft{At: at, Fact: f}) }
	add(start.Add(-time.Minute), &evidence.NoticeRead{Version: "1.0", Language: "it"})
	add(start, &evidence.PartyAdmitted{Party: evidence.Operator})
	add(start, &evidence.PartyAdmitted{Party: evidence.Person})
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		add(start.Add(time.Minute), &evidence.MediaObserved{
			Party: p, From: stamp(start), Secs: 60, Connected: ones, Audio: ones, Video: ones, Voice: ones, Text: zeros,
		})
	}
	add(start.Add(time.Minute), &evidence.Closed{At: stamp(start.Add(time.Minute)), Reason: "operator"})
	add(start.Add(2*time.Minute), &evidence.Completed{By: by, Topics: []string{"job-search"}, Place: "Borgolieto"})
	for i := range drafts {
		drafts[i].Interview, drafts[i].By = id, "test"
	}
	_, err := o.Append(t.Context(), drafts...)
	must(t, err)
}

func (o office) approve(t *testing.T) {
	t.Helper()
	_, err := o.Append(t.Context(), journal.Draft{Interview: id, By: "web", Fact: &evidence.TimesheetApproved{
		By: evidence.Who{Account: "a1", Name: evidence.V("Ilaria Montebruni")}, Version: 1, Attested: 60, Method: "password+code",
	}})
	must(t, err)
}

func names(*evidence.Interview, string) (string, map[string]string) {
	return "Consulenza alla ricerca di lavoro", map[string]string{"job-search": "Ricerca attiva di lavoro"}
}

// run runs a signer until the test ends.
func (o office) run(t *testing.T, stamp pdf.Stamp) {
	t.Helper()
	s, err := pdf.Open(pdf.Config{Journal: o.Journal, Seal: o.pki.Seal(), Stamp: stamp, Names: names, Retry: 5 * time.Millisecond})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("signer: %v", err)
		}
	})
}

// signed waits for the signed timesheet and gives the fact and the PDF.
func (o office) signed(t *testing.T) (*evidence.Interview, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		size := o.Size()
		iv, err := o.Interview(ctx, id)
		must(t, err)
		if iv.Signed != nil {
			data, err := o.File(ctx, id, iv.SignedN, "file")
			must(t, err)
			return iv, data
		}
		must(t, o.Wait(ctx, size))
	}
}

func TestT16_ApprovedTimesheetIsDrawnAndSealed(t *testing.T) {
	o := newOffice(t)
	o.hold(t)
	o.run(t, o.stamp)
	o.approve(t)
	iv, data := o.signed(t)
	if iv.Signed.Level != "B-T" || iv.Signed.Attested != 60 || iv.Signed.Layout != layout.Version || iv.Signed.Offset == 0 {
		t.Errorf("fact: %+v", iv.Signed)
	}
	roots, tsa := o.pki.Roots()
	sigs, err := pades.Verify(data, pades.VerifyOptions{Roots: roots, TSARoots: tsa, At: time.Now(), RequireTimestamp: true})
	must(t, err)
	page, x, y, w, h := layout.SignatureBox(data)
	if len(sigs) != 1 || !sigs[0].WholeDocument || sigs[0].Page != page || !near(sigs[0].Rect, [4]float64{x, y, w, h}) {
		t.Errorf("signatures: %+v, want page %d, box %v", sigs, page, [4]float64{x, y, w, h})
	}
	if !strings.Contains(sigs[0].Reason, "Ilaria Montebruni") {
		t.Errorf("reason %q", sigs[0].Reason)
	}
	// What was signed follows from the entries up to the approval alone, whatever came after.
	entries, err := o.Entries(t.Context(), id)
	must(t, err)
	sheet, err := evidence.Fold(id, entries).Timesheet()
	must(t, err)
	drawn, err := layout.Timesheet(sheet, pdf.Words(iv, names))
	must(t, err)
	original, err := pades.Original(data)
	must(t, err)
	if err := layout.Same(original, drawn); err != nil {
		t.Error(err)
	}
	if look := os.Getenv("CONFERMO_LOOK"); look != "" {
		must(t, os.WriteFile(look, data, 0o600))
	}
}

func near(a, b [4]float64) bool {
	for i := range a {
		if d := a[i] - b[i]; d > 0.02 || d < -0.02 {
			return false
		}
	}
	return true
}

func TestApprovedBeforeTheStartIsSigned(t *testing.T) {
	o := newOffice(t)
	o.hold(t)
	o.approve(t)
	o.run(t, nil)
	iv, data := o.signed(t)
	if iv.Signed.Level != "B-B" {
		t.Errorf("level %s without a time-stamping service", iv.Signed.Level)
	}
	roots, _ := o.pki.Roots()
	_, err := pades.Verify(data, pades.VerifyOptions{Roots: roots, At: time.Now()})
	must(t, err)
}

// While the configured time-stamping service fails nothing is signed at a lower level; the duty is tried again.
func TestFailingStampIsRetriedNotLowered(t *testing.T) {
	o := newOffice(t)
	o.hold(t)
	var calls atomic.Int32
	o.run(t, func(ctx context.Context, digest [32]byte) ([]byte, error) {
		if calls.Add(1) <= 3 {
			return nil, errors.New("no answer")
		}
		return o.stamp(ctx, digest)
	})
	o.approve(t)
	iv, _ := o.signed(t)
	if iv.Signed.Level != "B-T" || calls.Load() < 4 {
		t.Errorf("level %s after %d calls", iv.Signed.Level, calls.Load())
	}
}

// Two signers at once record one signature.
func TestTimesheetIsSignedOnce(t *testing.T) {
	o := newOffice(t)
	o.hold(t)
	both := make(chan struct{})
	var arrived atomic.Int32
	meet := func(ctx context.Context, digest [32]byte) ([]byte, error) {
		if arrived.Add(1) == 2 {
			close(both)
		}
		select {
		case <-both:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return o.stamp(ctx, digest)
	}
	t.Run("signers", func(t *testing.T) {
		o.run(t, meet)
		o.run(t, meet)
		o.approve(t)
		o.signed(t)
	})
	entries, err := o.Entries(t.Context(), id)
	must(t, err)
	n := 0
	for _, e := range entries {
		if e.Head.Kind == (*evidence.TimesheetSigned)(nil).Kind() {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d signed timesheets", n)
	}
}

func TestX11_NoPreviewBeforeTheInterviewIsClosed(t *testing.T) {
	o := newOffice(t)
	_, err := o.Append(t.Context(), journal.Draft{Interview: id, By: "web", Fact: &evidence.Scheduled{
		Agency: evidence.Agency{ID: "ponte"}, Zone: "Europe/Rome", Start: "2026-11-24T10:15:00.000Z",
	}})
	must(t, err)
	iv, err := o.Interview(t.Context(), id)
	must(t, err)
	if _, err := pdf.Preview(iv, names); !errors.Is(err, evidence.ErrNotClosed) {
		t.Errorf("preview: %v", err)
	}
	if _, err := pdf.Report(iv, names); err != nil {
		t.Errorf("report of a scheduled interview: %v", err)
	}
}

// Foreign programs judge the signature and read the text.
func TestT16_ForeignProgramsReadTheTimesheet(t *testing.T) {
	for _, tool := range []string{"pdfsig", "pdftotext", "qpdf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	o := newOffice(t)
	o.hold(t)
	o.run(t, o.stamp)
	o.approve(t)
	_, data := o.signed(t)
	file := filepath.Join(t.TempDir(), "timesheet.pdf")
	must(t, os.WriteFile(file, data, 0o600))
	out, _ := exec.Command("pdfsig", file).CombinedOutput()
	if s := string(out); !strings.Contains(s, "Signature is Valid") || !strings.Contains(s, "Total document signed") {
		t.Errorf("pdfsig:\n%s", s)
	}
	if out, err := exec.Command("qpdf", "--check", file).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v\n%s", err, out)
	}
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	must(t, err)
	for _, want := range []string{"Łucja Ștefănescu", "399 000 0142", "FRRNDA85H52X999W", "Ricerca attiva di lavoro", "Sigillo elettronico"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}
