package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"

	"confermo/evidence/journal"
	"confermo/rtc"
	"confermo/web/access"
	"confermo/web/text"
)

// failure is an error that a person may see: a status and the keys of a title and a sentence.
type failure struct {
	status     int
	title, why string
}

func (f failure) Error() string { return text.Say("en", f.title) }

// Failures a handler may return.
var (
	errNotFound  = failure{http.StatusNotFound, "fail.notfound", "fail.notfoundwhy"}
	errLink      = failure{http.StatusNotFound, "fail.link", "fail.linkwhy"}
	errExpired   = failure{http.StatusGone, "fail.expired", "fail.expiredwhy"}
	errCancelled = failure{http.StatusGone, "fail.cancelled", "fail.cancelledwhy"}
	errInput     = failure{http.StatusBadRequest, "fail.input", "fail.inputwhy"}
	errRights    = failure{http.StatusForbidden, "fail.rights", "fail.rightswhy"}
	errOther     = failure{http.StatusForbidden, "fail.other", "fail.otherwhy"}
	errRate      = failure{http.StatusTooManyRequests, "fail.rate", "fail.ratewhy"}
	errLate      = failure{http.StatusConflict, "fail.late", "fail.latewhy"}
	errDone      = failure{http.StatusConflict, "fail.late", "fail.done"}
	errTooLarge  = failure{http.StatusRequestEntityTooLarge, "fail.large", "upload.large"}
	errMailDown  = failure{http.StatusBadGateway, "fail.internal", "fail.mail"}
	errInternal  = failure{http.StatusInternalServerError, "fail.internal", "fail.internalwhy"}
)

// judge turns an error into what a person may see. Whatever it does not know is internal.
func judge(err error) failure {
	var f failure
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, journal.ErrNoInterview):
		return errNotFound
	case errors.Is(err, access.ErrRate):
		return errRate
	case errors.Is(err, rtc.ErrClosed), errors.Is(err, rtc.ErrNotWaiting):
		return errLate
	case errors.As(err, &large):
		return errTooLarge
	}
	return errInternal
}

// errorPage is what error.html shows.
type errorPage struct {
	view
	Title, Text, Ref, Back string
	Status                 int
}

// fail answers with the page of an error: code, sentence, and for an internal one a reference that is in the log.
func (s *server) fail(w http.ResponseWriter, r *http.Request, v view, err error) {
	f := judge(err)
	p := errorPage{view: v, Status: f.status, Title: text.Say(v.Lang, f.title), Text: text.Say(v.Lang, f.why)}
	p.Lean = true
	if f.status >= 500 {
		if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
			return // the reader went away
		}
		p.Ref = reference()
		s.log.Error("request failed", "ref", p.Ref, "method", r.Method, "route", r.Pattern, "error", err)
	}
	if f == errTooLarge {
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	if back := v.Back; back != "" {
		p.Back = back
	}
	s.render(w, f.status, "error", v.Lang, p)
}

// reference is a short number that a person can read out on the phone.
func reference() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
