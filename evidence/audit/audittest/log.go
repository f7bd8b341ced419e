package audittest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// Log is a journal in memory with keys and salts that are the same in every run, at times the test chooses.
type Log struct {
	Boot    string
	Start   time.Time // of the boot: mono counts from here
	Signer  note.Signer
	VKey    string
	Witness note.Signer
	WVKey   string
	More    []note.Signer    // further witnesses, see AddWitness
	Entries []evidence.Entry // all scopes, by index
	Files   map[string][]byte
	Drift   time.Duration // of the monotonic clock against the wall clock

	hashes []tlog.Hash
	salts  uint64
	wtime  time.Time // of the next cosignature
}

// NewLog begins an empty log.
func NewLog(origin string, start time.Time) *Log {
	l := &Log{Boot: "01HBOOT0000000000000000000", Start: start, Files: map[string][]byte{}}
	l.Signer, l.VKey = Key(origin)
	l.Witness, l.WVKey = Cosigner("witness.example/one", func() time.Time { return l.wtime })
	return l
}

// Key makes the note signer and verifier key that belong to the name.
func Key(name string) (note.Signer, string) {
	skey, vkey := keyText(name)
	signer, err := note.NewSigner(skey)
	if err != nil {
		panic("audittest: key: " + err.Error())
	}
	return signer, vkey
}

func keyText(name string) (skey, vkey string) {
	seed := sha256.Sum256([]byte("audittest key of " + name))
	pub := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(name, pub)
	if err != nil {
		panic("audittest: key: " + err.Error())
	}
	hash := strings.Split(vkey, "+")[1]
	skey = fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	return skey, vkey
}

// Cosigner is a witness that signs cosignature/v1 (C2SP tlog-cosignature) at a time of the test's choice.
func Cosigner(name string, now func() time.Time) (note.Signer, string) {
	_, vkey := keyText(name)
	vkey, err := fnote.VKeyToCosignatureV1(vkey)
	if err != nil {
		panic("audittest: witness key: " + err.Error())
	}
	v, err := fnote.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		panic("audittest: witness key: " + err.Error())
	}
	seed := sha256.Sum256([]byte("audittest key of " + name))
	return &cosigner{v, ed25519.NewKeyFromSeed(seed[:]), now}, vkey
}

type cosigner struct {
	note.Verifier
	key ed25519.PrivateKey
	now func() time.Time
}

func (c *cosigner) Sign(msg []byte) ([]byte, error) {
	t := uint64(c.now().Unix())
	over := fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", t, msg)
	return append(binary.BigEndian.AppendUint64(nil, t), ed25519.Sign(c.key, over)...), nil
}

// AddWitness lets one more witness cosign every note, and gives its key.
func (l *Log) AddWitness(name string) string {
	w, vkey := Cosigner(name, func() time.Time { return l.wtime })
	l.More = append(l.More, w)
	return vkey
}

// Append records the fact as seen at the time. scope is an interview's id or "stream:NAME".
func (l *Log) Append(scope, by string, at time.Time, f evidence.Fact) evidence.Entry {
	h := evidence.Head{
		V: 1, At: at.UTC().Format(evidence.TimeFormat), Node: "n1", Boot: l.Boot, Mono: (at.Sub(l.Start) + l.Drift).Milliseconds(),
		Interview: scope, By: by, Kind: f.Kind(), N: 1,
	}
	if stream, ok := strings.CutPrefix(scope, "stream:"); ok {
		h.Interview, h.Stream = "", stream
	}
	for i := len(l.Entries) - 1; i >= 0; i-- {
		if l.Entries[i].Head.Scope() == scope {
			h.N, h.Prev = l.Entries[i].Head.N+1, tree.LineHash(l.Entries[i].Line)
			break
		}
	}
	return l.AppendHead(h, f)
}

