package rtc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"confermo/evidence"
)

// ticket is what a client shows to take a seat: whose it is, in which interview, until when. It is
// base64url(JSON).base64url(HMAC-SHA256), and good for nothing else.
type ticket struct {
	Interview string         `json:"i"`
	Party     evidence.Party `json:"p"`
	Name      string         `json:"n"`
	Expires   int64          `json:"e"` // Unix seconds
}

// ticketLabel keeps tickets apart from anything else made with the same key.
const ticketLabel = "confermo room ticket v1\n"

// TicketTTL is how long the tickets live that the server hands out for reconnecting.
const TicketTTL = 2 * time.Hour

// Ticket makes the ticket of a party. Name is how the party is called to the other.
func (r *Rooms) Ticket(interview string, party evidence.Party, name string, ttl time.Duration) string {
	t := ticket{Interview: interview, Party: party, Name: name, Expires: time.Now().Add(ttl).Unix()}
	body, err := json.Marshal(t)
	if err != nil {
		panic("internal error: encode ticket: " + err.Error()) // strings and a number always encode
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(r.ticketMAC(text))
}

func (r *Rooms) ticketMAC(text string) []byte {
	h := hmac.New(sha256.New, r.key)
	h.Write([]byte(ticketLabel + text))
	return h.Sum(nil)
}

// check reads a ticket. It refuses with "ticket" what this service did not make and with "expired" what is too old.
func (r *Rooms) check(text string, now time.Time) (ticket, error) {
	body, mac, ok := strings.Cut(text, ".")
	if !ok {
		return ticket{}, refuse("ticket", errors.New("not a ticket"))
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || !hmac.Equal(sum, r.ticketMAC(body)) {
		return ticket{}, refuse("ticket", errors.New("not a ticket of this service"))
	}
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return ticket{}, refuse("ticket", fmt.Errorf("read ticket: %w", err))
	}
	var t ticket
	if err := json.Unmarshal(raw, &t); err != nil {
		return ticket{}, refuse("ticket", fmt.Errorf("read ticket: %w", err))
	}
	if t.Party != evidence.Operator && t.Party != evidence.Person {
		return ticket{}, refuse("full", fmt.Errorf("no seat for %q", t.Party))
	}
	if now.Unix() >= t.Expires {
		return ticket{}, refuse("expired", errors.New("the ticket is too old"))
	}
	return t, nil
}
