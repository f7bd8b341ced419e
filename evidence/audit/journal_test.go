package audit_test

import (
	"bytes"
	"crypto/rand"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/evidence/store"
	"confermo/evidence/tree"
	"confermo/evidence/vault"
)

// real is a journal on disk.
type real struct {
	*journal.Journal
	t *testing.T
}

func open(t *testing.T) real {
	t.Helper()
	dir := t.TempDir()
	key, _, err := note.GenerateKey(rand.Reader, "real.example/log")
	blobs, berr := vault.Dir(filepath.Join(dir, "blobs"))
	if err != nil || berr != nil {
		t.Fatal(err, berr)
	}
	v, err := vault.Open(t.Context(), blobs, filepath.Join(dir, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "confermo.db"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), db, v, journal.Config{Node: "n1", Version: "test", Name: "Prova", Test: true, LogKey: key, Erased: vault.ErrErased})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close(); _ = db.Close() })
	return real{j, t}
}

func (r real) add(scope, stream string, f evidence.Fact) {
	r.t.Helper()
	if _, err := r.Append(r.t.Context(), journal.Draft{Interview: scope, Stream: stream, By: "test", Fact: f}); err != nil {
		r.t.Fatal(err)
	}
}

func (r real) entries(scope string) []evidence.Entry {
	r.t.Helper()
	all, err := r.Entries(r.t.Context(), scope)
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

// seal gathers and seals what the journal holds of the interview, its checkpoint cosigned.
func (r real) seal(id string, pack []byte, files []bundle.NamedFile, pki *audittest.PKI, witness note.Signer) []byte {
	r.t.Helper()
	c := bundle.Content{
		Interview: id, Entries: r.entries(id), Context: slices.Concat(r.entries("stream:node"), r.entries("stream:rules")), RulePack: pack,
	}
	slices.SortFunc(c.Context, func(a, b evidence.Entry) int { return int(a.Index - b.Index) })
	signed, cp, err := r.Checkpoint(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := note.NewVerifier(r.VKey())
	if err != nil {
		r.t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err == nil {
		c.Checkpoint, err = note.Sign(n, witness)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	c.Proofs = tree.Proofs{Size: cp.Size, Root: cp.Root.String()}
	for _, e := range slices.Concat(c.Entries, c.Context) {
		path, err := r.ProveEntry(r.t.Context(), cp.Size, e.Index)
		if err != nil {
			r.t.Fatal(err)
		}
		c.Proofs.Leaves = append(c.Proofs.Leaves, tree.Leaf{
			Stream: e.Head.Stream, N: e.Head.N, Index: e.Index, Hash: tree.LeafHash(e.Line).String(), Path: tree.FormatPath(path),
		})
	}
	c.Files = files
	if views, err := audit.Views(c.Entries, pack); err == nil {
		c.Files = append(slices.Clone(files), views...)
	}
	var b bytes.Buffer
	if err := bundle.Write(&b, c, pki.Seal, time.Now(), pki.Stamper(time.Now())); err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes()
}

// What the journal on disk holds is what the auditor proves, before and after a class was erased.
func TestRealJournalIsProvedAndErasureContradictsNothing(t *testing.T) {
	r, pki := open(t), audittest.NewPKI(time.Now())
	regione, regioneKey := audittest.Key("regione.example")
	pack, err := rules.Sign(rules.TestPack(), regione)
	if err != nil {
		t.Fatal(err)
	}
	r.add("", "rules", &evidence.RulePackAdopted{
		ID: "assegno-impiego-prova", Version: 1, Digest: rules.Digest(pack), File: evidence.F(bundle.NameRulePack, "application/json", pack),
	})
	const id = "01KB4Z9Q6W3T8N5R2M7P0XVEHD"
	r.add(id, "", &evidence.Scheduled{
		Agency: evidence.Agency{ID: "ponte", Name: "Agenzia <Ponte> & Chiaro"}, Operator: evidence.Who{Account: "i", Name: evidence.V("Ilaria")},
		Programme: rules.TestPack().Programme(pack), Activity: "B03", Language: "it", Start: time.Now().UTC().Format(evidence.TimeFormat),
		Minutes: 60, Zone: "Europe/Rome", Person: evidence.Subject{Name: evidence.V("Łucja"), Surname: evidence.V(""), Mail: evidence.V("l@posta.example")},
	})
	picture := []byte("picture")
	r.add(id, "", &evidence.DocumentUploaded{Document: "identity-card", File: evidence.F("documents/card.jpg", "image/jpeg", picture)})
	last := r.entries(id)
	issued := &evidence.BundleIssued{Before: 2, Hash: tree.LineHash(last[1].Line)}
	r.add(id, "", issued)
	witness, witnessKey := audittest.Cosigner("witness.example/one", time.Now)
	trusted := trust(t, fstest.MapFS{
		"log.vkey": {Data: []byte(r.VKey())}, "witness-one.vkey": {Data: []byte(witnessKey)}, "rules-region.vkey": {Data: []byte(regioneKey)},
		"seal-ca.pem": {Data: audittest.PEM(pki.SealRoot)}, "tsa-ca.pem": {Data: audittest.PEM(pki.TSARoot)},
	})
	files := []bundle.NamedFile{{Name: "documents/card.jpg", Data: picture}}
	report := audit.Verify(r.seal(id, pack, files, pki, witness), trusted, time.Now().Add(time.Minute))
	wants(t, report, audit.Integrity, audit.Proved, "record-holds")
	wants(t, report, audit.Completeness, audit.Proved, "complete")
	for _, class := range []evidence.Class{evidence.ClassIdentity, evidence.ClassRecord} {
		r.add(id, "", &evidence.ClassErased{Class: class, Reason: "term"})
		report = audit.Verify(r.seal(id, pack, nil, pki, witness), trusted, time.Now().Add(time.Minute))
		wants(t, report, audit.Completeness, audit.Contradicted, "no-end") // nobody issued this one
		wants(t, report, audit.Integrity, audit.Proved, "record-holds")
		if class == evidence.ClassRecord {
			wants(t, report, audit.Identity, audit.Unproved, "withheld")
		}
	}
}
