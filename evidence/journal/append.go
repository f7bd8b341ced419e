package journal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// Draft is a fact to append, to an interview or to a stream.
type Draft struct {
	Interview string
	Stream    string
	By        string // the observer: "rtc", "web", "mailbox", "pdf", "anchor"
	At        time.Time
	Fact      evidence.Fact
	// If, where set, judges the interview as it stands directly before this fact, inside the commit. An error of it
	// aborts the Append it belongs to and nothing else. It must be quick and must not call the journal.
	If func(*evidence.Interview) error
}

// series is a fact that draws its number inside the commit transaction (evidence.Scheduled).
type series interface {
	Series() (agency, zone string, at time.Time)
	SetNumber(year, n int)
}

// request is one Append on its way through the commit goroutine.
type request struct {
	drafts  []*prepared
	entries []evidence.Entry
	err     error
	done    chan struct{}
}

// prepared is a draft with everything that does not depend on its place.
type prepared struct {
	draft Draft
	scope string
	at    time.Time
	mono  int64
	fact  evidence.Fact // the caller's until it is encoded
	parts []part
	body  []byte
	salt  []byte
	seal  []byte // sealed salt‖body, nil where the class is erased
	open  []evidence.Opening
	entry evidence.Entry // as a reader will find it, without its place
	// The line is front, n, and back after prev: what depends on its place is put in by the commit goroutine.
	front, back []byte
}

type part struct {
	path         string
	class        evidence.Class
	salt, sealed []byte
}

// Append records the drafts in order, all or none, and returns after they are durable. The entries returned hold facts
// of their own, decoded from what was stored. After it was accepted an Append is carried out even when ctx ends.
// Errors: ErrNoInterview for a fact of an interview that was never scheduled; ErrClosed; what a guard returned;
// ErrUncertain where it may be recorded. Any other error says that nothing was.
func (j *Journal) Append(ctx context.Context, drafts ...Draft) ([]evidence.Entry, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	r := &request{done: make(chan struct{})}
	for _, d := range drafts {
		p, err := j.prepare(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("append: %w", err)
		}
		r.drafts = append(r.drafts, p)
	}
	select {
	case <-j.stop:
		return nil, fmt.Errorf("append: %w", ErrClosed)
	default:
	}
	select {
	case j.requests <- r:
	case <-j.stop:
		return nil, fmt.Errorf("append: %w", ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("append: %w", ctx.Err())
	}
	select {
	case <-r.done:
	case <-j.done:
		select {
		case <-r.done:
		default:
			return nil, fmt.Errorf("append: %w", ErrClosed)
		}
	}
	if r.err != nil {
		return nil, fmt.Errorf("append %s: %w", drafts[0].Fact.Kind(), r.err)
	}
	return r.entries, nil
}

func (j *Journal) prepare(ctx context.Context, d Draft) (*prepared, error) {
	if d.Fact == nil || evidence.New(d.Fact.Kind()) == nil {
		return nil, fmt.Errorf("the draft has no fact of a known kind")
	}
	p := &prepared{draft: d, fact: d.Fact, scope: d.Interview}
	if d.Stream != "" {
		p.scope = "stream:" + d.Stream
	}
	switch {
	case (d.Interview == "") == (d.Stream == ""):
		return nil, fmt.Errorf("%s: want an interview or a stream", d.Fact.Kind())
	case !plain(d.Interview + d.Stream):
		return nil, fmt.Errorf("%s: %q is not an id", d.Fact.Kind(), p.scope)
	case d.Stream != "" && d.If != nil:
		return nil, fmt.Errorf("%s: a stream has no guard", d.Fact.Kind())
	}
	now := time.Now()
	p.at, p.mono = d.At, now.Sub(j.start).Milliseconds()
	if d.At.IsZero() {
		p.at = now
	} else {
		// The distance is monotonic where At carries such a reading, and that of the wall clock otherwise.
		p.mono -= now.Sub(d.At).Milliseconds()
	}
	if err := j.sealParts(ctx, p); err != nil {
		return nil, err
	}
	if _, drawn := d.Fact.(series); drawn {
		return p, nil // encoded when the number is known
	}
	return p, j.encode(ctx, p)
}

// plain tells whether s can stand in a blob's name.
func plain(s string) bool {
	ok := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return !ok(r) }) < 0
}

