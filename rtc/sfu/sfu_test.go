package sfu

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// sent is a track writer that keeps what it is given.
type sent struct {
	headers  []rtp.Header
	payloads [][]byte
}

func (s *sent) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	s.headers = append(s.headers, *h)
	s.payloads = append(s.payloads, payload)
	return len(payload), nil
}

func (s *sent) Write([]byte) (int, error) { return 0, errors.New("not used") }

func TestStreamGoesOnWhenItsSourceChanges(t *testing.T) {
	w := &sent{}
	o := newOutgoing(video)
	o.writer, o.types, o.header = w, map[string]uint8{"video/vp8": 120}, rtp.Header{Version: 2, SSRC: 7}
	now := time.Now()
	send := func(ssrc uint32, seq uint16, stamp uint32, at time.Duration) {
		h := rtp.Header{
			SSRC: ssrc, SequenceNumber: seq, Timestamp: stamp, Marker: true, PayloadType: 96, Padding: true, PaddingSize: 4,
			Extension: true, Extensions: []rtp.Extension{{}},
		}
		o.forward(&h, []byte{1}, "video/vp8", 90000, now.Add(at))
	}
	send(1, 65534, 1000, 0)
	send(1, 65535, 4000, 33*time.Millisecond)
	send(1, 0, 7000, 66*time.Millisecond)
	send(2, 500, 99, time.Second+66*time.Millisecond) // another connection of the other party
	send(2, 502, 3099, time.Second+99*time.Millisecond)
	send(2, 501, 99, time.Second+100*time.Millisecond) // late
	o.forward(&rtp.Header{SSRC: 2}, nil, "video/av1", 90000, now)
	want := []uint16{65534, 65535, 0, 1, 3, 2}
	if len(w.headers) != len(want) {
		t.Fatalf("%d packets went out, want %d", len(w.headers), len(want))
	}
	for i, h := range w.headers {
		if h.SequenceNumber != want[i] || h.SSRC != 7 || h.PayloadType != 120 || h.Extension || h.Padding {
			t.Errorf("packet %d went out as %+v", i, h)
		}
	}
	if d := w.headers[3].Timestamp - w.headers[2].Timestamp; d < 89000 || d > 91000 {
		t.Errorf("a second of silence became %d ticks", d)
	}
	if d := w.headers[4].Timestamp - w.headers[3].Timestamp; d != 3000 {
		t.Errorf("a frame became %d ticks", d)
	}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	o := newOutgoing(video)
	o.writer, o.types = discard{}, map[string]uint8{"video/vp8": 120}
	h, payload, now := &rtp.Header{SSRC: 1}, make([]byte, 1100), time.Now()
	s := stats{rate: 90000}
	if n := testing.AllocsPerRun(1000, func() {
		h.SequenceNumber++
		s.add(h, payload, now, "video/vp8")
		o.forward(h, payload, "video/vp8", 90000, now)
	}); n > 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

type discard struct{}

func (discard) WriteRTP(*rtp.Header, []byte) (int, error) { return 0, nil }
func (discard) Write([]byte) (int, error)                 { return 0, nil }

func TestLossIsCountedBySequenceNumber(t *testing.T) {
	s := stats{rate: 90000}
	now := time.Now()
	for i := range 200 {
		if i%10 == 5 {
			continue // lost
		}
		s.add(&rtp.Header{SequenceNumber: uint16(65500 + i), Timestamp: uint32(i * 3000)}, nil, now.Add(time.Duration(i)*time.Second/30), "video/vp8")
	}
	if lost := s.expected() - s.received; lost != 20 || s.jitterTime() > time.Millisecond {
		t.Errorf("%d lost, jitter %v", lost, s.jitterTime())
	}
}

const plainOffer = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"

func TestOnlyOneAudioAndOneVideoAreServed(t *testing.T) {
	if err := CheckOffer(plainOffer); err != nil {
		t.Errorf("a plain offer is refused: %v", err)
	}
	for name, offer := range map[string]string{
		"empty": "", "no video": plainOffer[:strings.Index(plainOffer, "m=video")],
		"two videos":   plainOffer + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
		"data channel": plainOffer + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
		"too long":     plainOffer + strings.Repeat("a=x\r\n", 10000),
	} {
		if err := CheckOffer(offer); !errors.Is(err, ErrOffer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheckOffer(f *testing.F) {
	f.Add(plainOffer)
	f.Add("v=0\r\nm=audio")
	f.Fuzz(func(t *testing.T, offer string) {
		if err := CheckOffer(offer); err != nil && !errors.Is(err, ErrOffer) {
			t.Errorf("refused with %v", err)
		}
	})
}

func FuzzVP8Size(f *testing.F) {
	key := []byte{0x90, 0xe0, 0x81, 0x02, 3, 4, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00}
	if w, h, ok := vp8Size(key); !ok || w != 320 || h != 240 {
		f.Fatalf("the seed's size is read as %dx%d, %v", w, h, ok)
	}
	f.Add(key)
	f.Add([]byte{0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, h, ok := vp8Size(b); ok && (w < 0 || h < 0 || w > 0x3fff || h > 0x3fff) {
			t.Errorf("size %dx%d", w, h)
		}
	})
}
