package peer

import (
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// mtu of outgoing RTP packets.
const mtu = 1200

// send starts the loops that end with Close.
func (p *Peer) send() {
	for _, s := range p.pc.GetSenders() {
		var level uint8
		for _, e := range s.GetParameters().HeaderExtensions {
			if e.URI == sdp.AudioLevelURI {
				level = uint8(e.ID)
			}
		}
		p.wg.Add(2)
		go p.readFeedback(s)
		if s.Track().Kind() == webrtc.RTPCodecTypeAudio {
			go p.sendAudio(level)
		} else {
			go p.sendVideo()
		}
	}
}

func (p *Peer) sendAudio(level uint8) {
	defer p.wg.Done()
	clip := p.opt.Media
	if len(clip.Audio) == 0 {
		return
	}
	seq, stamp := uint16(rand.Uint32()), rand.Uint32()
	tick := time.NewTicker(clip.AudioEvery)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(clip.Audio) {
		stamp += uint32(clip.AudioEvery.Seconds() * 48000)
		if !p.audioOff.Load() {
			seq++
			packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: stamp}, Payload: clip.Audio[i]}
			if level != 0 {
				loud := byte(0x80 | 20) // voice, -20 dBov
				if i < quietUntil {
					loud = 127
				}
				_ = packet.SetExtension(level, []byte{loud}) // fails only for a bad id, which was negotiated
			}
			if p.tx[0].WriteRTP(&packet) == nil {
				p.count(func(s *Stats) { s.AudioOut++ })
			}
		}
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
	}
}

func (p *Peer) sendVideo() {
	defer p.wg.Done()
	clip := p.opt.Media
	if len(clip.Video) == 0 {
		return
	}
	packetizer := rtp.NewPacketizer(mtu, 96, 0, &codecs.VP8Payloader{}, rtp.NewRandomSequencer(), 90000)
	samples := uint32(clip.VideoEvery.Seconds() * 90000)
	tick := time.NewTicker(clip.VideoEvery)
	defer tick.Stop()
	for i := 0; ; i = (i + 1) % len(clip.Video) {
		if p.wantKey.CompareAndSwap(true, false) {
			for n := 0; n < len(clip.Video) && !isKeyFrame(clip.Video[i]); n++ {
				i = (i + 1) % len(clip.Video)
			}
		}
		if p.videoOff.Load() {
			packetizer.SkipSamples(samples)
		} else {
			for _, packet := range packetizer.Packetize(clip.Video[i], samples) {
				if p.tx[1].WriteRTP(packet) == nil {
					p.count(func(s *Stats) { s.VideoOut++ })
				}
			}
		}
		select {
		case <-tick.C:
		case <-p.stop:
			return
		}
	}
}

func (p *Peer) readFeedback(s *webrtc.RTPSender) {
	defer p.wg.Done()
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); ok {
				p.wantKey.Store(true)
				p.count(func(s *Stats) { s.KeyFramesAsked++ })
			}
		}
	}
}

// receive is called by pion for each track and reads it until the connection closes.
func (p *Peer) receive(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	video := track.Kind() == webrtc.RTPCodecTypeVideo
	var last uint16
	for first := true; ; first = false {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		lost := int64(0)
		if ahead := int16(packet.SequenceNumber - last); !first && ahead > 1 {
			lost = int64(ahead) - 1
		}
		last = packet.SequenceNumber
		var vp8 codecs.VP8Packet
		key := false
		if video && len(packet.Payload) > 0 {
			frame, err := vp8.Unmarshal(packet.Payload)
			key = err == nil && vp8.S == 1 && vp8.PID == 0 && isKeyFrame(frame)
		}
		p.count(func(s *Stats) {
			s.BytesIn += int64(len(packet.Payload))
			s.LostIn += lost
			switch {
			case !video:
				s.AudioIn++
			case key:
				s.KeyFramesIn++
				s.VideoIn++
			default:
				s.VideoIn++
			}
		})
	}
}

func (p *Peer) count(f func(*Stats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.stats)
}
