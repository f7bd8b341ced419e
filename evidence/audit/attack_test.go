package audit_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
)

// entry is where a stored entry's bytes lie in the archive.
type entry struct {
	name       string
	header     int
	start, end int
}

func entries(data []byte) []entry {
	var out []entry
	for at := 0; binary.LittleEndian.Uint32(data[at:]) == 0x04034b50; {
		size, name := int(binary.LittleEndian.Uint32(data[at+18:])), int(binary.LittleEndian.Uint16(data[at+26:]))
		e := entry{string(data[at+30 : at+30+name]), at, at + 30 + name, at + 30 + name + size}
		out, at = append(out, e), e.end
	}
	return out
}

// fix gives the entry the checksum of its bytes, as an attacker would.
func fix(data []byte, e entry) {
	sum := crc32.ChecksumIEEE(data[e.start:e.end])
	binary.LittleEndian.PutUint32(data[e.header+14:], sum)
	dir := bytes.LastIndex(data, []byte(e.name)) - 46
	binary.LittleEndian.PutUint32(data[dir+16:], sum)
}

// Every bit counts: the archive's own structures, mimetype, META-INF and record byte by byte, the rest in 500 places.
func TestEveryFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	s := audittest.Tell(audittest.Script{})
	data, trusted := s.Seal(s.Content()), trust(t, s.Trust())
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	every := 10
	if os.Getenv("CONFERMO_SOAK") == "1" {
		every = 1
	}
	check := func(at int, what string) {
		r := audit.Verify(data, trusted, auditAt)
		named := slices.ContainsFunc(r.Claims, func(c audit.Claim) bool { return c.Verdict == audit.Contradicted && c.Detail != "" })
		if r.Verdict != string(audit.Contradicted) || !named {
			t.Errorf("byte %d (%s): the bundle is %s", at, what, r.Verdict)
		}
	}
	flip := func(at int, what string) {
		bit := byte(1) << random.IntN(8)
		data[at] ^= bit
		check(at, what)
		data[at] ^= bit
	}
	good := bytes.Clone(data)
	list := entries(data)
	for _, e := range list {
		close := e.name == "mimetype" || strings.HasPrefix(e.name, "META-INF/") || strings.HasPrefix(e.name, "record/")
		for at := e.header; at < e.end; at++ {
			if (at < e.start || close) && random.IntN(every) == 0 {
				flip(at, e.name)
			}
		}
	}
	for at := list[len(list)-1].end; at < len(data); at++ {
		if random.IntN(every) == 0 {
			flip(at, "directory")
		}
	}
	for range 500 {
		flip(random.IntN(len(data)), "anywhere")
	}
	// The same with the checksums set right, so that digests, signatures and proofs must find it.
	for _, e := range list {
		for at := e.start; at < e.end; at++ {
			if random.IntN(every*20) == 0 {
				bit := byte(1) << random.IntN(8)
				data[at] ^= bit
				fix(data, e)
				check(at, e.name+", checksum set right")
				data[at] ^= bit
				fix(data, e)
			}
		}
	}
	if !bytes.Equal(good, data) {
		t.Error("the test did not put every bit back")
	}
}

