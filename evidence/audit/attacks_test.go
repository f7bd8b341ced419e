package audit_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
	"confermo/evidence/tree"
)

// Attack 5: the tail is cut off and the log goes on without it. The receipt of what was cut holds.
func TestAttack5_CutTailIsFoundByTheReceipt(t *testing.T) {
	whole, cut := audittest.Tell(audittest.Script{}), audittest.Tell(audittest.Script{Reply: "-"})
	r := audit.VerifyWithReceipt(cut.Seal(cut.Content()), whole.Receipt(2, nil), trust(t, cut.Trust()), auditAt)
	wants(t, r, audit.Matches, audit.Contradicted, "receipt-rewritten")
}

// Attack 8: the log went on from an old copy. What a witness or an authority saw of it is larger than what it now shows.
func TestAttack8_LogSetBackBehindItsAnchor(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	c := s.Content()
	s.Log.Append("stream:access", "web", audittest.Clock(10, 40, 5), &evidence.AccountSignedIn{Account: "x"})
	c.Anchors = append(slices.Clone(c.Anchors), bundle.Anchor{Size: s.Log.Size(), Note: s.Log.Note(s.Log.Size(), audittest.Clock(10, 40, 6))})
	wants(t, audit.Verify(s.Seal(c), trust(t, s.Trust()), auditAt), audit.Integrity, audit.Contradicted, "anchor-broken")
}

// Attack 16 and 17: bytes behind the signed revision, and a signed range that is not the document. The operator signs and
// records what he made of the file.
func TestAttack16_17_GamesWithTheSignedTimesheet(t *testing.T) {
	object := regexp.MustCompile(`(?m)^1 0 obj`)
	ranges := regexp.MustCompile(`/ByteRange ?\[ ?0 (\d+) (\d+) (\d+)`)
	for what, change := range map[string]func([]byte) []byte{
		"a byte": func(pdf []byte) []byte { return append(bytes.Clone(pdf), '\n') },
		"an update": func(pdf []byte) []byte {
			start := regexp.MustCompile(`startxref\s+(\d+)`).FindAllSubmatch(pdf, -1)
			at := len(pdf)
			more := fmt.Sprintf("1 0 obj\n<</Type/Catalog>>\nendobj\nxref\n1 1\n%010d 00000 n \ntrailer\n<</Size 100/Root 1 0 R/Prev %s>>\nstartxref\n%d\n%%%%EOF\n",
				at, start[len(start)-1][1], at+len("1 0 obj\n<</Type/Catalog>>\nendobj\n"))
			return append(bytes.Clone(pdf), more...)
		},
		"another object": func(pdf []byte) []byte {
			at := object.FindIndex(pdf)
			out := bytes.Clone(pdf)
			out[at[0]] = '7'
			return out
		},
		"a wider gap": func(pdf []byte) []byte {
			at := ranges.FindSubmatchIndex(pdf)
			out := bytes.Clone(pdf)
			out[at[3]-1] ^= 1
			return out
		},
		"a shorter range": func(pdf []byte) []byte {
			at := ranges.FindSubmatchIndex(pdf)
			out := bytes.Clone(pdf)
			out[at[7]-1] ^= 1
			return out
		},
		"a second range": func(pdf []byte) []byte {
			at := ranges.FindIndex(pdf)
			return slices.Concat(pdf[:at[0]], []byte("/ByteRange [0 1 2 3] "), pdf[at[0]:])
		},
	} {
		r := verify(t, audittest.Tell(audittest.Script{Fact: edit(func(f *evidence.TimesheetSigned) { f.File.Data = change(f.File.Data) })}))
		if c := r.Of(audit.Signatures); c.Verdict != audit.Contradicted {
			t.Errorf("%s: signatures %s (%s)", what, c.Verdict, c.Detail)
		}
	}
}

// Attack 18: a signature without its stamp is not the level it says, and what is not stamped is not proved.
func TestAttack18_StrippedStamps(t *testing.T) {
	r := verify(t, audittest.Tell(audittest.Script{NoStamp: true}))
	wants(t, r, audit.Signatures, audit.Contradicted, "pdf-level")
	r = verify(t, audittest.Tell(audittest.Script{NoStamp: true, Fact: edit(func(f *evidence.TimesheetSigned) { f.Level = "B-B" })}))
	wants(t, r, audit.Signatures, audit.Unproved, "pdf-unstamped")
	s := audittest.Tell(audittest.Script{})
	var b bytes.Buffer
	reused := func([32]byte) ([]byte, error) { return s.PKI.Stamper(audittest.Clock(10, 40, 3))([32]byte{1}) }
	if err := bundle.Write(&b, s.Content(), s.SealSigner(), audittest.Clock(10, 40, 2), reused); err != nil {
		t.Fatalf("the test's container is not written: %v", err)
	}
	r = audit.Verify(b.Bytes(), trust(t, s.Trust()), auditAt)
	wants(t, r, audit.Signatures, audit.Contradicted, "container-signature")
}

// Attack 25: a new log without a link to the old one. Both keys are trusted; an anchor of the old proves nothing of the new, and
// is refused as its beginning.
func TestAttack25_NewOriginWithoutALink(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	old, key := audittest.Key("log.old.example")
	fsys := s.Trust()
	fsys["log.vkey"].Data = append(fsys["log.vkey"].Data, key...)
	c := s.Content()
	cp := tree.Checkpoint{Origin: "log.old.example", Size: 4}
	signed, err := tree.SignCheckpoint(cp, []note.Signer{old}...)
	if err != nil {
		t.Fatal(err)
	}
	c.Anchors = append([]bundle.Anchor{{Size: 4, Note: signed}}, c.Anchors...)
	c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), c.Anchors[0].Size, c.Anchors[1].Size, c.Anchors[2].Size, c.Anchors[3].Size)
	wants(t, audit.Verify(s.Seal(c), trust(t, fsys), auditAt), audit.Integrity, audit.Contradicted, "anchor-broken")
	delete(fsys, "log.vkey")
	fsys["log.vkey"] = policy(key)
	wants(t, audit.Verify(s.Seal(s.Content()), trust(t, fsys), auditAt), audit.Integrity, audit.Unproved, "log-key-unknown")
}

// ATTACKS.md has every row once, and every test it names is there and mounts what it says.
func TestAttacksDocumentNamesTestsThatExist(t *testing.T) {
	data, err := os.ReadFile("ATTACKS.md")
	if err != nil {
		t.Fatal(err)
	}
	root, declared := filepath.Join("..", ".."), map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root || !strings.HasSuffix(path, "_test.go") {
			if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllSubmatch(source, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, fmt.Sprintf("| %d |", next)) {
			continue
		}
		names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1)
		if len(names) == 0 && !strings.Contains(line, "not yet") {
			t.Errorf("row %d names no test", next)
		}
		for _, n := range names {
			if !declared[n[1]] {
				t.Errorf("row %d names %s, which is no test", next, n[1])
			}
		}
		next++
	}
	if next != 26 {
		t.Errorf("row %d is missing", next)
	}
}