// AppendHead records the fact under a head of the caller's making; only its commitment is filled in.
func (l *Log) AppendHead(h evidence.Head, f evidence.Fact) evidence.Entry {
	var openings []evidence.Opening
	for _, p := range evidence.Parts(f) {
		o := evidence.Opening{N: h.N, Stream: h.Stream, Path: p.Path, Salt: l.salt()}
		if p.Value != nil {
			o.Body = []byte(p.Value.Text)
			p.Value.C = tree.Commit(o.Salt, o.Body)
		} else {
			o.File = p.File.Name
			p.File.C = tree.Commit(o.Salt, p.File.Data)
			l.Files[p.File.Name] = p.File.Data
		}
		openings = append(openings, o)
	}
	body, err := json.Marshal(f)
	if err != nil {
		panic("audittest: body: " + err.Error())
	}
	whole := evidence.Opening{N: h.N, Stream: h.Stream, Salt: l.salt(), Body: body}
	h.Fact.C = tree.Commit(whole.Salt, body)
	line, err := json.Marshal(h)
	if err != nil {
		panic("audittest: line: " + err.Error())
	}
	e := evidence.Entry{
		Line: line, Head: h, Index: int64(len(l.Entries)), Body: body,
		Openings: append([]evidence.Opening{whole}, openings...),
	}
	if err := e.Decode(); err != nil {
		panic("audittest: " + err.Error())
	}
	l.add(line)
	l.Entries = append(l.Entries, e)
	return e
}

// AppendLine puts an entry of another log behind this one's, as it is.
func (l *Log) AppendLine(e evidence.Entry) {
	e.Index = l.Size()
	l.add(e.Line)
	l.Entries = append(l.Entries, e)
}

func (l *Log) add(line []byte) {
	more, err := tlog.StoredHashes(int64(len(l.Entries)), line, l.reader())
	if err != nil {
		panic("audittest: tree: " + err.Error())
	}
	l.hashes = append(l.hashes, more...)
}

func (l *Log) reader() tlog.HashReaderFunc {
	return func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, n := range at {
			out[i] = l.hashes[n]
		}
		return out, nil
	}
}

func (l *Log) salt() []byte {
	l.salts++
	sum := sha256.Sum256(fmt.Appendf(nil, "audittest salt %d", l.salts))
	return sum[:]
}

// Size is the number of entries.
func (l *Log) Size() int64 { return int64(len(l.Entries)) }

// Scope lists the entries of one scope.
func (l *Log) Scope(scope string) []evidence.Entry {
	var out []evidence.Entry
	for _, e := range l.Entries {
		if e.Head.Scope() == scope {
			out = append(out, e)
		}
	}
	return out
}

// Note is the checkpoint of the size, signed by the log and cosigned by the witness at the time.
func (l *Log) Note(size int64, at time.Time) []byte {
	l.wtime = at
	msg, err := tree.SignCheckpoint(l.checkpoint(size), append([]note.Signer{l.Signer, l.Witness}, l.More...)...)
	if err != nil {
		panic("audittest: " + err.Error())
	}
	return msg
}

func (l *Log) checkpoint(size int64) tree.Checkpoint {
	root, err := tlog.TreeHash(size, l.reader())
	if err != nil {
		panic("audittest: tree: " + err.Error())
	}
	return tree.Checkpoint{Origin: l.Signer.Name(), Size: size, Root: root}
}

// Prove makes the proofs of the entries, and of the older sizes, under the tree of size.
func (l *Log) Prove(size int64, entries []evidence.Entry, older ...int64) tree.Proofs {
	c := l.checkpoint(size)
	p := tree.Proofs{Size: size, Root: c.Root.String(), Leaves: []tree.Leaf{}, Consistency: []tree.Consistency{}}
	for _, e := range entries {
		path, err := tlog.ProveRecord(size, e.Index, l.reader())
		if err != nil {
			panic("audittest: proof: " + err.Error())
		}
		p.Leaves = append(p.Leaves, tree.Leaf{
			Stream: e.Head.Stream, N: e.Head.N, Index: e.Index, Hash: tree.LeafHash(e.Line).String(), Path: tree.FormatPath(path),
		})
	}
	for _, old := range older {
		if old == size {
			continue
		}
		path, err := tlog.ProveTree(size, old, l.reader())
		if err != nil {
			panic("audittest: proof: " + err.Error())
		}
		p.Consistency = append(p.Consistency, tree.Consistency{From: old, Path: tree.FormatPath(path)})
	}
	return p
}
