package pades_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence/anchor/testpki"
	"confermo/evidence/seal"
	"confermo/pdf/pades"
)

// lasting adds revocation data for every chain of the PDF's signatures.
func (o office) lasting(t testing.TB, pdf []byte) []byte {
	t.Helper()
	v := o.verify()
	v.At = time.Time{}
	sigs, err := pades.Verify(pdf, v)
	if err != nil {
		t.Fatal(err)
	}
	var all pades.Evidence
	for _, chain := range pades.Chains(sigs) {
		e, err := o.pki.Evidence(chain)
		if err != nil {
			t.Fatal(err)
		}
		all.Certs, all.OCSPs, all.CRLs = append(all.Certs, e.Certs...), append(all.OCSPs, e.OCSPs...), append(all.CRLs, e.CRLs...)
	}
	out, err := pades.AddRevocation(pdf, all)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (o office) archive(t testing.TB, pdf []byte) []byte {
	t.Helper()
	out, err := pades.Archive(pdf, o.stamp)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// levels verifies and names the levels; every signature must give a reason for a low one.
func levels(t *testing.T, pdf []byte, v pades.VerifyOptions) string {
	t.Helper()
	sigs, err := pades.Verify(pdf, v)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, s := range sigs {
		out = append(out, s.Level)
		if (s.Level == "B-T") != (s.Lacks != nil) {
			t.Errorf("level %s lacks %v", s.Level, s.Lacks)
		}
	}
	return strings.Join(out, " ")
}

func TestRevocationDataAndDocumentTimeStampsRaiseTheLevel(t *testing.T) {
	o := newOffice(t)
	signed := o.signTwice(t, timesheet(t))
	v := o.verify()
	if got := levels(t, signed, v); got != "B-T B-T" {
		t.Error(got)
	}
	lt := o.lasting(t, signed)
	if got := levels(t, lt, v); got != "B-LT B-LT" {
		t.Error(got)
	}
	same, err := pades.AddRevocation(lt, pades.Evidence{})
	if err != nil || !bytes.Equal(same, lt) {
		t.Errorf("nothing added changes the file: %v", err)
	}
	lta := o.archive(t, lt)
	if got := levels(t, lta, v); got != "B-LTA B-LTA" {
		t.Error(got)
	}
	if got := levels(t, o.archive(t, signed), v); got != "B-T B-T" {
		t.Errorf("a document time stamp without revocation data makes %s", got)
	}
	if got := levels(t, o.lasting(t, o.archive(t, signed)), v); got != "B-LT B-LT" {
		t.Errorf("revocation data no stamp covers makes %s", got)
	}
	sigs, err := pades.Verify(lta, v)
	if err != nil || len(sigs[0].Archives) != 1 || !sigs[1].WholeDocument || sigs[0].WholeDocument {
		t.Errorf("%+v, %v", sigs, err)
	}
	back, err := pades.Original(lta)
	if err != nil || !bytes.HasPrefix(signed, back) {
		t.Errorf("original: %v", err)
	}
	// A signature after the archive stamp, and archived again.
	operator, err := o.pki.IssueOperator("Bruno Rossi")
	if err != nil {
		t.Fatal(err)
	}
	third, err := pades.Sign(lta, operator, pades.SignOptions{FieldName: "Revisore", M: o.now, Stamp: o.stamp})
	if err != nil {
		t.Fatal(err)
	}
	if got := levels(t, third, v); got != "B-LTA B-LTA B-T" {
		t.Error(got)
	}
	if got := levels(t, o.archive(t, o.lasting(t, third)), v); got != "B-LTA B-LTA B-LTA" {
		t.Error(got)
	}
	look(t, "archived.pdf", lta)
}

func TestADocumentTimeStampAloneTimesASignature(t *testing.T) {
	o := newOffice(t)
	signed, err := pades.Sign(timesheet(t), o.pki.Seal(), pades.SignOptions{FieldName: "Sigillo", M: o.now})
	if err != nil {
		t.Fatal(err)
	}
	v := o.verify()
	v.At = o.now.AddDate(15, 0, 0)
	if got := levels(t, o.archive(t, signed), v); got != "B-T" {
		t.Error(got)
	}
}

func TestARevokedCertificateIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		cert  func(office) *x509.Certificate
		shift time.Duration
		why   int
		want  string
	}{
		"signer before":                {func(o office) *x509.Certificate { return o.pki.Seal().Chain[0] }, -time.Minute, 1, "revoked"},
		"signer after":                 {func(o office) *x509.Certificate { return o.pki.Seal().Chain[0] }, 30 * time.Second, 1, "B-LT B-LT"},
		"operators' issuer before":     {operators, -time.Minute, 0, "revoked"},
		"authority before":             {stamper, -time.Minute, 4, "revoked"},
		"authority after, compromised": {stamper, 30 * time.Second, 1, "revoked"},
		"authority after, superseded":  {stamper, 30 * time.Second, 4, "B-LT B-LT"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			signed := o.signTwice(t, timesheet(t))
			if err := o.pki.Revoke(c.cert(o), testpki.Revoked{At: o.now.Add(c.shift), Reason: c.why}); err != nil {
				t.Fatal(err)
			}
			_, err := pades.Verify(o.lasting(t, signed), o.verify())
			var broken *seal.RuleError
			if c.want == "revoked" {
				if !errors.As(err, &broken) || broken.Rule != seal.RuleRevoked {
					t.Errorf("error %v", err)
				}
				return
			}
			if got := levels(t, o.lasting(t, signed), o.verify()); got != c.want {
				t.Error(got)
			}
		})
	}
}

