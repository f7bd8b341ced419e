// Package presence turns packet observations of one party into presence facts: when it joined and left, and what was
// seen of it in every whole second between. It reads no clock and does no I/O: times are passed in, as distances from
// the start of the process on the monotonic clock.
//
//	clock := presence.Clock{Boot: bootWallTime}
//	m := presence.New(clock, evidence.Person, false)
//	link := m.Connect("01K…", "udp")                      // a new connection of the party
//	link.Observe(at, presence.Audio|presence.Voice, 120)  // one packet, from any goroutine
//	facts := m.Tick(now, sample)                          // once a second, from the owner
//
// A party is connected from the first to the last authenticated packet (STUN check, SRTCP or SRTP) of a connection; a
// silence longer than Hold ends it at the packet before the silence. So the end is dated back, and seconds are settled
// only when a later packet or the end of Hold has shown what they were.
//
// Facts come in the order joined, observed…, left. Chunks of one party never overlap, also where one connection
// replaces another within a second, and leave no hole while it is connected.
package presence

import (
	"time"

	"confermo/evidence"
)

// Hold is the longest silence that does not end a connection. Of a browser whose microphone and camera are off only
// connectivity checks are heard: libwebrtc sends one every 2.5 to 3 s on a good path, and answers ours every 1 to 2 s.
const Hold = 4 * time.Second

// ChunkSeconds is the longest time one media-observed fact covers.
const ChunkSeconds = 10

// Seen is what one packet shows.
type Seen uint8

// What a packet shows, as bits. Every packet shows Connected.
const (
	Connected Seen = 1 << iota
	Audio
	Video
	Voice
	Text
)

// Clock maps the monotonic clock of one boot to UTC. Boot is the wall time at which the process started.
type Clock struct{ Boot time.Time }

// UTC is the wall time of a distance since boot.
func (c Clock) UTC(at time.Duration) time.Time { return c.Boot.Add(at).UTC() }

// second is the whole UTC second that holds at, in Unix time.
func (c Clock) second(at time.Duration) int64 {
	return c.UTC(at).Unix()
}

// format gives at as facts hold it, to the millisecond.
func (c Clock) format(at time.Duration) string { return c.UTC(at).Format(evidence.TimeFormat) }

// Fact is a fact and when it was seen.
type Fact struct {
	At   time.Time
	Fact evidence.Fact
}

// Sample is what a connection has measured since its start; quality of a chunk is the difference of two samples.
type Sample struct {
	Expected, Received int64 // RTP packets by sequence number, and those that came
	Frames             int64 // of video
	Jitter, RTT        time.Duration
	Width, Height      int
	// Answers are the connectivity checks of ours that the party answered (RFC 7675). When an answer came is not known,
	// so one counts as if it had come at the tick before: a little early, never late.
	Answers uint64
}
