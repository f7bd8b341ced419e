// Package mailbox is the outbox and the inbox: it sends what the record says is due, and records what arrives.
//
// Outgoing bytes are frozen in the record before the first SMTP command, and a retry sends the same bytes. Incoming
// bytes are recorded before they are understood; a mail that belongs to no interview goes to the stream "mail". All
// state is the journal's: a crash leaves a duty, and the same code performs it after the restart.
package mailbox

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"sync"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
	"confermo/mailbox/imap"
	"confermo/mailbox/smtp"
)

// Config says whose mailbox this is.
type Config struct {
	Journal *journal.Journal
	From    string // address of the mailbox, with plus-addressing: "replies@agency.example"
	SMTP    smtp.Account
	IMAP    imap.Account
	Poll    time.Duration // between two looks into the mailbox, a minute when zero
	// Link gives the person's address of an interview.
	Link func(interview string) string
	// Lookup gives the TXT records of a name, none when the name does not exist. Where it is nil no DKIM key is known.
	Lookup func(ctx context.Context, name string) ([]string, error)
	// Names gives the name of an activity or topic in a language; where it is nil codes are printed.
	Names func(iv *evidence.Interview, lang, code string) string
	// Alarm is told what needs a person: an account is refused, a mailbox cannot be read. Where nil it is logged only.
	Alarm func(what string, err error)
	Log   *slog.Logger
}

// Mailbox sends and receives for one address.
type Mailbox struct {
	Config
	local, domain string
	index         *index

	mu     sync.Mutex
	paused time.Time // no submission before: the account was refused
}

// Open checks the configuration. Nothing is sent or read before Run.
func Open(c Config) (*Mailbox, error) {
	a, err := netmail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("open mailbox: address: %w", err)
	}
	local, domain, _ := strings.Cut(strings.ToLower(a.Address), "@")
	if strings.Contains(local, "+") || len(local) > 30 {
		return nil, fmt.Errorf("open mailbox: %s leaves no room for plus-addressing", a.Address)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Mailbox{Config: c, local: local, domain: domain, index: newIndex(c.Journal)}, nil
}

// Run sends and receives until ctx ends.
func (m *Mailbox) Run(ctx context.Context) error {
	from, since, err := m.cursor(ctx)
	if err != nil {
		return fmt.Errorf("run mailbox: %w", err)
	}
	if err := m.classifyStream(ctx); err != nil {
		return fmt.Errorf("run mailbox: %w", err)
	}
	var all sync.WaitGroup
	all.Go(func() { m.work(ctx, m.send, sends) })
	all.Go(func() { m.work(ctx, m.understand, reads) })
	all.Go(func() {
		o := imap.Options{Poll: m.Poll, Since: since, Keyword: "$Confermo", Alarm: func(err error) { m.alarm("read mailbox", err) }}
		err := imap.Watch(ctx, m.IMAP, from, o, func(msg imap.Message, at imap.Cursor) error { return m.record(ctx, msg, at) })
		if ctx.Err() == nil {
			m.alarm("watch mailbox", err)
		}
	})
	all.Wait()
	return ctx.Err()
}

func (m *Mailbox) alarm(what string, err error) {
	if err == nil {
		m.Log.Info("mail works again", "what", what)
	} else {
		m.Log.Error("mail needs attention", "what", what, "err", err)
	}
	if m.Alarm != nil {
		m.Alarm(what, err)
	}
}

var (
	sends = map[evidence.DutyKind]bool{
		evidence.DutySendInvitation: true, evidence.DutySendSummary: true, evidence.DutyAcknowledge: true, evidence.DutyRetryMail: true,
	}
	reads = map[evidence.DutyKind]bool{evidence.DutyClassify: true}
)

// work performs the duties of the kinds until ctx ends: after each change of the record, and when one falls due.
func (m *Mailbox) work(ctx context.Context, do func(context.Context, *evidence.Interview, evidence.Duty) error, kinds map[evidence.DutyKind]bool) {
	for ctx.Err() == nil {
		size := m.Journal.Size()
		next := m.pass(ctx, do, kinds)
		wait, cancel := context.WithDeadline(ctx, next)
		err := m.Journal.Wait(wait, size)
		cancel()
		if errors.Is(err, journal.ErrClosed) {
			return
		}
	}
}

// idle is how long a worker waits at most, so that what failed is tried again.
const idle = time.Minute

// pass performs everything due once and tells when to look again.
func (m *Mailbox) pass(ctx context.Context, do func(context.Context, *evidence.Interview, evidence.Duty) error, kinds map[evidence.DutyKind]bool) time.Time {
	next := time.Now().Add(idle)
	ids, err := m.Journal.Due(ctx)
	if err != nil {
		m.Log.Error("list due interviews", "err", err)
		return time.Now().Add(time.Second)
	}
	for _, id := range ids {
		iv, err := m.Journal.Interview(ctx, id)
		if err != nil {
			m.Log.Error("read interview", "interview", id, "err", err)
			continue
		}
		for _, d := range iv.Duties() {
			switch {
			case !kinds[d.Kind] || ctx.Err() != nil:
			case d.Due.After(time.Now()):
				if d.Due.Before(next) {
					next = d.Due
				}
			default:
				if err := do(ctx, iv, d); err != nil && ctx.Err() == nil {
					m.Log.Error("perform duty", "interview", id, "duty", d.Kind, "err", err)
				}
			}
		}
	}
	return next
}

// errOnce says that the record already holds what a duty asks for.
var errOnce = errors.New("already recorded")

// once appends and takes "already recorded" for done.
func (m *Mailbox) once(ctx context.Context, drafts ...journal.Draft) error {
	if _, err := m.Journal.Append(ctx, drafts...); err != nil && !errors.Is(err, errOnce) {
		return err
	}
	return nil
}

// SendCode sends a sign-in code now. It is no fact of an interview and is not retried.
func (m *Mailbox) SendCode(ctx context.Context, to, code, lang string) error {
	subject, text := wording.LoginCode(lang, code, codeMinutes)
	raw, err := letter{
		from: netmail.Address{Name: "Confermo", Address: m.local + "@" + m.domain}, to: to, subject: subject, text: text, lang: lang,
		id: random() + "@" + m.domain, date: time.Now(),
	}.bytes()
	if err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	if _, err := smtp.Submit(ctx, m.SMTP, smtp.Envelope{From: m.local + "@" + m.domain, To: []string{to}}, raw); err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	return nil
}

// codeMinutes is how long a sign-in code is valid, as its mail says.
const codeMinutes = 10

var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// random is 80 bits as 16 lower-case letters and digits: local parts of addresses may be case-folded on the way.
func random() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return lower.EncodeToString(b)
}

// visibleCode is 40 bits as "7K3M-Q9TX" in Crockford's base32. It holds a digit and a letter, so that it is told from a
// year or a word.
func visibleCode() string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for {
		b := make([]byte, 8)
		_, _ = rand.Read(b) // never fails (crypto/rand)
		for i := range b {
			b[i] = alphabet[b[i]%32]
		}
		s := string(b[:4]) + "-" + string(b[4:])
		if strings.ContainsAny(s, alphabet[:10]) && strings.ContainsAny(s, alphabet[10:]) {
			return s
		}
	}
}