func operators(o office) *x509.Certificate {
	s, err := o.pki.IssueOperator("Anna Bianchi")
	if err != nil {
		panic(err)
	}
	return s.Chain[1]
}

func stamper(o office) *x509.Certificate {
	token, err := o.stamp([32]byte{})
	if err != nil {
		panic(err)
	}
	info, err := seal.VerifyToken(token, make([]byte, 32), o.tsa, time.Time{})
	if err != nil {
		panic(err)
	}
	return info.Cert
}

// A stamp made before the authority's key was compromised keeps what is below it.
func TestAnArchiveStampOutlivesTheCompromiseOfAnOlderAuthority(t *testing.T) {
	o := newOffice(t)
	old := stamper(o)
	lt := o.lasting(t, o.signTwice(t, timesheet(t)))
	if err := o.pki.RenewTSA(); err != nil {
		t.Fatal(err)
	}
	lta := o.archive(t, lt)
	if err := o.pki.Revoke(old, testpki.Revoked{At: o.now.Add(20 * time.Second), Reason: 1}); err != nil {
		t.Fatal(err)
	}
	if got := levels(t, o.lasting(t, lta), o.verify()); got != "B-LTA B-LTA" {
		t.Error(got)
	}
	if got := levels(t, o.lasting(t, lt), o.verify()); !strings.Contains(got, "was revoked at") {
		t.Error(got)
	}
}

func TestRenewalInTimeOutlivesCertificates(t *testing.T) {
	o := newOffice(t)
	clock := o.now
	o.pki.SetClock(func() time.Time { return clock })
	lta := o.archive(t, o.lasting(t, o.signTwice(t, timesheet(t))))
	ask := func(years int) pades.VerifyOptions {
		v := o.verify()
		v.At, v.RequireCurrent = o.now.AddDate(years, 0, 0), true
		return v
	}
	if got := levels(t, lta, ask(9)); got != "B-LTA B-LTA" {
		t.Error(got)
	}
	if got := levels(t, lta, ask(11)); !strings.Contains(got, "not renewed in time") {
		t.Errorf("certificates expired, and Verify says %s", got)
	}
	renewal := pades.Renewal{
		Roots: o.roots, TSARoots: o.tsa, Within: 2 * 365 * 24 * time.Hour, Revocation: o.pki.Evidence, Stamp: o.stamp,
	}
	renewal.Now = o.now.AddDate(5, 0, 0)
	if same, done, err := pades.Renew(lta, renewal); err != nil || done || !bytes.Equal(same, lta) {
		t.Errorf("renewed early: %v %v", done, err)
	}
	clock = o.now.AddDate(9, 0, 0)
	renewal.Now = clock
	if err := o.pki.RenewTSA(); err != nil {
		t.Fatal(err)
	}
	renewed, done, err := pades.Renew(lta, renewal)
	if err != nil || !done {
		t.Fatal(done, err)
	}
	for _, years := range []int{9, 11, 18} {
		if got := levels(t, renewed, ask(years)); got != "B-LTA B-LTA" {
			t.Errorf("after %d years: %s", years, got)
		}
	}
	if got := levels(t, renewed, ask(20)); !strings.Contains(got, "not renewed in time") {
		t.Errorf("after 20 years: %s", got)
	}
	clock = o.now.AddDate(11, 0, 0)
	late := o.archive(t, lta)
	if got := levels(t, late, ask(12)); !strings.Contains(got, "not renewed in time") {
		t.Errorf("renewed too late, and Verify says %s", got)
	}
	renewal.Now = clock
	if _, _, err := pades.Renew(lta, renewal); err == nil {
		t.Error("Renew says nothing of a file that is too old")
	}
}

