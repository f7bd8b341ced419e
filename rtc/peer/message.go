package peer

// Message is any message of rtc/PROTOCOL.md, in either direction.
type Message struct {
	Type     string  `json:"type"`
	Ticket   string  `json:"ticket,omitempty"`
	Offer    string  `json:"offer,omitempty"`
	Answer   string  `json:"answer,omitempty"`
	Seat     string  `json:"seat,omitempty"`
	State    string  `json:"state,omitempty"`
	Others   []Other `json:"others,omitempty"`
	Party    string  `json:"party,omitempty"`
	Name     string  `json:"name,omitempty"`
	What     string  `json:"what,omitempty"`
	On       *bool   `json:"on,omitempty"`
	Text     string  `json:"text,omitempty"`
	Done     bool    `json:"done,omitempty"`
	Code     string  `json:"code,omitempty"`
	Sentence string  `json:"sentence,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Network  string  `json:"network,omitempty"`
	Now      string  `json:"now,omitempty"`
	Since    string  `json:"since,omitempty"`
}

// Other is another party of the room.
type Other struct {
	Party string `json:"party"`
	Name  string `json:"name"`
	State string `json:"state"`
	Audio bool   `json:"audio"`
	Video bool   `json:"video"`
}

// Stats count what went and came since Dial.
type Stats struct {
	AudioIn, VideoIn   int64 // RTP packets
	BytesIn            int64
	KeyFramesIn        int64
	LostIn             int64 // by sequence number; what comes late is not counted back
	AudioOut, VideoOut int64
	KeyFramesAsked     int64 // by the server
}
