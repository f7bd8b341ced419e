package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

// Timeouts of ICE: KeepAlive is how often a silent path is probed, FailAfter when an unheard one is given up. A restart
// revives it at any time.
const (
	KeepAlive  = time.Second
	lostAfter  = 3 * time.Second
	FailAfter  = 30 * time.Second
	readBuffer = 4 << 20 // of the socket: a burst of key frames of all rooms
)

// Config says where media arrives. UDP is the address of the one socket. PublicIPs are announced instead of the
// machine's own addresses where it stands behind a one-to-one NAT. Loopback announces 127.0.0.1 too: for tests and demo.
type Config struct {
	UDP       string
	PublicIPs []string
	Loopback  bool
}

// Server owns the socket and makes connections on it.
type Server struct {
	conn     *net.UDPConn
	mux      io.Closer
	media    *webrtc.MediaEngine
	chain    *interceptor.Registry
	settings webrtc.SettingEngine

	mu    sync.Mutex // guards cert
	cert  webrtc.Certificate
	until time.Time
}

// Open binds the socket.
func Open(c Config) (*Server, error) {
	addr, err := net.ResolveUDPAddr("udp", c.UDP)
	if err != nil {
		return nil, fmt.Errorf("resolve media address: %w", err)
	}
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("open media socket: %w", err)
	}
	// The kernel grants what net.core.rmem_max allows; less is no reason to refuse service.
	_ = conn.SetReadBuffer(readBuffer)
	_ = conn.SetWriteBuffer(readBuffer)
	s := &Server{conn: conn}
	if err := s.configure(c); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *Server) configure(c Config) error {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	e := &s.settings
	e.LoggerFactory = quiet
	mux := webrtc.NewICEUDPMux(quiet.NewLogger("mux"), s.conn)
	s.mux = mux
	e.SetICEUDPMux(mux)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(lostAfter, FailAfter-lostAfter, KeepAlive)
	e.SetDTLSInsecureSkipHelloVerify(true) // the address was proved by ICE
	if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return fmt.Errorf("set DTLS role: %w", err)
	}
	if len(c.PublicIPs) > 0 {
		e.SetNAT1To1IPs(c.PublicIPs, webrtc.ICECandidateTypeHost)
	}
	if local, ok := s.conn.LocalAddr().(*net.UDPAddr); c.Loopback || ok && local.IP.IsLoopback() {
		e.SetIncludeLoopbackCandidate(true)
		e.SetInterfaceFilter(func(name string) bool { return name == "lo" })
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	} else {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	}
	return s.codecs()
}

// codecs registers what is forwarded: Opus with in-band FEC and DTX, VP8 before H.264, audio levels (RFC 6464).
func (s *Server) codecs() error {
	s.media = &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}
	codecs := []webrtc.RTPCodecParameters{
		{RTPCodecCapability: capability(webrtc.MimeTypeOpus, 48000, 2, opusFormat, nil), PayloadType: 111},
		{RTPCodecCapability: capability(webrtc.MimeTypeVP8, 90000, 0, "", feedback), PayloadType: 96},
		{RTPCodecCapability: capability(webrtc.MimeTypeH264, 90000, 0, h264Format, feedback), PayloadType: 102},
	}
	for _, c := range codecs {
		kind := webrtc.RTPCodecTypeVideo
		if c.MimeType == webrtc.MimeTypeOpus {
			kind = webrtc.RTPCodecTypeAudio
		}
		if err := s.media.RegisterCodec(c, kind); err != nil {
			return fmt.Errorf("register %s: %w", c.MimeType, err)
		}
	}
	level := webrtc.RTPHeaderExtensionCapability{URI: sdp.AudioLevelURI}
	if err := s.media.RegisterHeaderExtension(level, webrtc.RTPCodecTypeAudio); err != nil {
		return fmt.Errorf("register audio level: %w", err)
	}
	s.chain = &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(s.media, s.chain); err != nil {
		return fmt.Errorf("register interceptors: %w", err)
	}
	return nil
}

const (
	opusFormat = "minptime=10;useinbandfec=1;usedtx=1"
	h264Format = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
)

func capability(mime string, rate uint32, channels uint16, format string, fb []webrtc.RTCPFeedback) webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{
		MimeType: mime, ClockRate: rate, Channels: channels, SDPFmtpLine: format, RTCPFeedback: fb,
	}
}

// certificate is shared by all connections and renewed before browsers and pion would call it old.
func (s *Server) certificate() (webrtc.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.After(s.until) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("make DTLS key: %w", err)
		}
		cert, err := webrtc.GenerateCertificate(key)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("make DTLS certificate: %w", err)
		}
		s.cert, s.until = *cert, now.Add(24*time.Hour)
	}
	return s.cert, nil
}

// Addr is where media arrives.
func (s *Server) Addr() net.Addr { return s.conn.LocalAddr() }

// Close closes the socket. Connections are closed by who made them.
func (s *Server) Close() error {
	if err := s.mux.Close(); err != nil {
		return fmt.Errorf("close media socket: %w", err)
	}
	return nil
}