// An operator who holds the seal seals again what was changed; log, witness and commitments must find it.
func TestAttack3_4_9_ChangedAndSealedAgain(t *testing.T) {
	t.Parallel()
	s := audittest.Tell(audittest.Script{})
	trusted := trust(t, s.Trust())
	file := func(c *bundle.Content, name string) *bundle.NamedFile {
		return &c.Files[slices.IndexFunc(c.Files, func(f bundle.NamedFile) bool { return f.Name == name })]
	}
	without := func(c *bundle.Content, n int) {
		c.Entries = slices.Delete(slices.Clone(c.Entries), n-1, n)
		var sizes []int64
		for _, a := range c.Anchors {
			sizes = append(sizes, a.Size)
		}
		c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), sizes...)
	}
	for _, tt := range []struct {
		name, claim, code string
		change            func(c *bundle.Content)
	}{
		{"an entry left out", audit.Completeness, "chain-broken", func(c *bundle.Content) { without(c, 20) }},
		{"the first entry left out", audit.Completeness, "chain-broken", func(c *bundle.Content) { without(c, 1) }},
		{"the last entry left out", audit.Completeness, "no-end", func(c *bundle.Content) { without(c, len(c.Entries)) }},
		{"a line altered", audit.Integrity, "line-broken", func(c *bundle.Content) {
			c.Entries[3].Line = bytes.Replace(c.Entries[3].Line, []byte(`"by":"web"`), []byte(`"by":"wed"`), 1)
		}},
		{"a line inserted", audit.Integrity, "proof-broken", func(c *bundle.Content) {
			c.Entries = append(slices.Clone(c.Entries), evidence.Entry{Line: c.Entries[0].Line, Head: c.Entries[0].Head})
		}},
		{"a body altered", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			c.Entries[0].Openings = slices.Clone(c.Entries[0].Openings)
			c.Entries[0].Openings[0].Body = append([]byte(" "), c.Entries[0].Openings[0].Body...)
		}},
		{"attack 9: the document swapped", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			file(c, "documents/identity-card-front.jpg").Data = []byte("another picture")
		}},
		{"the document left out", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			file(c, "documents/identity-card-front.jpg").Name = "documents/other.jpg"
		}},
		{"attack 13: the reply rewritten", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			file(c, "mail/r1.eml").Data = []byte("From: x\r\n\r\nConfermo\r\n")
		}},
		{"attack 22: a file nobody recorded", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			c.Files = append(c.Files, bundle.NamedFile{Name: "documents/extra.jpg", Data: []byte("x")})
		}},
		{"another README", audit.Integrity, "views-differ", func(c *bundle.Content) { file(c, "README.txt").Data = []byte("all is well\n") }},
		{"another report", audit.Integrity, "views-differ", func(c *bundle.Content) { file(c, "report.html").Data = []byte("<p>ok") }},
		{"another summary", audit.Integrity, "views-differ", func(c *bundle.Content) { file(c, "summary.pdf").Data = []byte("%PDF-1.3\n") }},
		{"another pack", audit.Integrity, "opening-broken", func(c *bundle.Content) { c.RulePack = append([]byte("x"), c.RulePack...) }},
		{"attack 5: a checkpoint before the end", audit.Integrity, "proof-broken", func(c *bundle.Content) {
			c.Checkpoint = s.Log.Note(s.Log.Size()-1, auditAt)
		}},
		{"an unsigned checkpoint", audit.Integrity, "checkpoint-broken", func(c *bundle.Content) {
			c.Checkpoint = bytes.Replace(c.Checkpoint, []byte("\n\n"), []byte("\nx\n\n"), 1)
		}},
		{"attack 18: a token of another checkpoint", audit.Integrity, "opening-broken", func(c *bundle.Content) {
			c.Anchors = slices.Clone(c.Anchors)
			c.Anchors[0].Token = c.Anchors[1].Token
		}},
		{"a proof for nothing", audit.Integrity, "anchor-broken", func(c *bundle.Content) {
			c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), c.Anchors[0].Size, c.Anchors[1].Size, c.Anchors[2].Size, 3)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := s.Content()
			tt.change(&c)
			r := audit.Verify(s.Seal(c), trusted, auditAt)
			wants(t, r, tt.claim, audit.Contradicted, tt.code)
		})
	}
}

