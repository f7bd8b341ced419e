package evidence

// Bodies of the facts outside any interview. Streams: "node", "keys", "rules", "agencies", "accounts", "access", "anchors".

// NodeStarted opens a boot of the service (stream "node"). Clocks of one boot can be compared; boots join here.
type NodeStarted struct {
	Node    string `json:"node"`
	Boot    string `json:"boot"`
	Version string `json:"version"`
	Engine  string `json:"engine"`
	Name    string `json:"name"` // who runs the service
	Test    bool   `json:"test"`
}

// KeyMade announces a public key of the installation: "log", "seal", and when it starts (stream "keys").
type KeyMade struct {
	Use string `json:"use"`
	Key string `json:"key"` // verifier key or certificate in PEM
}

// RulePackAdopted puts a signed pack in force (stream "rules").
type RulePackAdopted struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
	File    File   `json:"file"`
}

// AgencySeeded registers an agency and its accredited sites (stream "agencies").
type AgencySeeded struct {
	Agency Agency   `json:"agency"`
	Sites  []string `json:"sites"`
	Zone   string   `json:"zone"`
	Act    string   `json:"act"` // accreditation
}

// AccountOpened gives somebody access (stream "accounts"). Password is an argon2id hash. For an operator it is also the
// written appointment to process data (I9).
type AccountOpened struct {
	ID       string `json:"id"`
	Role     string `json:"role"` // "operator", "auditor", "officer"
	Agency   string `json:"agency"`
	Name     Value  `json:"name" class:"account"`
	Mail     Value  `json:"mail" class:"account"`
	Password Value  `json:"password" class:"account"`
}

// AccountSignedIn is one sign-in or its failure (stream "access").
type AccountSignedIn struct {
	Account string `json:"account"`
	Method  string `json:"method"`
	OK      bool   `json:"ok"`
}

// RecordRead is a reading or download of a record (stream "access", I14).
type RecordRead struct {
	Account   string `json:"account"`
	Interview string `json:"interview"`
	What      string `json:"what"`
}

// AnchorReceived is an outside statement about a tree size (stream "anchors"). Type is "tsa" or "witness".
type AnchorReceived struct {
	Type string `json:"type"`
	From string `json:"from"` // URL or witness name
	Size int64  `json:"size"`
	Root string `json:"root"`
	Time string `json:"time"` // in the token or cosignature
	Note File   `json:"note"` // the checkpoint; for a witness with its cosignature
	File File   `json:"file"` // the token; absent for a witness
}

// AnchorFailed is an outside service that did not answer or answered wrongly (stream "anchors").
type AnchorFailed struct {
	Type string `json:"type"`
	From string `json:"from"`
	Size int64  `json:"size"`
	Text string `json:"text"`
}
