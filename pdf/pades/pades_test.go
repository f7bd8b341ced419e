package pades_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
	"confermo/pdf/pades"

	"github.com/jung-kurt/gofpdf"
)

// office is a test installation: its authority and the trust an auditor holds.
type office struct {
	pki        *testpki.PKI
	dir        string
	roots, tsa *x509.CertPool
	now        time.Time
}

func newOffice(t testing.TB) office {
	t.Helper()
	o := office{dir: t.TempDir(), now: time.Now()}
	pki, err := testpki.Open(o.dir, o.now)
	if err != nil {
		t.Fatal(err)
	}
	o.pki = pki
	o.roots, o.tsa = pki.Roots()
	return o
}

func (o office) verify() pades.VerifyOptions {
	return pades.VerifyOptions{Roots: o.roots, TSARoots: o.tsa, At: o.now.Add(time.Minute), RequireTimestamp: true}
}

func (o office) stamp(digest [32]byte) ([]byte, error) {
	return o.pki.Stamp(seal.Request{Imprint: digest, Nonce: big.NewInt(5), CertReq: true})
}

// timesheet renders two pages, one with a link, as pdf/layout's library writes them.
func timesheet(t testing.TB) []byte {
	t.Helper()
	f := gofpdf.New("P", "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(time.Unix(1584357300, 0).UTC())
	f.SetModificationDate(time.Unix(1584357300, 0).UTC())
	f.SetTitle("Foglio presenze – prova", true)
	f.AddPage()
	f.SetFont("Helvetica", "", 12)
	f.Cell(40, 10, "Colloquio del 16/03/2020, di 1 ora, dalle 11:15 alle 12:15")
	f.LinkString(10, 10, 20, 20, "https://example.org/")
	f.AddPage()
	f.Cell(40, 10, "Argomenti: ricerca attiva del lavoro")
	var b bytes.Buffer
	if err := f.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// signTwice has the operator sign visibly and the service seal.
func (o office) signTwice(t testing.TB, pdf []byte) []byte {
	t.Helper()
	operator, err := o.pki.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pades.Sign(pdf, operator, pades.SignOptions{
		FieldName: "Operatore", M: o.now, Stamp: o.stamp,
		Name: "Anna Bianchi", Reason: "Foglio presenze (colloquio n. 7)", Location: "Forlì", ContactInfo: "anna@example.org",
		Visible: &pades.Visible{Page: 1, X: 60, Y: 90, W: 220, H: 60, Lines: []string{
			"Firmato da Anna Bianchi", "Operatrice – sede di Forlì (prova)", "16/03/2020 12:20 +01:00", "Certificato di prova",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o.seal(t, signed)
}

func (o office) seal(t testing.TB, pdf []byte) []byte {
	t.Helper()
	signed, err := pades.Sign(pdf, o.pki.Seal(), pades.SignOptions{
		FieldName: "Sigillo", M: o.now, Name: testpki.SealName, Reason: "Sigillo del servizio", Stamp: o.stamp,
	})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestT16_TimesheetIsSignedByOperatorThenSealed(t *testing.T) {
	o := newOffice(t)
	original := timesheet(t)
	signed := o.signTwice(t, original)
	got, err := pades.Verify(signed, o.verify())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d signatures, want 2", len(got))
	}
	op, se := got[0], got[1]
	if op.Field != "Operatore" || op.Signer.Subject.CommonName != "Anna Bianchi – certificato di prova" || op.Level != "B-T" {
		t.Errorf("operator's signature: %+v", op)
	}
	if op.Name != "Anna Bianchi" || op.Location != "Forlì" || op.Page != 1 || op.Rect != [4]float64{60, 90, 220, 60} {
		t.Errorf("operator's words: %+v", op)
	}
	if len(op.Lines) != 4 || op.Lines[1] != "Operatrice – sede di Forlì (prova)" {
		t.Errorf("visible lines: %q", op.Lines)
	}
	if op.WholeDocument || !se.WholeDocument || se.Covers != len(signed) || op.Covers >= se.Covers {
		t.Errorf("cover: operator %d %v, seal %d %v of %d", op.Covers, op.WholeDocument, se.Covers, se.WholeDocument, len(signed))
	}
	if !se.M.Equal(o.now.Truncate(time.Second)) || se.Timestamp == nil || se.Timestamp.Time.Before(o.now.Add(-time.Second)) {
		t.Errorf("seal's times: %v %+v", se.M, se.Timestamp)
	}
	back, err := pades.Original(signed)
	if err != nil || !bytes.Equal(back, original) {
		t.Errorf("original does not come back: %v", err)
	}
	if extra := len(signed) - len(original); extra > 36<<10 {
		t.Errorf("two signatures take %d bytes", extra)
	}
}

func TestWithoutStampTheLevelIsBB(t *testing.T) {
	o := newOffice(t)
	signed, err := pades.Sign(timesheet(t), o.pki.Seal(), pades.SignOptions{FieldName: "Sigillo", M: o.now})
	if err != nil {
		t.Fatal(err)
	}
	v := o.verify()
	if _, err := pades.Verify(signed, v); err == nil {
		t.Error("B-B passes where a stamp is required")
	}
	v.RequireTimestamp = false
	got, err := pades.Verify(signed, v)
	if err != nil || got[0].Level != "B-B" || got[0].Timestamp != nil {
		t.Errorf("level: %+v, %v", got, err)
	}
}

func TestATokenLargerThanItsRoomIsPlacedAtTheSecondTry(t *testing.T) {
	o := newOffice(t)
	calls := 0
	operator, err := o.pki.IssueOperator("Anna Bianchi")
	if err != nil {
		t.Fatal(err)
	}
	for range 12 { // certificates the reader would refuse, only to make it large
		operator.Chain = append(operator.Chain, operator.Chain[1])
	}
	signed, err := pades.Sign(timesheet(t), o.pki.Seal(), pades.SignOptions{
		FieldName: "Sigillo", M: o.now,
		Stamp: func(digest [32]byte) ([]byte, error) {
			calls++
			return seal.NewToken(operator, seal.Request{Imprint: digest, CertReq: true},
				seal.TokenInfo{Time: o.now, Serial: big.NewInt(1), Policy: testpki.Policy})
		},
	})
	if err != nil || calls != 2 {
		t.Errorf("%d stamps, %v", calls, err)
	}
	if _, err := pades.Verify(signed, o.verify()); err == nil {
		t.Error("a token of an operator passes")
	}
}

func TestSignSaysWhatItCannotHandle(t *testing.T) {
	o := newOffice(t)
	plain := timesheet(t)
	good := pades.SignOptions{FieldName: "Sigillo", M: o.now}
	change := func(f func(*pades.SignOptions)) pades.SignOptions {
		c := good
		f(&c)
		return c
	}
	for name, c := range map[string]struct {
		pdf []byte
		o   pades.SignOptions
	}{
		"not a PDF":       {[]byte("hello"), good},
		"empty":           {nil, good},
		"cut":             {plain[:len(plain)-10], good},
		"appended":        {append(bytes.Clone(plain), "% more\n"...), good},
		"encrypted":       {bytes.Replace(plain, []byte("/Root"), []byte("/Encrypt 1 0 R /Root"), 1), good},
		"xref stream":     {bytes.Replace(plain, []byte("xref\n0"), []byte("9 0 obj"), 1), good},
		"no field name":   {plain, change(func(s *pades.SignOptions) { s.FieldName = "" })},
		"no time":         {plain, change(func(s *pades.SignOptions) { s.M = time.Time{} })},
		"bad UTF-8":       {plain, change(func(s *pades.SignOptions) { s.Name = "\xff" })},
		"signed field":    {o.seal(t, plain), good},
		"no such page":    {plain, change(func(s *pades.SignOptions) { s.Visible = &pades.Visible{Page: 3, W: 200, H: 50, Lines: []string{"x"}} })},
		"too small a box": {plain, change(func(s *pades.SignOptions) { s.Visible = &pades.Visible{Page: 1, W: 20, H: 10, Lines: []string{"x"}} })},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := pades.Sign(c.pdf, o.pki.Seal(), c.o)
			if err == nil || out != nil {
				t.Fatal("signed")
			}
			t.Log(err)
		})
	}
}

func wantTrust(t *testing.T, err error) {
	t.Helper()
	var broken *seal.RuleError
	if !errors.As(err, &broken) || broken.Rule != seal.RuleTrust {
		t.Errorf("error %v, want rule trust", err)
	}
}
