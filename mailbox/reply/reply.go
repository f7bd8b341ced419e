// Package reply decides what a mail says and to which summary it answers.
//
// It works on bytes alone: the raw mail, and the mails we sent. What we sent is subtracted, quotes, signatures and
// disclaimers are taken away, and what is left, the new text, is compared with an allow-list of whole replies. Nothing
// else confirms:
//
//	Confermo tutto, grazie mille.      confirmed
//	Non confermo la durata             refused
//	Confermo, ma erano 40 minuti       disputed (a human must read it)
//
// A wrong "confirmed" is the one error that may not happen; each doubt ends in "disputed". Time and memory are linear
// in the size of the mail. The rules are MAIL.md sections 3, 4 and 10.
package reply

import "time"

// Version of the grammars and of the rules around them. It is recorded with each verdict; a bundle is re-checked with
// the version that judged it.
const Version = 1

// The verdicts.
const (
	Confirmed = "confirmed"
	Refused   = "refused"
	Disputed  = "disputed"
	Automatic = "automatic"
	Bounced   = "bounced"
	Unmatched = "unmatched"
)

// Limits of what is read of a mail. Whatever lies beyond a limit is not understood, and such a mail never confirms.
const (
	MaxBytes  = 40 << 20  // of the raw mail
	MaxHeader = 256 << 10 // of one header block
	MaxText   = 256 << 10 // of decoded text
	MaxDepth  = 8
	MaxParts  = 200
	maxLines  = 8000
)

// Sent is a mail we sent, as far as replies refer to it.
type Sent struct {
	Raw        []byte    // the exact bytes
	Address    string    // Reply-To without the token: replies@agency.example
	From       string    // our own address
	Token      string    // after the "+" of Reply-To, lower case
	MessageID  string    // without angle brackets
	References []string  // own ids repeated in References, without angle brackets
	Code       string    // "XXXX-XXXX", Crockford base32
	To         string    // the registered address it was sent to
	Names      []string  // of From, To and Reply-To: words that may stand beside a greeting or closing
	Date       time.Time // as written in the mail, zero when absent
	Superseded bool      // a newer version was sent: a reply to this one is disputed

	words *quoteIndex
}

// Options say who may answer and how.
type Options struct {
	Registered string   // address the person registered
	Languages  []string // whose grammars count, by default it, de, fr, en
	OwnDomains []string // mail from these is ours: a loop, never a reply
	Banners    []string // lines that gateways are known to add on top ("ATTENZIONE: mittente esterno")
	Names      []string // further words that may stand in a greeting or signature, for example the operator's name
}

// Verdict is what a mail says.
type Verdict struct {
	Verdict     string   // confirmed, refused, disputed, automatic, bounced, unmatched
	Rule        string   // which rule decided, stable name
	Version     int      // of the rules
	Text        string   // the new text: what the sender typed
	Sent        int      // index of the mail it answers, -1 when none
	Binding     []string // what binds it to that mail: "address", "references", "code"
	From        string   // the one sender address, lower case, "" when there is not exactly one
	MessageID   string
	Subject     string
	Reasons     []string // each doubt met on the way, and each limit
	Attachments []Attachment
	Temporary   bool // of a bounce: delivery is still being tried
	DSN         DSN  // of a bounce
}

// Attachment is a file that came with a mail.
type Attachment struct {
	Name, Type string
	Size       int64 // decoded bytes
}

// DSN is what a delivery status notification (RFC 3464) says of the first failed recipient.
type DSN struct {
	Recipient, Action, Status, Diagnostic string
	MessageID                             string // of the mail that could not be delivered
}
