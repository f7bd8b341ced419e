package evidence

// Bodies of the facts of an interview up to its close. Times are UTC in TimeFormat; durations are whole seconds.

// Party names who acts or is seen in a room.
type Party string

// The parties of an interview.
const (
	Operator Party = "operator"
	Person   Party = "person"
	Guest    Party = "guest"
)

// Scheduled opens an interview (T1, T5, T19, T32). Number is drawn inside the commit transaction.
type Scheduled struct {
	Number    Number    `json:"number"`
	Agency    Agency    `json:"agency"`
	Operator  Who       `json:"operator"`
	Programme Programme `json:"programme"`
	Activity  string    `json:"activity"` // A06, B03, C06, C07
	Path      string    `json:"path"`     // "first" or "continuation"
	Mode      string    `json:"mode"`     // "remote"
	Language  string    `json:"language"` // of the person: it, de, fr, en
	Start     string    `json:"start"`    // agreed start
	Minutes   int       `json:"minutes"`  // agreed length
	Zone      string    `json:"zone"`     // IANA name, for example Europe/Rome
	Person    Subject   `json:"person"`
	Test      bool      `json:"test"` // certificates and stamps are test ones
}

// Number is the interview's number in its agency's gap-free series of one calendar year.
type Number struct {
	Agency string `json:"agency"`
	Year   int    `json:"year"`
	N      int    `json:"n"`
}

// Agency is the body that holds the interview and the office it is held from.
type Agency struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Office  string `json:"office"`  // as in "sede di …", without those words
	Address string `json:"address"` // the place, one of the accredited sites (T16)
	Phone   string `json:"phone"`
	Mail    string `json:"mail"`
}

// Who is an operator or deputy, by account.
type Who struct {
	Account string `json:"account"`
	Name    Value  `json:"name"`
	Role    string `json:"role"`
}

// Subject is the person interviewed (T12).
type Subject struct {
	Name    Value `json:"name" class:"identity"`
	Surname Value `json:"surname" class:"identity"`
	TaxCode Value `json:"tax_code" class:"identity"`
	Phone   Value `json:"phone" class:"contact"`
	Mail    Value `json:"mail" class:"contact"`
}

// Programme names the funded measure and the terms of the rule pack in force at scheduling; the pack itself is in the
// stream "rules" under Digest.
type Programme struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Version int    `json:"version"`
	Digest  string `json:"digest"` // SHA-256 of the signed pack, base64
	Terms   Terms  `json:"terms"`
}

// Terms are the parameters of a rule pack that the fold needs. All times in seconds.
type Terms struct {
	Rule        Rule     `json:"rule"`
	Unattended  int      `json:"unattended"`   // both gone so long: the service closes
	SignWithin  int      `json:"sign_within"`  // from closing to signature
	ReplyWithin int      `json:"reply_within"` // from summary to reply
	MinLevel    int      `json:"min_level"`    // of a reply that confirms without the operator
	Languages   []string `json:"languages"`    // whose grammars confirm
	PhoneNeeded bool     `json:"phone_needed"`
	MailNeeded  bool     `json:"mail_needed"`
}

// Cancelled ends an interview that was not held.
type Cancelled struct {
	By     Who    `json:"by"`
	Reason string `json:"reason"`
}

// LinkOpened says that the person's invitation was opened and bound to a device.
type LinkOpened struct {
	Device string `json:"device"` // opaque id of the cookie
	Agent  string `json:"agent"`
	How    string `json:"how"` // "first", "code" (another device with the code)
}

// NoticeRead is the acknowledgement of the notice of art. 13 GDPR (T13).
type NoticeRead struct {
	Version  string `json:"version"`
	Language string `json:"language"`
	Digest   string `json:"digest"` // SHA-256 of the wording, base64
	Channel  string `json:"channel"`
}

// Consented is an optional choice, for example "still".
type Consented struct {
	What  string `json:"what"`
	Given bool   `json:"given"`
}

// DocumentUploaded is a document as received (T8). Document is "identity-card" or "tax-card"; Side "front" or "back".
type DocumentUploaded struct {
	Document string `json:"document"`
	Side     string `json:"side"`
	From     Party  `json:"from"`
	File     File   `json:"file" class:"identity"`
}

// DocumentHeld says that a document is already held: where and since when (T8).
type DocumentHeld struct {
	Document string `json:"document"`
	Pointer  string `json:"pointer"`
	Date     string `json:"date"`
}

// DeviceChecked is the result of the person's own check before the call.
type DeviceChecked struct {
	Microphone bool `json:"microphone"`
	Camera     bool `json:"camera"`
	Skipped    bool `json:"skipped"`
}

// IdentityChecked is the operator's statement after comparing face, document and data (T8, X6).
type IdentityChecked struct {
	By      Who      `json:"by"`
	Outcome string   `json:"outcome"` // "match" or "mismatch"
	Checks  []string `json:"checks"`
	Note    Value    `json:"note" class:"identity"`
}

// PartyAdmitted says that the operator let a party into the call.
type PartyAdmitted struct {
	Party Party `json:"party"`
}

// PartyJoined is a connection of a party to the room; Connection repeats in its other facts.
type PartyJoined struct {
	Party      Party  `json:"party"`
	Connection string `json:"connection"`
	Name       Value  `json:"name" class:"identity"` // of a guest
	Reconnect  bool   `json:"reconnect"`
	Network    string `json:"network"` // "udp", "tcp", "relay"
}

// PartyLeft ends a connection; At is dated back to the last packet.
type PartyLeft struct {
	Party      Party  `json:"party"`
	Connection string `json:"connection"`
	At         string `json:"at"`
	Reason     string `json:"reason"` // "leave", "lost", "replaced", "closed"
}

// MediaObserved is what was seen of one party in Secs whole seconds from From: a character a second, "1" or "0".
// Connected: STUN consent or RTCP seen. Audio, Video: RTP arrived. Voice: RFC 6464 level below the silence mark, declared
// by the device. Text: real-time text was typed.
type MediaObserved struct {
	Party     Party   `json:"party"`
	From      string  `json:"from"`
	Secs      int     `json:"secs"`
	Connected string  `json:"connected"`
	Audio     string  `json:"audio"`
	Video     string  `json:"video"`
	Voice     string  `json:"voice"`
	Text      string  `json:"text"`
	Packets   int64   `json:"packets"`
	Bytes     int64   `json:"bytes"`
	Quality   Quality `json:"quality"`
}

// Quality is measured over the same seconds. Loss in percent; Jitter and RTT in milliseconds; Frames per second.
type Quality struct {
	Loss   float64 `json:"loss"`
	Jitter float64 `json:"jitter"`
	RTT    float64 `json:"rtt"`
	Frames float64 `json:"frames"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
}

// MuteChanged is an edge of a party's own switch. What is "audio" or "video".
type MuteChanged struct {
	Party Party  `json:"party"`
	What  string `json:"what"`
	On    bool   `json:"on"`
	At    string `json:"at"`
}

// BreakTaken is an agreed pause; it never counts and is never bridged.
type BreakTaken struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// ServiceGap is an outage of the service itself, from its last durable fact to its restart.
type ServiceGap struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// StillTaken is a picture at a moment the server chose.
type StillTaken struct {
	Party   Party `json:"party"`
	Raw     File  `json:"raw" class:"identity"`
	Picture File  `json:"picture" class:"identity"`
}

// Closed is the explicit conclusion (T15), distinct from loss of connection. Reason: "operator", "unattended", "no-show".
type Closed struct {
	At     string `json:"at"`
	Reason string `json:"reason"`
}
