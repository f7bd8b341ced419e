// Package journal is the append-only log of an installation: one commit point, group commit, followers.
//
// Observers append drafts. One goroutine commits what arrived while the last commit ran: lines, sealed openings, tree
// hashes, the head, series numbers and the rows lists are read from, in one transaction. Append returns after it. The
// format of a line is that of package evidence.
package journal
