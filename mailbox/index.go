package mailbox

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/mailbox/imap"
	"confermo/mailbox/reply"
)

// index finds the interview and mail that an incoming mail points to. It is derived from the record, read once from its
// start and then entry by entry.
type index struct {
	j *journal.Journal

	mu       sync.Mutex
	next     int64 // of the tree, not yet read
	began    time.Time
	tokens   map[string]place
	ids      map[string]place
	codes    map[string]place
	arrived  map[arrival]bool
	cursors  map[string]imap.Cursor // by mailbox, of the last validity seen
	unjudged map[string]int         // mails of the stream "mail" without a verdict: n by id
}

// place is a mail we sent.
type place struct{ interview, mail string }

type arrival struct {
	mailbox       string
	validity, uid uint32
}

func newIndex(j *journal.Journal) *index {
	return &index{
		j: j, tokens: map[string]place{}, ids: map[string]place{}, codes: map[string]place{}, arrived: map[arrival]bool{},
		cursors: map[string]imap.Cursor{}, unjudged: map[string]int{},
	}
}

// update reads what was appended since. The caller holds mu.
func (x *index) update(ctx context.Context) error {
	for size := x.j.Size(); x.next < size; {
		entries, err := x.j.Range(ctx, x.next, min(x.next+256, size))
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		if len(entries) == 0 {
			return nil
		}
		for _, e := range entries {
			x.add(e)
			x.next = e.Index + 1
		}
	}
	return nil
}

func (x *index) add(e evidence.Entry) {
	if x.began.IsZero() {
		x.began = e.Head.Time()
	}
	switch f := e.Fact.(type) {
	case *evidence.MailFrozen:
		p := place{e.Head.Interview, f.ID}
		for key, in := range map[*evidence.Value]map[string]place{&f.Token: x.tokens, &f.MessageID: x.ids, &f.Code: x.codes} {
			if key.Open && key.Text != "" {
				in[key.Text] = p
			}
		}
	case *evidence.ReplyReceived:
		x.arrived[arrival{f.Mailbox, f.Validity, f.UID}] = true
		c := x.cursors[f.Mailbox]
		if c.Validity != f.Validity || c.UID < f.UID {
			x.cursors[f.Mailbox] = imap.Cursor{Validity: f.Validity, UID: f.UID}
		}
		if e.Head.Stream != "" {
			x.unjudged[f.ID] = e.Head.N
		}
	case *evidence.ReplyClassified:
		delete(x.unjudged, f.ID)
	}
}

// find lists the mails a mail points to, the strongest sign first: address, references, code.
func (x *index) find(ctx context.Context, raw []byte) ([]place, error) {
	p := reply.PointersOf(raw)
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.update(ctx); err != nil {
		return nil, err
	}
	var out []place
	seen := map[place]bool{}
	for _, look := range []struct {
		keys []string
		in   map[string]place
	}{{p.Tokens, x.tokens}, {p.IDs, x.ids}, {p.Codes, x.codes}} {
		for _, key := range look.keys {
			if at, ok := look.in[key]; ok && !seen[at] {
				seen[at] = true
				out = append(out, at)
			}
		}
	}
	return out, nil
}

// has tells whether a mail of the mailbox is recorded already.
func (x *index) has(ctx context.Context, a arrival) (bool, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err := x.update(ctx)
	return x.arrived[a], err
}

// cursor tells how far the mailbox was read, and when the record began: older mail is none of its business.
func (m *Mailbox) cursor(ctx context.Context) (imap.Cursor, time.Time, error) {
	x := m.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.update(ctx); err != nil {
		return imap.Cursor{}, time.Time{}, err
	}
	return x.cursors[m.name()], x.began.Add(-time.Hour), nil
}

// name is how the mailbox stands in the record: user and folder.
func (m *Mailbox) name() string {
	folder := m.IMAP.Mailbox
	if folder == "" {
		folder = "INBOX"
	}
	return strings.ToLower(m.local+"@"+m.domain) + "/" + folder
}
