package evidence

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Interview is what the entries of one interview fold into. It holds no state of its own: the same entries give the
// same Interview, and everything shown or printed derives from it.
type Interview struct {
	ID       string
	N        int    // of the last entry
	LastHash string // SHA-256 of the last line, base64
	LastAt   time.Time

	Scheduled *Scheduled
	Cancelled *Cancelled
	Opened    bool
	Devices   []LinkOpened
	Notice    *NoticeRead
	NoticeAt  time.Time
	Consents  map[string]bool
	Documents []Document
	Held      []DocumentHeld
	Device    *DeviceChecked
	Identity  *IdentityChecked
	Checked   time.Time
	Parties   map[Party]Presence
	Closed    *Closed
	ClosedAt  time.Time
	Completed *Completed
	Approved  *TimesheetApproved
	Approval  time.Time
	Signed    *TimesheetSigned
	SignedN   int // entry of the signed timesheet
	SignedAt  time.Time
	Mails     []Mail
	Replies   []Reply
	Seal      *Sealed
	SealedAt  time.Time
	Issued    []BundleIssued
	Erased    map[Class]bool

	entries  []Entry // without openings, for Duration and the timeline
	approved int     // how many of them stand when the timesheet was approved
}

// Document is an uploaded document and its entry.
type Document struct {
	DocumentUploaded
	N  int
	At time.Time
}

// Presence is what is known of a party now: Connections are those not left.
type Presence struct {
	Joined      bool
	Admitted    bool
	Connections map[string]bool
	Since       time.Time // of the last join or leave
}

// Connected tells whether a connection of the party stands.
func (p Presence) Connected() bool { return len(p.Connections) > 0 }

// Mail is one outgoing mail from frozen to sent or failed.
type Mail struct {
	MailFrozen
	N        int
	At       time.Time
	Sent     *MailSent
	SentAt   time.Time
	Failures []MailFailed
	FailedAt time.Time
}

// Failed tells that the mail was refused or bounced for good.
func (m Mail) Failed() bool { return len(m.Failures) > 0 && m.Failures[len(m.Failures)-1].Final }

// Reply is one received mail and what was made of it.
type Reply struct {
	ReplyReceived
	N          int
	At         time.Time
	Classified *ReplyClassified
	ClassN     int
	ClassAt    time.Time
	Decided    *ReplyDecided
}

// Fold makes the Interview of the entries, in order.
func Fold(id string, entries []Entry) *Interview {
	iv := &Interview{ID: id}
	for _, e := range entries {
		iv.Apply(e)
	}
	return iv
}

// Entries are the applied entries in order: line, head and fact, without openings.
func (iv *Interview) Entries() []Entry { return iv.entries }

// Apply adds the next entry. An entry whose fact is not known (erased, withheld, of a later version) still counts.
func (iv *Interview) Apply(e Entry) {
	if iv.Parties == nil {
		iv.Consents, iv.Parties, iv.Erased = map[string]bool{}, map[Party]Presence{}, map[Class]bool{}
	}
	hash := sha256.Sum256(e.Line)
	iv.N, iv.LastHash, iv.LastAt = e.Head.N, base64.StdEncoding.EncodeToString(hash[:]), e.Head.Time()
	iv.entries = append(iv.entries, Entry{Line: e.Line, Head: e.Head, Index: e.Index, Fact: e.Fact})
	switch f := e.Fact.(type) {
	case *PartyJoined, *PartyLeft, *PartyAdmitted, *Closed:
		iv.applyRoom(e)
	case *MailFrozen, *MailSent, *MailFailed, *ReplyReceived, *ReplyClassified, *ReplyDecided:
		iv.applyMail(e)
	case *Completed, *TimesheetApproved, *TimesheetSigned, *Sealed, *BundleIssued, *ClassErased:
		iv.applyAfter(e)
	case *Scheduled:
		if iv.Scheduled == nil { // the person and the terms of an interview never change
			iv.Scheduled = f
		}
	case *Cancelled:
		iv.Cancelled = f
	case *LinkOpened:
		iv.Opened = true
		iv.Devices = append(iv.Devices, *f)
	case *NoticeRead:
		if iv.Notice == nil {
			iv.Notice, iv.NoticeAt = f, e.Head.Time()
		}
	case *Consented:
		iv.Consents[f.What] = f.Given
	case *DocumentUploaded:
		iv.Documents = append(iv.Documents, Document{*f, e.Head.N, e.Head.Time()})
	case *DocumentHeld:
		iv.Held = append(iv.Held, *f)
	case *DeviceChecked:
		iv.Device = f
	case *IdentityChecked:
		iv.Identity, iv.Checked = f, e.Head.Time()
	}
}