// Attack 7 of TRUST.md: the log shows the auditor another history than the one it had stamped, both signed with its key.
func TestAttack7_ForkedLogIsFound(t *testing.T) {
	s, other := audittest.Tell(audittest.Script{}), audittest.Tell(audittest.Script{Reply: "Non confermo"})
	c := s.Content()
	size := int64(3)
	c.Anchors = append([]bundle.Anchor{{Size: size, Note: other.Log.Note(size, audittest.Clock(8, 1, 0))}}, c.Anchors...)
	c.Proofs = s.Log.Prove(s.Log.Size(), slices.Concat(c.Entries, c.Context), c.Anchors[0].Size, c.Anchors[1].Size, c.Anchors[2].Size, c.Anchors[3].Size)
	wants(t, audit.Verify(s.Seal(c), trust(t, s.Trust()), auditAt), audit.Integrity, audit.Contradicted, "anchor-broken")
}

// Attack 20 of TRUST.md: what the auditor does not bring is not believed, and nothing is held against the bundle for it.
func TestAttack20_MissingTrustIsUnprovedNeverContradicted(t *testing.T) {
	t.Parallel()
	s := audittest.Tell(audittest.Script{})
	data := s.Seal(s.Content())
	own := audittest.Tell(audittest.Script{}) // another installation, with certificates of its own
	for _, tt := range []struct {
		name   string
		change func(fstest.MapFS)
		claim  string
		code   string
	}{
		{"nothing", func(m fstest.MapFS) { clear(m) }, audit.Integrity, "log-key-unknown"},
		{"no log key", func(m fstest.MapFS) { delete(m, "log.vkey") }, audit.Integrity, "log-key-unknown"},
		{"no witness", func(m fstest.MapFS) { delete(m, "witness-one.vkey") }, audit.Integrity, "no-witness"},
		{"no witness, presence", func(m fstest.MapFS) { delete(m, "witness-one.vkey") }, audit.Presence, "rests-on-integrity"},
		{"another log's key", func(m fstest.MapFS) {
			_, key := audittest.Key("other.example")
			m["log.vkey"] = &fstest.MapFile{Data: []byte(key)}
		}, audit.Integrity, "log-key-unknown"},
		{"no seal root", func(m fstest.MapFS) { delete(m, "seal-ca.pem") }, audit.Signatures, "container-untrusted"},
		{"another seal root", func(m fstest.MapFS) { m["seal-ca.pem"] = own.Trust()["seal-ca.pem"] }, audit.Signatures, "container-untrusted"},
		{"no authority of time", func(m fstest.MapFS) { delete(m, "tsa-ca.pem") }, audit.Time, "time-unstamped"},
		{"the operator's own authority", func(m fstest.MapFS) { m["tsa-ca.pem"] = own.Trust()["tsa-ca.pem"] }, audit.Time, "time-unstamped"},
		{"no key of the region", func(m fstest.MapFS) { delete(m, "rules-region.vkey") }, audit.Duration, "pack-key-unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := s.Trust()
			tt.change(fsys)
			r := audit.Verify(data, trust(t, fsys), auditAt)
			wants(t, r, tt.claim, audit.Unproved, tt.code)
			if r.Verdict != audit.Incomplete || tt.claim == audit.Duration && r.AttestedSeconds != 0 {
				t.Errorf("the whole is %s, %d s\n%s", r.Verdict, r.AttestedSeconds, r.Text("it"))
			}
		})
	}
}

func TestAttack13_KeysOfTheReply(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	data := s.Seal(s.Content())
	fsys := s.Trust()
	delete(fsys, "dkim/"+audittest.KeyName+".txt")
	wants(t, audit.Verify(data, trust(t, fsys), auditAt), audit.Confirmation, audit.Word, "confirm-key-word")
	// The provider's real key is another: the operator made the reply's signature.
	fsys["dkim/"+audittest.KeyName+".txt"] = &fstest.MapFile{Data: []byte(audittest.OtherKeyRecord())}
	wants(t, audit.Verify(data, trust(t, fsys), auditAt), audit.Confirmation, audit.Contradicted, "confirm-forged")
}

