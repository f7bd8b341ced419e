// Package sfu forwards media between the parties of a room: one UDP port for all, no transcoding, no recording.
//
// A party is a Conn: one PeerConnection whose first exchange already carries everything. Its offer has one audio and one
// video section, both sendrecv; the answer has the server's outgoing tracks for the other party's media and its
// candidates, so nothing is negotiated later. Clients need not send candidates: the server has a known address, and
// learns theirs from their connectivity checks (RFC 8445 section 7.3.1.3).
//
//	server, _ := sfu.Open(sfu.Config{UDP: "0.0.0.0:3478", PublicIPs: []string{"203.0.113.7"}})
//	a, answerA, _ := server.Connect(offerA, seenA)
//	b, answerB, _ := server.Connect(offerB, seenB)
//	a.Feed(b); b.Feed(a)
//
// Every authenticated packet of a party is reported to its callback, which must only count. pion is used nowhere else
// than here, in rtc/peer and in rtc/turn; there are no data channels and no STUN servers (RFC 8827 section 6.5 keeps
// media in SRTP with keys from DTLS).
package sfu