func (iv *Interview) applyRoom(e Entry) {
	at := e.Head.Time()
	switch f := e.Fact.(type) {
	case *PartyJoined:
		p := iv.Parties[f.Party]
		open := map[string]bool{f.Connection: true}
		for c := range p.Connections {
			open[c] = true
		}
		p.Joined, p.Connections, p.Since = true, open, at
		iv.Parties[f.Party] = p
	case *PartyLeft:
		p := iv.Parties[f.Party]
		open := map[string]bool{}
		for c := range p.Connections {
			if c != f.Connection {
				open[c] = true
			}
		}
		p.Connections, p.Since = open, parseTime(f.At)
		iv.Parties[f.Party] = p
	case *PartyAdmitted:
		p := iv.Parties[f.Party]
		p.Admitted = true
		iv.Parties[f.Party] = p
	case *Closed:
		if iv.Closed == nil {
			iv.Closed, iv.ClosedAt = f, at
		}
	}
}

func (iv *Interview) applyAfter(e Entry) {
	switch f := e.Fact.(type) {
	case *Completed:
		iv.Completed = f
	case *TimesheetApproved:
		iv.Approved, iv.Approval, iv.approved = f, e.Head.Time(), len(iv.entries)
	case *TimesheetSigned:
		iv.Signed, iv.SignedN, iv.SignedAt = f, e.Head.N, e.Head.Time()
	case *Sealed:
		iv.Seal, iv.SealedAt = f, e.Head.Time()
	case *BundleIssued:
		iv.Issued = append(iv.Issued, *f)
	case *ClassErased:
		iv.Erased[f.Class] = true
	}
}

func (iv *Interview) applyMail(e Entry) {
	at := e.Head.Time()
	switch f := e.Fact.(type) {
	case *MailFrozen:
		iv.Mails = append(iv.Mails, Mail{MailFrozen: *f, N: e.Head.N, At: at})
	case *MailSent:
		if m := iv.Mail(f.ID); m != nil && m.Sent == nil {
			m.Sent, m.SentAt = f, at
		}
	case *MailFailed:
		if m := iv.Mail(f.ID); m != nil {
			m.Failures, m.FailedAt = append(m.Failures, *f), at
		}
	case *ReplyReceived:
		iv.Replies = append(iv.Replies, Reply{ReplyReceived: *f, N: e.Head.N, At: at})
	case *ReplyClassified:
		if r := iv.Reply(f.ID); r != nil {
			r.Classified, r.ClassN, r.ClassAt = f, e.Head.N, at
		}
	case *ReplyDecided:
		if r := iv.Reply(f.ID); r != nil {
			r.Decided = f
		}
	}
}

// Mail finds an outgoing mail by its id, or nil.
func (iv *Interview) Mail(id string) *Mail {
	for i := range iv.Mails {
		if iv.Mails[i].ID == id {
			return &iv.Mails[i]
		}
	}
	return nil
}

// LastMail is the newest outgoing mail of the purpose, or nil.
func (iv *Interview) LastMail(purpose string) *Mail {
	for i := len(iv.Mails) - 1; i >= 0; i-- {
		if iv.Mails[i].Purpose == purpose {
			return &iv.Mails[i]
		}
	}
	return nil
}

// Reply finds a received mail by its id, or nil.
func (iv *Interview) Reply(id string) *Reply {
	for i := range iv.Replies {
		if iv.Replies[i].ID == id {
			return &iv.Replies[i]
		}
	}
	return nil
}
