package sfu

import (
	"strings"
	"testing"

	"confermo/rtc/presence"
)

// browserOffer is what Chromium offers, shortened to what this service serves.
const browserOffer = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n" +
	"a=msid-semantic: WMS s\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 2D:AB:90:2F:3B:11:D2:0C:84:A6:B9:0C:E0:F6:4E:33:7F:36:F9:2D:6F:1A:73:5D:20:5C:7C:64:1D:FA:12:9D\r\n" +
	"a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n" +
	"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=sendrecv\r\na=msid:s a\r\na=rtcp-mux\r\n" +
	"a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n" +
	"a=ssrc:1001 cname:c\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 103\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=ice-options:trickle\r\n" +
	"a=fingerprint:sha-256 2D:AB:90:2F:3B:11:D2:0C:84:A6:B9:0C:E0:F6:4E:33:7F:36:F9:2D:6F:1A:73:5D:20:5C:7C:64:1D:FA:12:9D\r\n" +
	"a=setup:actpass\r\na=mid:1\r\na=sendrecv\r\na=msid:s v\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n" +
	"a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\n" +
	"a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\na=ssrc-group:FID 1002 1003\r\n" +
	"a=ssrc:1002 cname:c\r\na=ssrc:1003 cname:c\r\n"

func open(t testing.TB) *Server {
	t.Helper()
	s, err := Open(Config{UDP: "127.0.0.1:0", Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestAnswerCarriesEverything(t *testing.T) {
	s := open(t)
	c, answer, err := s.Connect(t.Context(), browserOffer, func(presence.Seen, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"candidate": "a=candidate:", "own address": "127.0.0.1", "end of candidates": "a=end-of-candidates",
		"role": "a=setup:passive", "both ways": "a=sendrecv", "DTX": "usedtx=1", "FEC": "useinbandfec=1",
		"VP8 first": "SAVPF 96", "audio level": "ssrc-audio-level", "key frames": "a=rtcp-fb:96 nack pli",
		"congestion control": "transport-cc", "outgoing tracks": "a=msid:other video",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("%s: %q is not in the answer\n%s", what, want, answer)
		}
	}
	if strings.Contains(answer, "recvonly") || strings.Contains(answer, "inactive") || strings.Contains(answer, "rtx") {
		t.Errorf("the answer needs a second exchange or promises RTX:\n%s", answer)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// FuzzConnect lets a party send any session description: it may be refused, it may not bring the service down.
func FuzzConnect(f *testing.F) {
	s := open(f)
	f.Add(browserOffer)
	f.Add(plainOffer)
	f.Add(strings.ReplaceAll(browserOffer, "sendrecv", "recvonly"))
	f.Fuzz(func(t *testing.T, offer string) {
		c, _, err := s.Connect(t.Context(), offer, func(presence.Seen, int) {})
		if err != nil {
			return
		}
		_, _ = c.Restart(t.Context(), strings.ReplaceAll(offer, "abcd", "efgh"))
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
