package imap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	goimap "github.com/emersion/go-imap/v2"
)

// Cursor is how far a mailbox was read. The zero Cursor has read nothing.
type Cursor struct {
	Validity, UID uint32
}

// Options of Watch.
type Options struct {
	Poll      time.Duration // between two looks when nothing is announced, a minute when zero
	FromStart bool          // with a zero cursor, hand on what is already in the mailbox, not only what arrives
	Since     time.Time     // mails that the server received before are passed over, also after a change of UIDVALIDITY
	Batch     int           // mails fetched by one command, 100 when zero
	Keyword   string        // set on each mail once it is recorded, "" for none
	// Alarm is told what needs a person: the account is refused, or nothing could be read for AlarmAfter. It is told
	// again with a nil error when reading works again.
	Alarm func(error)
}

// AlarmAfter is how long a mailbox may be unreadable before Alarm is told.
const AlarmAfter = 10 * time.Minute

// settle is the first wait after a look: mail that arrives while IDLE begins may not be announced, so one more look
// follows soon.
const settle = time.Second

// Watch hands on each new mail of the account's mailbox until ctx ends, whatever happens to the connection in between.
// record must make the mail durable before it returns, together with the cursor; after an error of record the same mail
// comes again. A changed UIDVALIDITY starts from UID 0: the receiver removes doubles by their bytes.
func Watch(ctx context.Context, a Account, from Cursor, o Options, record func(Message, Cursor) error) error {
	w := watch{Account: a, Options: o, at: from, record: record, read: time.Now()}
	if w.Poll <= 0 {
		w.Poll = time.Minute
	}
	if w.Batch <= 0 {
		w.Batch = 100
	}
	for wait := time.Second; ; {
		began := w.read
		err := w.connection(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if w.read.After(began) {
			wait = time.Second
		}
		if errors.Is(err, ErrAuth) || time.Since(w.read) > AlarmAfter {
			w.alarm(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait/2 + rand.N(wait)):
		}
		wait = min(2*wait, time.Minute)
	}
}

// watch is owned by the goroutine of Watch.
type watch struct {
	Account
	Options
	at      Cursor
	record  func(Message, Cursor) error
	read    time.Time // last successful look, or mail
	alarmed bool
	failed  int // fetches in a row that brought nothing
}

// A mail whose bytes cannot be had is tried alone and again, a few times where the server says no, more often where the
// connection breaks; then it is handed on without bytes, for one such mail must not keep all later ones waiting.
const (
	triesRefused = 3
	triesBroken  = 10
)

func (w *watch) alarm(err error) {
	if w.Alarm != nil && w.alarmed != (err != nil) {
		w.alarmed = err != nil
		w.Alarm(err)
	}
}

// connection reads over one connection until it breaks.
func (w *watch) connection(ctx context.Context) error {
	cl, err := Dial(ctx, w.Account)
	if err != nil {
		return err
	}
	defer cl.Close()
	validity, next, err := cl.Select(w.mailbox())
	if err != nil {
		return err
	}
	switch {
	case w.at == Cursor{} && !w.FromStart && w.Since.IsZero():
		w.at = Cursor{validity, max(next, 1) - 1}
	case w.at.Validity != validity:
		w.at = Cursor{Validity: validity}
	}
	for wait := settle; ; {
		n, err := w.look(cl)
		if err != nil {
			return err
		}
		w.read = time.Now()
		w.alarm(nil)
		if n > 0 {
			wait = settle
		}
		if err := cl.Idle(ctx, min(wait, w.Poll)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait = min(w.Poll, 9*time.Minute)
	}
}

// look fetches until nothing is new and tells how many mails were recorded.
func (w *watch) look(cl *Client) (int, error) {
	total, batch := 0, w.Batch
	if w.failed > 0 {
		batch = 1
	}
	for {
		n := 0
		last, err := cl.FetchSince(w.at.UID, w.Since, batch, func(m Message) error {
			if err := w.hand(m); err != nil {
				return err
			}
			n++
			if w.Keyword != "" {
				_ = cl.Mark(m.UID, w.Keyword) // a mailbox that cannot keep it loses nothing
			}
			return nil
		})
		w.at.UID = max(w.at.UID, last)
		total += n
		var u *Unfetched
		if errors.As(err, &u) {
			return total, w.missed(u, batch)
		}
		if err != nil || n == 0 {
			return total, err
		}
	}
}

// hand records a mail and moves the cursor behind it.
func (w *watch) hand(m Message) error {
	at := Cursor{w.at.Validity, m.UID}
	if err := w.record(m, at); err != nil {
		return fmt.Errorf("record mail: %w", err)
	}
	w.at, w.failed, w.read = at, 0, time.Now()
	return nil
}

// missed notes that a mail's bytes could not be had. The connection is given up in any case.
func (w *watch) missed(u *Unfetched, batch int) error {
	w.failed++
	tries := triesBroken
	var no *goimap.Error
	if errors.As(u.Err, &no) {
		tries = triesRefused
	}
	if batch > 1 || w.failed < tries {
		return u
	}
	m := u.Message
	m.Raw = []byte{}
	if err := w.hand(m); err != nil {
		return err
	}
	if w.Alarm != nil {
		w.Alarm(fmt.Errorf("mail is recorded without its bytes: %w", u))
	}
	return u
}
