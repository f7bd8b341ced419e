package sfu

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/rtcp"
	"github.com/pion/stun"
	"github.com/pion/webrtc/v3"

	"confermo/rtc/presence"
)

// ErrOffer is a session description that the server does not accept; the text says why.
var ErrOffer = errors.New("offer not accepted")

// MaxOffer bounds a session description in bytes.
const MaxOffer = 32 << 10

const gatherWithin = 5 * time.Second

// Seen is told of every authenticated packet of a party, from several goroutines: what it shows, and its size. It must
// return at once.
type Seen func(seen presence.Seen, bytes int)

// Conn is the media connection of one party.
type Conn struct {
	pc   *webrtc.PeerConnection
	seen Seen
	out  [2]*outgoing // what this party receives, by kind

	talk sync.Mutex // serialises negotiation, which may take long
	form string     // of the first offer; guarded by talk

	mu   sync.Mutex // guards in and fed, never held for long: the room's goroutine takes it
	in   [2]*incoming
	fed  []*Conn
	pair atomic.Bool // connected: a subscriber that asks for a key frame can use it
}

// The two kinds of media, as indexes.
const (
	audio = iota
	video
)

// Connect answers a party's offer. The connection lives until Close, whatever becomes of its path.
func (s *Server) Connect(ctx context.Context, offer string, seen Seen) (c *Conn, answer string, err error) {
	if err := CheckOffer(offer); err != nil {
		return nil, "", err
	}
	cert, err := s.certificate()
	if err != nil {
		return nil, "", err
	}
	settings := s.settings
	// Only checks with a valid MESSAGE-INTEGRITY get here: they are the consent of RFC 7675.
	settings.SetICEBindingRequestHandler(func(m *stun.Message, _, _ ice.Candidate, _ *ice.CandidatePair) bool {
		seen(presence.Connected, len(m.Raw))
		return false
	})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(s.media), webrtc.WithInterceptorRegistry(s.chain), webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{cert}})
	if err != nil {
		return nil, "", fmt.Errorf("make connection: %w", err)
	}
	c = &Conn{pc: pc, seen: seen}
	pc.OnTrack(c.receive)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			c.pair.Store(true)
			c.out[video].wantKeyFrame()
		}
	})
	for kind := range c.out {
		if err := c.addOutgoing(kind); err != nil {
			return nil, "", errors.Join(err, pc.Close())
		}
	}
	if answer, err = c.negotiate(ctx, offer); err != nil {
		return nil, "", errors.Join(err, pc.Close())
	}
	return c, answer, nil
}

func (c *Conn) addOutgoing(kind int) error {
	c.out[kind] = newOutgoing(kind)
	sender, err := c.pc.AddTrack(c.out[kind])
	if err != nil {
		return fmt.Errorf("add outgoing track: %w", err)
	}
	go c.readFeedback(kind, sender)
	return nil
}

// Restart answers an offer with new ICE credentials (RFC 8445 section 9) on the same connection: media, keys and
// sequence go on where they were.
func (c *Conn) Restart(ctx context.Context, offer string) (answer string, err error) {
	if err := CheckOffer(offer); err != nil {
		return "", err
	}
	return c.negotiate(ctx, offer)
}

func (c *Conn) negotiate(ctx context.Context, offer string) (string, error) {
	c.talk.Lock()
	defer c.talk.Unlock()
	offer, form, err := reduce(offer)
	if err != nil {
		return "", err
	}
	if c.form != "" && c.form != form {
		return "", fmt.Errorf("%w: its sections are not those of the first offer", ErrOffer)
	}
	c.form = form
	ctx, cancel := context.WithTimeout(ctx, gatherWithin)
	defer cancel()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("%w: %w", ErrOffer, err)
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("%w: make answer: %w", ErrOffer, err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("%w: set answer: %w", ErrOffer, err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
	return withDTX(c.pc.LocalDescription().SDP), nil
}

// withDTX asks the sender to stop sending while there is silence (RFC 7587 section 7.1); pion repeats the offer's own
// parameters instead of ours.
func withDTX(answer string) string {
	if strings.Contains(answer, "usedtx=1") {
		return answer
	}
	return strings.ReplaceAll(answer, "useinbandfec=1", "useinbandfec=1;usedtx=1")
}

// Feed says who receives this party's media from now on: nobody, or one other party. A party has room for one other's
// media; a larger room needs one pair of outgoing tracks per other party.
func (c *Conn) Feed(to ...*Conn) {
	c.mu.Lock()
	c.fed = append([]*Conn(nil), to...)
	for _, in := range c.in {
		in.feed(c.fed)
	}
	c.mu.Unlock()
	for _, other := range to {
		if other.pair.Load() {
			other.out[video].wantKeyFrame()
		}
	}
}

// KeyFrame asks the party for a key frame, at most twice a second.
func (c *Conn) KeyFrame() {
	c.mu.Lock()
	in := c.in[video]
	c.mu.Unlock()
	in.keyFrame()
}

// Sample is what the connection has measured so far.
func (c *Conn) Sample() presence.Sample {
	c.mu.Lock()
	in := c.in
	c.mu.Unlock()
	var s presence.Sample
	in[audio].addTo(&s)
	in[video].addTo(&s)
	if stats, ok := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats(); ok {
		s.RTT = time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
		s.Answers = stats.ResponsesReceived
	}
	return s
}

// Close ends the connection and everything that runs for it.
func (c *Conn) Close() error {
	c.Feed()
	if err := c.pc.Close(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

// readFeedback reads what the party says about the media it receives, until the connection closes.
func (c *Conn) readFeedback(kind int, sender *webrtc.RTPSender) {
	buf := make([]byte, 1500)
	for {
		n, _, err := sender.Read(buf)
		if err != nil {
			return
		}
		c.seen(presence.Connected, n)
		if kind != video {
			continue
		}
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			continue
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				c.out[video].wantKeyFrame()
			}
		}
	}
}
