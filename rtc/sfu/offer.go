package sfu

import (
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
)

// notClient are the setup values (RFC 8842 section 5.2) that would make the service the DTLS client, and so read what
// only servers send.
var notClient = map[string]bool{"passive": true, "holdconn": true}

// CheckOffer refuses what the server would not serve, before any state is made for it: an offer has one audio and one
// video section and no data channel, and lets the service be the DTLS server.
func CheckOffer(offer string) error {
	if len(offer) > MaxOffer {
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrOffer, len(offer), MaxOffer)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return fmt.Errorf("%w: %w", ErrOffer, err)
	}
	if setup, _ := d.Attribute(sdp.AttrKeyConnectionSetup); notClient[setup] {
		return fmt.Errorf("%w: in DTLS the party must be the client, not %q", ErrOffer, setup)
	}
	count := map[string]int{}
	for _, m := range d.MediaDescriptions {
		if m == nil {
			return fmt.Errorf("%w: a section is empty", ErrOffer)
		}
		count[m.MediaName.Media]++
		if m.MediaName.Media != "audio" && m.MediaName.Media != "video" {
			return fmt.Errorf("%w: it asks for %q, only audio and video are served", ErrOffer, m.MediaName.Media)
		}
		if setup, _ := m.Attribute(sdp.AttrKeyConnectionSetup); notClient[setup] {
			return fmt.Errorf("%w: in DTLS the party must be the client, not %q", ErrOffer, setup)
		}
	}
	if count["audio"] != 1 || count["video"] != 1 {
		return fmt.Errorf("%w: it has %d audio and %d video sections, one of each is served",
			ErrOffer, count["audio"], count["video"])
	}
	return nil
}

// reduce takes the candidates out of an offer, and gives the form that every later offer of the connection must have:
// the kinds and names of its sections in order, so that restarts cannot pile up sections. The service never sends to an
// address that only a description names, for it could be anybody's: it learns the party's address from the checks that
// come from it (RFC 8445 section 7.3.1.3).
func reduce(offer string) (reduced, form string, err error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	var f strings.Builder
	for _, m := range d.MediaDescriptions {
		mid, _ := m.Attribute(sdp.AttrKeyMID)
		fmt.Fprintf(&f, "%s %q\n", m.MediaName.Media, mid)
		kept := m.Attributes[:0]
		for _, a := range m.Attributes {
			if a.Key != "candidate" && a.Key != "end-of-candidates" && a.Key != "remote-candidates" {
				kept = append(kept, a)
			}
		}
		m.Attributes = kept
	}
	b, err := d.Marshal()
	if err != nil {
		return "", "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	return string(b), f.String(), nil
}
