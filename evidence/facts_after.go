package evidence

// Bodies of the facts of an interview after its close.

// Purposes of a mail.
const (
	Invitation      = "invitation"
	Summary         = "summary"
	Acknowledgement = "acknowledgement"
)

// Completed is the operator's statement of content (T18, T20): topics by code, free lines, the place.
type Completed struct {
	By     Who      `json:"by"`
	Topics []string `json:"topics"`
	Other  Value    `json:"other"`
	Place  string   `json:"place"`
}

// TimesheetApproved is the operator's authenticated act of signing (T16): what he was shown, by digest.
type TimesheetApproved struct {
	By       Who    `json:"by"`
	Version  int    `json:"version"`
	Attested int    `json:"attested"`
	Method   string `json:"method"` // "password+code", later "own certificate"
	SignedIn string `json:"signed_in"`
}

// TimesheetSigned is the signed document (T16). Level is "B-B" or "B-T".
type TimesheetSigned struct {
	Version  int    `json:"version"`
	Level    string `json:"level"`
	Layout   int    `json:"layout"`
	Engine   int    `json:"engine"`
	Wording  int    `json:"wording"`
	Offset   int    `json:"offset"` // of the zone at the start, seconds east of UTC
	Attested int    `json:"attested"`
	File     File   `json:"file"`
}

// MailFrozen is the intent to send: the exact bytes, before the first SMTP command. ID names the mail in later facts.
type MailFrozen struct {
	ID        string `json:"id"`
	Purpose   string `json:"purpose"`
	Version   int    `json:"version"`       // of the timesheet, for a summary
	Ref       string `json:"ref,omitempty"` // for an acknowledgement, what it acknowledges (Duty.Ref)
	Language  string `json:"language"`
	Wording   int    `json:"wording"`
	MessageID Value  `json:"message_id" class:"mail"`
	Token     Value  `json:"token" class:"mail"`
	Code      Value  `json:"code" class:"mail"`
	To        Value  `json:"to" class:"contact"`
	File      File   `json:"file" class:"mail"`
}

// MailSent is the server's acceptance of the frozen bytes.
type MailSent struct {
	ID       string `json:"id"`
	Response string `json:"response"`
	Attempt  int    `json:"attempt"`
}

// MailFailed is a refusal, a deferral or a bounce. Final tells that no retry follows.
type MailFailed struct {
	ID      string `json:"id"`
	Final   bool   `json:"final"`
	Code    int    `json:"code"`
	Text    string `json:"text"`
	Attempt int    `json:"attempt"`
	Next    string `json:"next,omitempty"` // next try
}

// ReplyReceived is a mail as fetched, before it is understood.
type ReplyReceived struct {
	ID       string `json:"id"` // of this received mail
	Mailbox  string `json:"mailbox"`
	Validity uint32 `json:"validity"`
	UID      uint32 `json:"uid"`
	Internal string `json:"internal"` // the server's INTERNALDATE
	File     File   `json:"file" class:"mail"`
}

// ReplyClassified is what the classifier and the authentication said of a received mail.
type ReplyClassified struct {
	ID       string   `json:"id"`
	Mail     string   `json:"mail"` // MailFrozen.ID it answers, "" when none
	Version  int      `json:"version"`
	Grammar  int      `json:"grammar"` // version of the classifier
	Verdict  string   `json:"verdict"`
	Rule     string   `json:"rule"`
	Text     Value    `json:"text" class:"mail"`
	Level    int      `json:"level"`
	Held     bool     `json:"held"`
	Late     bool     `json:"late"`
	Binding  []string `json:"binding"`
	Reasons  []string `json:"reasons"`
	Keys     File     `json:"keys" class:"mail"` // DKIM key records as fetched, mail/ID.dkim.txt
	Answered string   `json:"answered,omitempty"`
}

// ReplyDecided is the operator's decision on a reply that the machine did not decide.
type ReplyDecided struct {
	ID      string `json:"id"`
	By      Who    `json:"by"`
	Verdict string `json:"verdict"`
	Reason  Value  `json:"reason"`
}

// Sealed says that the confirmation is covered by outside anchors: the interview is archived.
type Sealed struct {
	Size int64 `json:"size"` // of the anchored tree
}

// BundleIssued is the bundle's last entry: "complete up to N, as of now".
type BundleIssued struct {
	Before int    `json:"before"` // n of the entry before
	Hash   string `json:"hash"`   // SHA-256 of its line, base64
	For    string `json:"for"`
}

// ClassErased says that the key of a retention class was destroyed.
type ClassErased struct {
	Class  Class  `json:"class"`
	Reason string `json:"reason"`
}
