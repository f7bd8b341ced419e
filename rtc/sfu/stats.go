package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtp"
)

// stats are measured on a stream as it arrives (RFC 3550 appendix A.1, A.8).
type stats struct {
	rate          float64
	began         bool
	first, high   int64 // extended sequence numbers
	received      int64
	jitter        float64 // in units of the clock
	transit       float64
	frames        int64
	width, height int
	origin        time.Time
}

func (s *stats) add(h *rtp.Header, payload []byte, now time.Time, mime string) {
	if !s.began {
		s.began, s.origin = true, now
		s.first, s.high = int64(h.SequenceNumber), int64(h.SequenceNumber)
		s.transit = -float64(h.Timestamp)
	}
	s.received++
	if ahead := int16(h.SequenceNumber - uint16(s.high)); ahead > 0 {
		s.high += int64(ahead)
	}
	arrival := now.Sub(s.origin).Seconds() * s.rate
	transit := arrival - float64(h.Timestamp)
	if d := transit - s.transit; d < s.rate && d > -s.rate { // more is a new clock, not jitter
		if d < 0 {
			d = -d
		}
		s.jitter += (d - s.jitter) / 16
	}
	s.transit = transit
	if mime == "audio/opus" {
		return
	}
	if h.Marker {
		s.frames++
	}
	if mime == "video/vp8" {
		if w, h, ok := vp8Size(payload); ok {
			s.width, s.height = w, h
		}
	}
}

func (s *stats) expected() int64 {
	if !s.began {
		return 0
	}
	return s.high - s.first + 1
}

func (s *stats) jitterTime() time.Duration {
	if s.rate == 0 {
		return 0
	}
	return time.Duration(s.jitter / s.rate * float64(time.Second))
}

// vp8Size reads the picture size from the first packet of a key frame (RFC 7741 section 4.2, RFC 6386 section 9.1).
func vp8Size(b []byte) (width, height int, ok bool) {
	if len(b) < 1 || b[0]&0x10 == 0 || b[0]&0x07 != 0 { // not the start of the first partition
		return 0, 0, false
	}
	n := 1
	if b[0]&0x80 != 0 {
		if len(b) < 2 {
			return 0, 0, false
		}
		ext := b[1]
		n = 2
		if ext&0x80 != 0 {
			if len(b) < 3 {
				return 0, 0, false
			}
			if b[2]&0x80 != 0 {
				n++
			}
			n++
		}
		if ext&0x40 != 0 {
			n++
		}
		if ext&0x30 != 0 {
			n++
		}
	}
	if len(b) < n+10 || b[n]&1 != 0 || b[n+3] != 0x9d || b[n+4] != 0x01 || b[n+5] != 0x2a {
		return 0, 0, false
	}
	size := b[n+6:]
	return int(binary.LittleEndian.Uint16(size) & 0x3fff), int(binary.LittleEndian.Uint16(size[2:]) & 0x3fff), true
}
