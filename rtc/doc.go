// Package rtc holds the rooms: seats, signalling over WebSocket, and the facts that follow from what is seen in them.
//
// PROTOCOL.md specifies the signalling. One goroutine owns each room and everything in it (room.run); a WebSocket has
// one goroutine that reads and one that writes; all of them send the room small functions. Packets are counted where
// they arrive (presence.Meter) and become facts when the room ticks.
//
//	rooms, err := rtc.Open(ctx, rtc.Config{Journal: j, UDP: "0.0.0.0:3478", PublicIPs: ips, TicketKey: key})
//	http.Handle("/rtc", rooms)
//	ticket := rooms.Ticket(interview, evidence.Person, "Nadia", 2*time.Hour)  // into the person's page
//	err = rooms.Admit(ctx, interview, evidence.Person)                        // the operator lets the person in
//	err = rooms.Finish(ctx, interview, "operator")
//
// A party keeps its seat through reloads, lost sockets and changes of network: one identity, whatever the connection.
package rtc
