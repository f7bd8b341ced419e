package sfu

import (
	"errors"
	"strings"
	"testing"

	"confermo/rtc/presence"
)

// An address that only a description names may be anybody's: checks to it would make the service a tool against others.
func TestNoAddressOfADescriptionIsSentTo(t *testing.T) {
	s := open(t)
	victim := "a=candidate:1 1 udp 2130706431 192.0.2.7 9 typ host\r\n"
	offer := strings.ReplaceAll(browserOffer, "a=ice-ufrag", victim+"a=ice-ufrag")
	c, _, err := s.Connect(t.Context(), offer, func(presence.Seen, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.pc.RemoteDescription().SDP; strings.Contains(got, "candidate:") || !strings.Contains(got, "a=ice-ufrag:abcd") {
		t.Errorf("the connection was given\n%s", got)
	}
}

// Each restart names the sections of the first offer; else a client could add one a second for hours.
func TestRestartsCannotPileUpSections(t *testing.T) {
	s := open(t)
	c, _, err := s.Connect(t.Context(), browserOffer, func(presence.Seen, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	had := len(c.pc.GetTransceivers())
	for _, mid := range []string{"2", "3"} {
		_, err := c.Restart(t.Context(), strings.ReplaceAll(browserOffer, "a=mid:1", "a=mid:"+mid))
		if !errors.Is(err, ErrOffer) {
			t.Errorf("a restart with section %s: %v", mid, err)
		}
	}
	if n := len(c.pc.GetTransceivers()); n != had {
		t.Errorf("%d sections stand, had %d", n, had)
	}
	if _, err := c.Restart(t.Context(), strings.ReplaceAll(browserOffer, "abcd", "efgh")); err != nil {
		t.Errorf("a plain restart: %v", err)
	}
}

// A negotiation that takes its time must not stop the room, which feeds and samples its connections every second.
func TestNegotiationDoesNotStopTheRoom(t *testing.T) {
	s := open(t)
	c, _, err := s.Connect(t.Context(), browserOffer, func(presence.Seen, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.talk.Lock()
	defer c.talk.Unlock()
	c.Feed()
	c.KeyFrame()
	_ = c.Sample()
}
