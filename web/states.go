package web

import "confermo/evidence"

// stateView is how a state is shown: word, tone and icon of the badge, and whose turn it is.
type stateView struct{ Label, Tone, Icon, Turn string }

// states are the published states with their badges (screens, table "States").
var states = map[evidence.State]stateView{
	evidence.StateScheduled:         {"state.scheduled", "wait", "it-calendar", "none"},
	evidence.StateInvited:           {"state.invited", "wait", "it-mail", "person"},
	evidence.StateInvitationBounced: {"state.invitation-bounced", "bad", "it-warning-circle", "you"},
	evidence.StateDocumentsMissing:  {"state.documents-missing", "warn", "it-card", "person"},
	evidence.StateDocumentsToCheck:  {"state.documents-to-check", "todo", "it-card", "you"},
	evidence.StateReady:             {"state.ready", "wait", "it-check", "none"},
	evidence.StateWaitingRoom:       {"state.waiting-room", "live", "it-clock", "you"},
	evidence.StateInCall:            {"state.in-call", "live", "it-video", "both"},
	evidence.StateInterrupted:       {"state.interrupted", "warn", "it-wifi", "system"},
	evidence.StateToSign:            {"state.to-sign", "todo", "it-sign", "you"},
	evidence.StateSummarySent:       {"state.summary-sent", "wait", "it-mail", "person"},
	evidence.StateSummaryBounced:    {"state.summary-bounced", "bad", "it-warning-circle", "you"},
	evidence.StateReplyUnclear:      {"state.reply-unclear", "todo", "it-mail-open", "you"},
	evidence.StateDisputed:          {"state.disputed", "bad", "it-horn", "you"},
	evidence.StateConfirmed:         {"state.confirmed", "ok", "it-check-circle", "none"},
	evidence.StateSealed:            {"state.sealed", "ok", "it-locked", "none"},
	evidence.StateNoShow:            {"state.no-show", "off", "it-minus-circle", "none"},
	evidence.StateCancelled:         {"state.cancelled", "off", "it-close-circle", "none"},
	evidence.StateErased:            {"state.erased", "off", "it-delete", "none"},
	evidence.StateSignOverdue:       {"state.sign-overdue", "bad", "it-sign", "you"},
	evidence.StateUnconfirmed:       {"state.unconfirmed", "warn", "it-calendar", "none"},
}

// action is the one thing the operator does next.
type action struct{ Path, Label string }

// nextAction is the operator's step in a state, or nil.
func nextAction(id string, state evidence.State) *action {
	base := "/interviews/" + id
	switch state {
	case evidence.StateWaitingRoom, evidence.StateInCall, evidence.StateInterrupted, evidence.StateReady:
		return &action{base + "/call", "do.open"}
	case evidence.StateDocumentsToCheck:
		return &action{base + "/documents", "do.check"}
	case evidence.StateToSign, evidence.StateSignOverdue:
		return &action{base + "/sign", "do.sign"}
	case evidence.StateReplyUnclear, evidence.StateDisputed:
		return &action{base + "/thread", "do.read"}
	case evidence.StateSummarySent, evidence.StateSummaryBounced, evidence.StateUnconfirmed, evidence.StateConfirmed, evidence.StateSealed:
		return &action{base + "/thread", "do.see"}
	}
	return nil
}
