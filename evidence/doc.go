// Package evidence is the vocabulary of Confermo: the facts that observers append, the Interview they fold into, the
// duration rule, and the Timesheet that follows. It performs no I/O and reads no clock.
//
// A fact is something observed, a past event. An entry is a fact with its place in the journal. The line of an entry
// holds only a commitment to the fact; the salt and the bytes behind it are its opening:
//
//	{"v":1,"at":"2026-11-22T10:15:03.123Z","node":"n1","boot":"01K…","mono":5123,
//	 "interview":"01J…","n":17,"prev":"<b64>","by":"rtc","kind":"media-observed","fact":{"c":"<b64>"}}
//
// The commitment is SHA-256(salt‖body). Inside a body, a personal value or a file is a commitment again (Value, File),
// each with its own salt, so that it can be withheld or erased alone. FORMAT.md is the whole specification.
package evidence
