// Package peer is a call party without a browser: it joins a room with a ticket, sends a synthetic voice and picture as
// real Opus and VP8, and counts what arrives. The demo, the load tool and tests call with it; it knows nothing of the
// server but rtc/PROTOCOL.md.
//
//	p, err := peer.Dial(ctx, peer.Options{URL: "ws://127.0.0.1:8080/rtc", Ticket: ticket, Media: peer.Synthetic(), Loopback: true})
//	_, err = p.Await(ctx, "admitted")
//	err = p.AwaitStats(ctx, func(s peer.Stats) bool { return s.VideoIn > 100 })
//	err = p.Leave()
package peer
