// Package audit checks an evidence bundle claim by claim, offline: it gets the bundle's bytes, what the auditor trusts, and a
// time, and answers with one verdict a claim. It performs no I/O and reads no clock.
//
//	integrity     the bundle is whole, and its lines are those of a log that outside witnesses saw
//	completeness  no entry of the interview up to bundle-issued is missing
//	time          opening, closing and confirmation lie where outside time stamps put them
//	identity      the operator compared face, document and data             at most the operator's word
//	presence      operator and person were seen in the room
//	duration      the attested seconds follow from what was seen, by the rule of a signed pack
//	content       what the interview was about                              at most the operator's word
//	notice        the notice of art. 13 GDPR was read before the call
//	confirmation  the person confirmed this timesheet
//	signatures    timesheet and bundle are signed, sealed and stamped
//
// A verdict is proved, word (somebody's word), unproved (with the reason: nothing speaks against it) or contradicted.
// What was withheld or erased, and versions not known here, make a claim unproved and never contradicted.
// Presence and duration prove that the figures follow from what the service recorded and that the record has not changed
// since; that the service measured honestly no bundle can prove, and the detail names who runs it.
package audit
