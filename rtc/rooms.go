package rtc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/rtc/presence"
	"confermo/rtc/sfu"
)

// Errors a caller tells apart.
var (
	ErrNotWaiting = errors.New("nobody is waiting on this seat")
	ErrClosed     = errors.New("the interview is closed")
)

// joinTries bounds the joins of one socket until it has a seat.
const joinTries = 4

// maxSockets bounds the sockets open at once.
const maxSockets = 8192

// Config says what rooms need. UDP, PublicIPs and Loopback are those of sfu.Config. Origins are allowed besides the
// service's own host; a client without an Origin, which is no browser, is judged by its ticket alone. Log may be nil.
type Config struct {
	Journal   *journal.Journal
	UDP       string
	PublicIPs []string
	Loopback  bool
	TicketKey []byte // absent: tickets live as long as the process
	Origins   []string
	Log       *slog.Logger
}

// Rooms are all rooms of this node.
type Rooms struct {
	journal  *journal.Journal
	media    *sfu.Server
	clock    presence.Clock
	key      []byte
	log      *slog.Logger
	upgrader websocket.Upgrader
	sockets  chan struct{} // a token for each open socket

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // rooms and sockets

	mu    sync.Mutex // guards rooms and, in each, users
	rooms map[string]*room
}

// Open opens the media socket and records the outage of calls that a crash cut off.
func Open(ctx context.Context, c Config) (*Rooms, error) {
	media, err := sfu.Open(sfu.Config{UDP: c.UDP, PublicIPs: c.PublicIPs, Loopback: c.Loopback})
	if err != nil {
		return nil, fmt.Errorf("open rooms: %w", err)
	}
	r := &Rooms{
		journal: c.Journal, media: media, clock: presence.Clock{Boot: time.Now()}, key: c.TicketKey, log: c.Log,
		rooms: map[string]*room{}, sockets: make(chan struct{}, maxSockets),
	}
	if len(r.key) == 0 {
		r.key = make([]byte, 32)
		_, _ = rand.Read(r.key) // never fails (crypto/rand)
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.upgrader = websocket.Upgrader{HandshakeTimeout: helloWithin, CheckOrigin: func(req *http.Request) bool {
		origin := req.Header.Get("Origin")
		u, err := url.Parse(origin)
		return origin == "" || slices.Contains(c.Origins, origin) || err == nil && strings.EqualFold(u.Host, req.Host)
	}}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := r.recover(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open rooms: %w", err), r.Close())
	}
	return r, nil
}

// now is the distance from boot on the monotonic clock.
func (r *Rooms) now() time.Duration { return time.Since(r.clock.Boot) }

// Addr is where media arrives.
func (r *Rooms) Addr() string { return r.media.Addr().String() }

// Close hangs up. What was observed is recorded; that the calls were cut off is recorded at the next start.
func (r *Rooms) Close() error {
	r.mu.Lock() // so that nothing starts that the wait would not see
	r.cancel()
	r.mu.Unlock()
	r.wg.Wait()
	return r.media.Close()
}

// ServeHTTP is the signalling socket. Its first message is "join".
func (r *Rooms) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	select {
	case r.sockets <- struct{}{}:
		defer func() { <-r.sockets }()
	default:
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	ws, err := r.upgrader.Upgrade(w, req, nil)
	if err != nil {
		return // Upgrade has answered
	}
	r.mu.Lock()
	if r.ctx.Err() != nil {
		r.mu.Unlock()
		_ = ws.Close()
		return
	}
	r.wg.Add(1)
	r.mu.Unlock()
	defer r.wg.Done()
	c := newClient(ws)
	go c.write()
	unhook := context.AfterFunc(r.ctx, func() { c.end(websocket.CloseServiceRestart, "restart") })
	defer unhook()
	r.serve(c)
	c.part()
}

// serve reads the client's messages until it leaves or drops.
func (r *Rooms) serve(c *client) {
	first, err := c.read(helloWithin, false)
	if err != nil {
		c.fail(err)
		return
	}
	room, seat, err := r.join(r.ctx, c, first)
	for tries := 1; err != nil; room, seat, err = r.join(r.ctx, c, first) {
		if tries++; tries > joinTries {
			err = refuse("rate", err)
		}
		c.fail(err)
		if _, final := errorEvent(err); final {
			return
		}
		if first, err = c.read(helloWithin, false); err != nil {
			c.fail(err)
			return
		}
	}
	defer r.release(room)
	for {
		m, err := c.read(silentFor, true)
		if err == nil {
			err = room.handle(r.ctx, c, seat, m)
		}
		var said *refusal
		switch {
		case err == nil:
			continue
		case !errors.As(err, &said) && errors.Is(err, errLeft):
			return
		case errors.As(err, &said):
			c.fail(err)
			if !said.final {
				continue
			}
		}
		room.do(func() { room.dropped(c) })
		return
	}
}

// join takes a seat, or takes it again.
func (r *Rooms) join(ctx context.Context, c *client, m request) (*room, *seat, error) {
	if m.Type != "join" {
		return nil, nil, refuse("message", fmt.Errorf("the first message is %q, not join", m.Type))
	}
	t, err := r.check(m.Ticket, time.Now())
	if err != nil {
		return nil, nil, err
	}
	room, err := r.room(ctx, t.Interview)
	if err != nil {
		return nil, nil, err
	}
	s, err := room.join(ctx, c, t, m)
	if err != nil {
		r.release(room)
		return nil, nil, err
	}
	return room, s, nil
}

// room finds or opens the room of an interview that can be held now. Its caller releases it.
func (r *Rooms) room(ctx context.Context, id string) (*room, error) {
	if m := r.existing(id); m != nil {
		return m, nil
	}
	iv, err := r.journal.Interview(ctx, id)
	if errors.Is(err, journal.ErrNoInterview) {
		return nil, refuse("ticket", err)
	} else if err != nil {
		return nil, err
	}
	if iv.Closed != nil || iv.Cancelled != nil {
		return nil, refuse("closed", ErrClosed)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return nil, fmt.Errorf("open room: %w", r.ctx.Err())
	}
	m := r.rooms[id]
	if m == nil {
		m = newRoom(r, iv)
		r.rooms[id] = m
		r.wg.Add(1)
		go m.run()
	}
	m.users++
	return m, nil
}

// existing finds an open room; its caller releases it.
func (r *Rooms) existing(id string) *room {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.rooms[id]
	if m != nil {
		m.users++
	}
	return m
}

func (r *Rooms) release(m *room) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.users--
}

// forget removes a room that is over, or that nobody uses. Only the room itself asks.
func (r *Rooms) forget(m *room, over bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !over && m.users > 0 {
		return false
	}
	if r.rooms[m.id] == m {
		delete(r.rooms, m.id)
	}
	return true
}

// Admit lets a waiting party into the call. It returns ErrNotWaiting when the party has no seat, and nil when it is in.
func (r *Rooms) Admit(ctx context.Context, interview string, p evidence.Party) error {
	m := r.existing(interview)
	if m == nil {
		return fmt.Errorf("admit %s: %w", p, ErrNotWaiting)
	}
	defer r.release(m)
	err := ErrClosed
	m.do(func() { err = m.admit(ctx, p) })
	if err != nil {
		return fmt.Errorf("admit %s: %w", p, err)
	}
	return nil
}
