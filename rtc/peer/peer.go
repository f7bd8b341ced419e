package peer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// Options say where and as whom to join. Loopback restricts the peer to 127.0.0.1.
type Options struct {
	URL      string // ws://HOST/rtc
	Ticket   string
	Media    Clip
	Loopback bool
	Header   http.Header // of the WebSocket request, for example Origin
}

// Refused is an error message of the server.
type Refused struct{ Code string }

func (r *Refused) Error() string { return "the server refused: " + r.Code }

// Peer is one party in a call.
type Peer struct {
	opt  Options
	pc   *webrtc.PeerConnection
	tx   [2]*webrtc.TrackLocalStaticRTP
	stop chan struct{} // closed by Close
	wg   sync.WaitGroup

	audioOff, videoOff, wantKey atomic.Bool

	writing sync.Mutex // serialises writes to ws

	mu       sync.Mutex // guards the rest
	ws       *websocket.Conn
	ticket   string
	seat     string
	messages []Message
	taken    int // messages that Await has returned
	stats    Stats
	changed  chan struct{} // closed and replaced at every change
	closed   bool
	lost     error // why signalling ended, nil while it lives
}

// Dial joins the room and sends media until Close.
func Dial(ctx context.Context, opt Options) (*Peer, error) {
	p := &Peer{opt: opt, ticket: opt.Ticket, stop: make(chan struct{}), changed: make(chan struct{})}
	if err := p.connect(); err != nil {
		return nil, err
	}
	offer, err := p.offer(false)
	if err != nil {
		return nil, errors.Join(err, p.pc.Close())
	}
	answer, err := p.join(ctx, Message{Type: "join", Ticket: opt.Ticket, Offer: offer})
	if err == nil {
		err = p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer.Answer})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("join: %w", err), p.Close())
	}
	p.send()
	return p, nil
}

// connect makes the connection with one audio and one video section, both sendrecv.
func (p *Peer) connect() error {
	var settings webrtc.SettingEngine
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	settings.LoggerFactory = quiet
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if p.opt.Loopback {
		settings.SetIncludeLoopbackCandidate(true)
		settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
		settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	}
	media := &webrtc.MediaEngine{}
	nack := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}}
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: nack}
	chain := &interceptor.Registry{}
	err := errors.Join(
		media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio),
		media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: 96}, webrtc.RTPCodecTypeVideo),
		media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}, webrtc.RTPCodecTypeAudio),
		webrtc.RegisterDefaultInterceptors(media, chain),
	)
	if err != nil {
		return fmt.Errorf("set up media: %w", err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings))
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return fmt.Errorf("make connection: %w", err)
	}
	p.pc.OnTrack(p.receive)
	for i, c := range []webrtc.RTPCodecCapability{opus, vp8} {
		track, err := webrtc.NewTrackLocalStaticRTP(c, [...]string{"audio", "video"}[i], "peer")
		if err != nil {
			return errors.Join(fmt.Errorf("make track: %w", err), p.pc.Close())
		}
		p.tx[i] = track
		if _, err := p.pc.AddTrack(track); err != nil {
			return errors.Join(fmt.Errorf("add track: %w", err), p.pc.Close())
		}
	}
	return nil
}

func (p *Peer) offer(restart bool) (string, error) {
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return "", fmt.Errorf("make offer: %w", err)
	}
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("set offer: %w", err)
	}
	return p.pc.LocalDescription().SDP, nil
}

// Restart renews the ICE credentials, as after a change of network.
func (p *Peer) Restart(ctx context.Context) error {
	offer, err := p.offer(true)
	if err != nil {
		return err
	}
	if err := p.write(Message{Type: "restart", Offer: offer}); err != nil {
		return err
	}
	m, err := p.Await(ctx, "restarted")
	if err != nil {
		return err
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.Answer}
	if err := p.pc.SetRemoteDescription(answer); err != nil {
		return fmt.Errorf("set answer: %w", err)
	}
	return nil
}

// Mute switches the microphone off or on, and says so.
func (p *Peer) Mute(off bool) error {
	p.audioOff.Store(off)
	on := !off
	return p.write(Message{Type: "mute", What: "audio", On: &on})
}

// CameraOff switches the camera off or on, and says so.
func (p *Peer) CameraOff(off bool) error {
	p.videoOff.Store(off)
	p.wantKey.Store(!off)
	on := !off
	return p.write(Message{Type: "mute", What: "video", On: &on})
}

// Type sends real-time text: the line as it stands, and whether it is finished.
func (p *Peer) Type(line string, done bool) error {
	return p.write(Message{Type: "text", Text: line, Done: done})
}

// Leave ends the call of this party and closes the peer.
func (p *Peer) Leave() error {
	err := p.write(Message{Type: "leave"})
	return errors.Join(err, p.Close())
}

// Close stops everything without a word, as a crash would.
func (p *Peer) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	ws := p.ws
	p.mu.Unlock()
	close(p.stop)
	var errs []error
	if ws != nil {
		errs = append(errs, ws.Close())
	}
	errs = append(errs, p.pc.Close())
	p.wg.Wait()
	return errors.Join(errs...)
}
