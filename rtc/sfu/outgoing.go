package sfu

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"
)

// outgoing is one track a party receives. Its RTP stream is one for the life of the connection: when another source
// takes its place, sequence numbers and timestamps go on, so that the receiver's decoder sees no second stream.
type outgoing struct {
	kind int
	id   string

	source atomic.Pointer[incoming] // whose media this is now

	mu     sync.Mutex // guards the rest: writers change over between packets
	writer webrtc.TrackLocalWriter
	types  map[string]uint8 // payload type by lower-case MIME type
	header rtp.Header
	from   uint32 // SSRC of the source of the last packet
	began  bool
	seq    uint16 // to add
	stamp  uint32 // to add
	sent   time.Time
}

var errNoCodec = errors.New("no codec in common")

func newOutgoing(kind int) *outgoing {
	return &outgoing{kind: kind, id: [...]string{"audio", "video"}[kind]}
}

// Bind is called by pion when the codecs are negotiated.
func (o *outgoing) Bind(t webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	params := t.CodecParameters()
	o.types = make(map[string]uint8, len(params))
	var first *webrtc.RTPCodecParameters
	for i, p := range params {
		mime := strings.ToLower(p.MimeType)
		if _, known := o.types[mime]; known || strings.HasSuffix(mime, "/rtx") {
			continue
		}
		o.types[mime] = uint8(p.PayloadType)
		if first == nil {
			first = &params[i]
		}
	}
	if first == nil {
		return webrtc.RTPCodecParameters{}, errNoCodec
	}
	o.writer = t.WriteStream()
	o.header = rtp.Header{Version: 2, SSRC: uint32(t.SSRC())}
	return *first, nil
}

// Unbind is called by pion when the connection ends.
func (o *outgoing) Unbind(webrtc.TrackLocalContext) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer = nil
	return nil
}

// ID, StreamID, RID and Kind name the track in the answer.
func (o *outgoing) ID() string { return o.id }

// StreamID groups audio and video of one party, so that browsers play them in step.
func (o *outgoing) StreamID() string { return "other" }

// RID is empty: there is no simulcast.
func (o *outgoing) RID() string { return "" }

// Kind is audio or video.
func (o *outgoing) Kind() webrtc.RTPCodecType {
	if o.kind == audio {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

// forward sends a packet of a source. Header extensions belong to one connection and are not passed on. A padding
// packet goes on empty, for a missing number would be asked for again.
func (o *outgoing) forward(h *rtp.Header, payload []byte, mime string, rate uint32, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	pt, ok := o.types[mime]
	if o.writer == nil || !ok {
		return
	}
	if h.SSRC != o.from || !o.began {
		if o.began {
			o.seq = o.header.SequenceNumber + 1 - h.SequenceNumber
			o.stamp = o.header.Timestamp + uint32(now.Sub(o.sent).Seconds()*float64(rate)) + 1 - h.Timestamp
		}
		o.from, o.began = h.SSRC, true
	}
	o.header.PayloadType = pt
	o.header.Marker = h.Marker
	o.header.SequenceNumber = h.SequenceNumber + o.seq
	o.header.Timestamp = h.Timestamp + o.stamp
	o.sent = now
	// A packet that cannot be sent is lost, as on any path; the receiver asks again or for a key frame.
	_, _ = o.writer.WriteRTP(&o.header, payload)
}

// wantKeyFrame asks the present source for a key frame.
func (o *outgoing) wantKeyFrame() {
	o.source.Load().keyFrame()
}