// sealParts commits to every value and file of the fact, and seals them.
func (j *Journal) sealParts(ctx context.Context, p *prepared) error {
	for _, q := range evidence.Parts(p.fact) {
		if q.Value != nil && !q.Value.Open || q.File != nil && q.File.Data == nil {
			continue // taken over from another entry, where it is withheld or has its bytes
		}
		salt := newSalt()
		out := part{path: q.Path, class: q.Class}
		open := evidence.Opening{Stream: p.draft.Stream, Path: q.Path, Salt: salt}
		var err error
		if q.Value != nil {
			text := []byte(q.Value.Text)
			q.Value.C = tree.Commit(salt, text)
			open.Body = text
			out.sealed, err = j.seal(ctx, p.scope, q.Class, salt, text)
		} else {
			q.File.C, q.File.Size = tree.Commit(salt, q.File.Data), int64(len(q.File.Data))
			open.File = q.File.Name
			if out.salt, err = j.seal(ctx, p.scope, q.Class, salt, nil); err == nil {
				out.sealed, err = j.seal(ctx, p.scope, q.Class, q.File.Data, nil)
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", p.fact.Kind(), q.Path, err)
		}
		p.parts = append(p.parts, out)
		if out.sealed != nil {
			p.open = append(p.open, open)
		}
	}
	return nil
}

// encode writes the body, commits to it and seals it.
func (j *Journal) encode(ctx context.Context, p *prepared) error {
	body, err := json.Marshal(p.fact)
	if err != nil {
		return fmt.Errorf("encode %s: %w", p.fact.Kind(), err)
	}
	if len(body) > evidence.MaxBody {
		return fmt.Errorf("encode %s: body has %d bytes, at most %d are allowed", p.fact.Kind(), len(body), evidence.MaxBody)
	}
	p.body, p.salt = body, newSalt()
	if p.seal, err = j.seal(ctx, p.scope, evidence.ClassRecord, p.salt, body); err != nil {
		return fmt.Errorf("%s: %w", p.fact.Kind(), err)
	}
	p.entry.Head = evidence.Head{
		V: 1, At: p.at.UTC().Format(evidence.TimeFormat), Node: j.cfg.Node, Boot: j.boot, Mono: p.mono,
		Interview: p.draft.Interview, Stream: p.draft.Stream, N: 1, By: p.draft.By, Kind: p.fact.Kind(),
		Fact: evidence.Commitment{C: tree.Commit(p.salt, body)},
	}
	if p.seal != nil {
		p.entry.Body = body
		p.open = append([]evidence.Opening{{Stream: p.draft.Stream, Salt: p.salt, Body: body}}, p.open...)
	}
	p.entry.Openings = p.open
	if err := j.lay(p); err != nil {
		return err
	}
	return p.entry.Decode()
}

// lay writes the line but for its place. No string in it can hold placeMark: the quotes would be escaped. That the line
// can be read again depends on nothing but who observed which kind, and on the time having a year of four digits: it is
// tried once for each.
func (j *Journal) lay(p *prepared) error {
	line, err := json.Marshal(p.entry.Head)
	if err != nil {
		return fmt.Errorf("encode line: %w", err)
	}
	if len(line)+placeSize > evidence.MaxLine {
		return fmt.Errorf("encode line: it is longer than %d bytes", evidence.MaxLine)
	}
	sort := [2]string{p.draft.By, string(p.entry.Head.Kind)}
	if _, tried := j.readable.Load(sort); !tried || p.at.UTC().Year() > 9999 || p.at.UTC().Year() < 0 {
		if _, err := evidence.ParseLine(line); err != nil {
			return fmt.Errorf("the line would not be read again: %w", err)
		}
		if plain(p.draft.By) { // there are few of them
			j.readable.Store(sort, true)
		}
	}
	at := bytes.Index(line, []byte(placeMark))
	p.front, p.back = line[:at], line[at+len(placeMark):]
	return nil
}

const (
	placeMark = `,"n":1,"prev":""` // of an entry without its place
	placeSize = 64                 // a long number and a hash
)

// place writes the whole line of entry n behind the line with the hash prev.
func (p *prepared) place(n int, prev string) []byte {
	line := make([]byte, 0, len(p.front)+len(placeMark)+placeSize+len(p.back))
	line = append(line, p.front...)
	line = append(line, `,"n":`...)
	line = strconv.AppendInt(line, int64(n), 10)
	line = append(line, `,"prev":"`...)
	line = append(line, prev...) // base64: nothing to escape
	line = append(line, '"')
	return append(line, p.back...)
}

// seal gives nil for a class that was erased: what arrives later under it is erased at birth, and its line stands.
func (j *Journal) seal(ctx context.Context, scope string, class evidence.Class, salt, data []byte) ([]byte, error) {
	sealed, err := j.keep.Seal(ctx, scope, class, append(append([]byte{}, salt...), data...))
	if j.cfg.Erased != nil && errors.Is(err, j.cfg.Erased) {
		return nil, nil
	}
	return sealed, err
}

func newSalt() []byte {
	salt := make([]byte, tree.SaltSize)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	return salt
}
