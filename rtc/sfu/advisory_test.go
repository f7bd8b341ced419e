package sfu

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtp"

	"confermo/rtc/presence"
)

// These tests hold up the statements of rtc/ADVISORIES.md.

// GO-2026-4479 and CVE-2026-54908: DTLS carries the handshake alone, and the service is its server.
func TestAdvisoryServiceIsTheDTLSServerAndHasNoDataChannel(t *testing.T) {
	for name, offer := range map[string]string{
		"passive":        strings.ReplaceAll(browserOffer, "a=setup:actpass", "a=setup:passive"),
		"one passive":    strings.Replace(browserOffer, "a=setup:actpass", "a=setup:passive", 1),
		"held":           strings.ReplaceAll(browserOffer, "a=setup:actpass", "a=setup:holdconn"),
		"session level":  strings.Replace(strings.ReplaceAll(browserOffer, "a=setup:actpass\r\n", ""), "a=msid-semantic", "a=setup:passive\r\na=msid-semantic", 1),
		"a data channel": browserOffer + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n",
	} {
		if err := CheckOffer(offer); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckOffer(strings.ReplaceAll(browserOffer, "a=setup:actpass", "a=setup:active")); err != nil {
		t.Errorf("a DTLS client is refused: %v", err)
	}
}

// GHSA-34rh-wp3j-6cxc: no STUN or TURN server is ever asked, so nobody's answer with a mapped address is read.
func TestAdvisoryNoSTUNServerIsAsked(t *testing.T) {
	s := open(t)
	c, answer, err := s.Connect(t.Context(), browserOffer, func(presence.Seen, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n := len(c.pc.GetConfiguration().ICEServers); n > 0 || strings.Contains(answer, "typ srflx") || strings.Contains(answer, "typ relay") {
		t.Errorf("%d servers, answer\n%s", n, answer)
	}
}

// CVE-2025-49140: a packet whose padding is longer than the packet.
func TestAdvisoryPaddingDoesNotCrashTheResponder(t *testing.T) {
	factory, err := nack.NewResponderInterceptor()
	if err != nil {
		t.Fatal(err)
	}
	i, err := factory.NewInterceptor("")
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	w := i.BindLocalStream(&interceptor.StreamInfo{SSRC: 1, RTCPFeedback: []interceptor.RTCPFeedback{{Type: "nack"}}},
		interceptor.RTPWriterFunc(func(_ *rtp.Header, b []byte, _ interceptor.Attributes) (int, error) { return len(b), nil }))
	for _, payload := range [][]byte{{0xff}, {0}, {}} {
		_, _ = w.Write(&rtp.Header{Version: 2, SSRC: 1, Padding: true}, payload, nil)
	}
}
