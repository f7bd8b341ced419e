package sfu

import (
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"

	"confermo/rtc/presence"
)

// keyFrameEvery bounds how often a party is asked for a key frame.
const keyFrameEvery = 500 * time.Millisecond

// silence is the level (in -dBov, RFC 6464) from which on a packet counts as no voice.
const silence = 50

// incoming is one track a party sends.
type incoming struct {
	conn  *Conn
	kind  int
	ssrc  uint32
	mime  string
	rate  uint32
	level uint8 // id of the audio level extension, 0 when not negotiated
	to    atomic.Pointer[[]*outgoing]

	mu    sync.Mutex // guards the rest
	stats stats
	asked time.Time // last key frame request
	timer *time.Timer
	ended bool
}

// receive is called by pion with the first packet of a track and reads it until the connection closes.
func (c *Conn) receive(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	codec := track.Codec()
	in := &incoming{
		conn: c, ssrc: uint32(track.SSRC()), mime: strings.ToLower(codec.MimeType), rate: codec.ClockRate,
		stats: stats{rate: float64(codec.ClockRate)},
	}
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		in.kind = video
	}
	for _, e := range receiver.GetParameters().HeaderExtensions {
		if e.URI == sdp.AudioLevelURI {
			in.level = uint8(e.ID)
		}
	}
	c.mu.Lock()
	c.in[in.kind] = in
	in.feed(c.fed)
	c.mu.Unlock()
	go c.readReports(receiver)
	in.read(track)
	in.end()
}

// feed sets who gets the packets. A nil incoming, a track that never came, feeds nobody.
func (in *incoming) feed(conns []*Conn) {
	if in == nil {
		return
	}
	to := make([]*outgoing, 0, len(conns))
	for _, c := range conns {
		c.out[in.kind].source.Store(in)
		to = append(to, c.out[in.kind])
	}
	in.to.Store(&to)
}

func (in *incoming) read(track *webrtc.TrackRemote) {
	buf := make([]byte, 1500)
	var h rtp.Header
	for {
		n, _, err := track.Read(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			continue // larger than any path carries; the stream goes on without it
		}
		if err != nil {
			return
		}
		start, err := h.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		end := n
		if h.Padding {
			if pad := int(buf[n-1]); pad <= end-start {
				end -= pad
			}
		}
		payload, now := buf[start:end], time.Now()
		in.conn.seen(in.shows(&h), n)
		in.mu.Lock()
		in.stats.add(&h, payload, now, in.mime)
		in.mu.Unlock()
		for _, o := range *in.to.Load() {
			o.forward(&h, payload, in.mime, in.rate, now)
		}
	}
}

func (in *incoming) shows(h *rtp.Header) presence.Seen {
	if in.kind == video {
		return presence.Video
	}
	if in.level != 0 {
		if level := h.GetExtension(in.level); len(level) > 0 && level[0]&0x7f < silence {
			return presence.Audio | presence.Voice
		}
	}
	return presence.Audio
}

// keyFrame sends a PLI (RFC 4585 section 6.3.1), now or when the last one is old enough.
func (in *incoming) keyFrame() {
	if in == nil || in.kind != video {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.ended || in.timer != nil {
		return
	}
	if wait := keyFrameEvery - time.Since(in.asked); wait > 0 {
		in.timer = time.AfterFunc(wait, func() {
			in.mu.Lock()
			in.timer = nil
			in.mu.Unlock()
			in.keyFrame()
		})
		return
	}
	in.asked = time.Now()
	// A request that cannot be sent is asked again by the receiver.
	_ = in.conn.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: in.ssrc}})
}

func (in *incoming) end() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.ended = true
	if in.timer != nil {
		in.timer.Stop()
	}
}

// readReports reads the party's sender reports until the connection closes.
func (c *Conn) readReports(receiver *webrtc.RTPReceiver) {
	buf := make([]byte, 1500)
	for {
		n, _, err := receiver.Read(buf)
		if err != nil {
			return
		}
		c.seen(presence.Connected, n)
	}
}

func (in *incoming) addTo(s *presence.Sample) {
	if in == nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	s.Expected += in.stats.expected()
	s.Received += in.stats.received
	s.Jitter = max(s.Jitter, in.stats.jitterTime())
	if in.kind == video {
		s.Frames, s.Width, s.Height = in.stats.frames, in.stats.width, in.stats.height
	}
}