func TestRenewRaisesAFreshSignature(t *testing.T) {
	o := newOffice(t)
	signed := o.signTwice(t, timesheet(t))
	out, done, err := pades.Renew(signed, pades.Renewal{
		Roots: o.roots, TSARoots: o.tsa, Now: time.Now(), Within: time.Hour, Revocation: o.pki.Evidence, Stamp: o.stamp,
	})
	if err != nil || !done {
		t.Fatal(done, err)
	}
	if got := levels(t, out, o.verify()); got != "B-LTA B-LTA" {
		t.Error(got)
	}
}

func TestEvidenceMustBeGenuineAndFitTheTime(t *testing.T) {
	o := office{now: time.Now()}
	var err error
	if o.pki, err = testpki.Open(t.TempDir(), o.now.AddDate(0, 0, -7)); err != nil {
		t.Fatal(err)
	}
	o.roots, o.tsa = o.pki.Roots()
	clock := o.now
	o.pki.SetClock(func() time.Time { return clock })
	signed := o.signTwice(t, timesheet(t))
	v := o.verify()
	clock = o.now.Add(-48 * time.Hour) // lists that ended before the signature
	if got := levels(t, o.lasting(t, signed), v); got != "B-T B-T" {
		t.Errorf("stale data makes %s", got)
	}
	clock = o.now.Add(time.Hour) // younger than the moment asked about
	if got := levels(t, o.lasting(t, signed), v); got != "B-T B-T" {
		t.Errorf("data of the future makes %s", got)
	}
	other := newOffice(t)
	foreign, err := other.pki.CRL("seal")
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]pades.Evidence{
		"foreign list":        {CRLs: [][]byte{foreign}},
		"foreign certificate": {Certs: [][]byte{other.pki.Seal().Chain[0].Raw}},
	} {
		with, err := pades.AddRevocation(signed, e)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pades.Verify(with, v)
		var broken *seal.RuleError
		if !errors.As(err, &broken) || broken.Rule != seal.RuleForm {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pades.AddRevocation(signed, pades.Evidence{CRLs: [][]byte{[]byte("no list")}}); err == nil {
		t.Error("rubbish added")
	}
}

func TestFlippedBitsOfRevocationDataAndStampsAreRefused(t *testing.T) {
	o := newOffice(t)
	signed := o.signTwice(t, timesheet(t))
	v := o.verify()
	lt := o.lasting(t, signed)
	for _, good := range [][]byte{lt, o.archive(t, lt)} {
		want := levels(t, good, v)
		for at := len(signed); at < len(good); at += 41 {
			bad := slices.Clone(good)
			bad[at] ^= 1 << (at / 41 % 8)
			if got := levels(t, bad, v); got == want {
				t.Errorf("flip in byte %d of %d passes", at, len(good))
			}
		}
	}
	for name, bad := range map[string][]byte{
		"comment":      append(slices.Clone(lt), "% x\n"...),
		"page changed": replacePage(t, lt),
		"store swapped for a page's": func() []byte {
			return bytes.Replace(lt, []byte("/Type /DSS"), []byte("/Type /DSX"), 1)
		}(),
	} {
		if _, err := pades.Verify(bad, v); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