// What the machine did not decide, the operator vouches for.
func TestOperatorsDecisionIsAWord(t *testing.T) {
	s := audittest.Tell(audittest.Script{Reply: "Va bene", Fact: func(f evidence.Fact) evidence.Fact {
		if _, ok := f.(*evidence.Sealed); ok {
			return &evidence.ReplyDecided{ID: "r1", Verdict: evidence.VerdictConfirmed, Reason: evidence.V("per telefono")}
		}
		return f
	}})
	wants(t, verify(t, s), audit.Confirmation, audit.Word, "confirm-decided")
}

// Withholding anything, alone, makes claims unproved and contradicts none.
func TestWithheldIsUnprovedNeverContradicted(t *testing.T) {
	t.Parallel()
	s := audittest.Tell(audittest.Script{})
	trusted := trust(t, s.Trust())
	good, tried := s.Content(), map[string]bool{}
	for i, e := range good.Entries {
		for j, o := range e.Openings {
			if what := string(e.Head.Kind) + " " + o.Path; tried[what] {
				continue
			} else {
				tried[what] = true
			}
			c := good
			c.Entries = slices.Clone(c.Entries)
			if o.Path == "" { // the parts' openings are still there, as after an erasure of the class "record"
				c.Entries[i].Openings = slices.Clone(e.Openings[1:])
			} else {
				c.Entries[i].Openings = slices.Delete(slices.Clone(e.Openings), j, j+1)
			}
			gone := map[string]bool{bundle.NameReadme: true, bundle.NameReport: true, bundle.NameSummary: true}
			for _, x := range e.Openings {
				gone[x.File] = gone[x.File] || x.File != "" && (o.Path == "" || x.Path == o.Path)
			}
			c.Files = slices.DeleteFunc(slices.Clone(c.Files), func(f bundle.NamedFile) bool { return gone[f.Name] })
			views, err := audit.Views(c.Entries, c.RulePack)
			if err == nil {
				c.Files = append(c.Files, views...)
			}
			r := audit.Verify(s.Seal(c), trusted, auditAt)
			if r.Verdict == string(audit.Contradicted) {
				t.Errorf("withholding %q of entry %d (%s):\n%s", o.Path, e.Head.N, e.Head.Kind, r.Text("it"))
			}
		}
	}
}

type later struct {
	X int `json:"x"`
}

func (*later) Kind() evidence.Kind { return "seen-in-2030" }

func TestUnknownKindIsUnprovedNeverContradicted(t *testing.T) {
	s := audittest.Tell(audittest.Script{At: func(l *audittest.Log, f evidence.Fact, at time.Time) time.Time {
		if f.Kind() == "interview-completed" {
			l.Append(audittest.ID, "web", at, &later{X: 1})
		}
		return at
	}})
	r := verify(t, s)
	wants(t, r, audit.Duration, audit.Unproved, "unknown-kind")
	if r.Verdict != audit.Incomplete {
		t.Errorf("the whole is %s\n%s", r.Verdict, r.Text("it"))
	}
}

func TestWhatIsNoBundle(t *testing.T) {
	for data, code := range map[string]string{"": "not-a-bundle", "hello": "not-a-bundle", "PK\x03\x04 cut": "container-broken"} {
		r := audit.Verify([]byte(data), audit.Trust{}, auditAt)
		wants(t, r, audit.Integrity, audit.Contradicted, code)
		if len(r.Claims) != 10 {
			t.Errorf("%d claims", len(r.Claims))
		}
	}
}

func TestUnstampedBundle(t *testing.T) {
	s := audittest.Tell(audittest.Script{})
	var b bytes.Buffer
	if err := bundle.Write(&b, s.Content(), s.SealSigner(), audittest.Clock(10, 40, 2), nil); err != nil {
		t.Fatal(err)
	}
	r := audit.Verify(b.Bytes(), trust(t, s.Trust()), audittest.Clock(11, 0, 0))
	wants(t, r, audit.Signatures, audit.Unproved, "container-unstamped")
	if r.Verdict != audit.Incomplete {
		t.Error(r.Text("it"))
	}
}
