package rtc

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"confermo/rtc/sfu"
)

// Bounds of a message: MaxMessage in bytes of JSON, MaxText in bytes of one line of real-time text.
const (
	MaxMessage = 64 << 10
	MaxText    = 8 << 10
	maxTicket  = 4 << 10
)

// request is a message of a client.
type request struct {
	Type   string `json:"type"`
	Ticket string `json:"ticket"`
	Offer  string `json:"offer"`
	Seat   string `json:"seat"`
	What   string `json:"what"`
	On     bool   `json:"on"`
	Text   string `json:"text"`
	Done   bool   `json:"done"`
}

// event is a message of the server. Booleans that must be said when false are pointers.
type event struct {
	Type      string  `json:"type"`
	Answer    string  `json:"answer,omitempty"`
	Seat      string  `json:"seat,omitempty"`
	State     string  `json:"state,omitempty"`
	Ticket    string  `json:"ticket,omitempty"`
	Others    []other `json:"others,omitempty"`
	Party     string  `json:"party,omitempty"`
	Name      string  `json:"name,omitempty"`
	What      string  `json:"what,omitempty"`
	On        *bool   `json:"on,omitempty"`
	Audio     *bool   `json:"audio,omitempty"`
	Video     *bool   `json:"video,omitempty"`
	Text      string  `json:"text,omitempty"`
	Done      bool    `json:"done,omitempty"`
	Reason    string  `json:"reason,omitempty"`
	Reconnect bool    `json:"reconnect,omitempty"`
	Network   string  `json:"network,omitempty"`
	Now       string  `json:"now,omitempty"`
	Since     string  `json:"since,omitempty"`
	Code      string  `json:"code,omitempty"`
	Sentence  string  `json:"sentence,omitempty"`
}

type other struct {
	Party string `json:"party"`
	Name  string `json:"name"`
	State string `json:"state"` // absent, waiting, in-call or away
	Audio bool   `json:"audio"`
	Video bool   `json:"video"`
}

// refusal is what a client is told when its wish is not granted: a code of PROTOCOL.md. Final refusals end the socket.
type refusal struct {
	code  string
	final bool
	cause error
}

func (r *refusal) Error() string {
	if r.cause != nil {
		return r.code + ": " + r.cause.Error()
	}
	return r.code
}

func (r *refusal) Unwrap() error { return r.cause }

func refuse(code string, cause error) error { return &refusal{code: code, final: true, cause: cause} }

func object(code string, cause error) error { return &refusal{code: code, cause: cause} }

// errorEvent says a refusal; anything else is "internal".
func errorEvent(err error) (e event, final bool) {
	code := "internal"
	final = true
	var r *refusal
	if errors.As(err, &r) {
		code, final = r.code, r.final
	}
	return event{Type: "error", Code: code, Sentence: "error-" + code}, final
}

// parse reads one message of a client. Every message with a type is a message; whether it is known the room decides.
func parse(b []byte) (request, error) {
	var m request
	if len(b) > MaxMessage {
		return m, refuse("message", fmt.Errorf("more than %d bytes", MaxMessage))
	}
	if !utf8.Valid(b) {
		return m, refuse("message", errors.New("not UTF-8"))
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return request{}, refuse("message", fmt.Errorf("not a message: %w", err))
	}
	switch {
	case m.Type == "":
		return request{}, refuse("message", errors.New("no type"))
	case len(m.Offer) > sfu.MaxOffer:
		return request{}, refuse("message", errors.New("offer too long"))
	case len(m.Text) > MaxText:
		return request{}, refuse("message", errors.New("text too long"))
	case len(m.Ticket) > maxTicket || len(m.Seat) > 64:
		return request{}, refuse("message", errors.New("ticket or seat too long"))
	}
	return m, nil
}
