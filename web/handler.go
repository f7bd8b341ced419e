package web

import (
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"confermo/evidence"
	"confermo/web/access"
)

// maxForm bounds the body of every POST but uploads.
const maxForm = 64 << 10

// handle makes a handler of a function that may fail, for readers nobody knows yet.
func (s *server) handle(f func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.rescue(w, r)
		if err := s.bounded(w, r, f); err != nil {
			s.fail(w, r, s.newView(r, browserLanguage(r)), err)
		}
	})
}

// uploadPattern is the one route that takes files and bounds them itself.
const uploadPattern = "POST /i/{link}/documents"

// bounded limits the body of a form and parses it, then calls f. Only uploads may come in parts: reading another form's
// parts would write files of any size to the disk.
func (s *server) bounded(w http.ResponseWriter, r *http.Request, f func(http.ResponseWriter, *http.Request) error) error {
	if r.Method == http.MethodPost && r.Pattern != uploadPattern {
		if isMultipart(r) {
			return errInput
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				return err
			}
			return errInput
		}
	}
	return f(w, r)
}

// rescue turns a panic of one request into an internal error with a reference.
func (s *server) rescue(w http.ResponseWriter, r *http.Request) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		ref := reference()
		s.log.Error("request panicked", "ref", ref, "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
		http.Error(w, "500 "+ref, http.StatusInternalServerError)
	}
}

// sitting is the request of somebody signed in.
type sitting struct {
	access.Session
	token  string
	agency evidence.AgencySeeded
	v      view
}

func (d *sitting) who() evidence.Who {
	return evidence.Who{Account: d.Account.ID, Name: evidence.V(d.Account.Name), Role: d.Account.Role}
}

// sessionCookie is the cookie of a session. Over TLS its name forbids that a neighbouring host sets it.
func (s *server) sessionCookie() string {
	if s.secure {
		return "__Host-session"
	}
	return "session"
}

// desk makes a handler for somebody signed in with the role.
func (s *server) desk(f func(http.ResponseWriter, *http.Request, *sitting) error, role string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer s.rescue(w, r)
		d, err := s.sitting(r)
		if err != nil {
			s.toSignIn(w, r, err)
			return
		}
		d.v.Back = d.v.Home
		err = s.bounded(w, r, func(w http.ResponseWriter, r *http.Request) error {
			if d.Account.Role != role {
				return errRights
			}
			return f(w, r, d)
		})
		if err != nil {
			s.fail(w, r, d.v, err)
		}
	})
}

// deskDossier is a handler about one interview.
type deskDossier func(http.ResponseWriter, *http.Request, *sitting, *evidence.Interview) error

// dossier makes a handler about the interview of the path. An account of an agency sees only that agency's (I17): another's
// is answered like one that does not exist. An auditor of the managing authority belongs to none and sees all.
func (s *server) dossier(f deskDossier, role string) http.Handler {
	return s.desk(func(w http.ResponseWriter, r *http.Request, d *sitting) error {
		iv, err := s.j.Interview(r.Context(), r.PathValue("id"))
		if err != nil {
			return err
		}
		all := role == access.RoleAuditor && d.Account.Agency == ""
		if iv.Scheduled == nil || !all && iv.Scheduled.Agency.ID != d.Account.Agency {
			return errNotFound
		}
		d.v.Base = "/interviews/" + iv.ID
		if role == access.RoleAuditor {
			d.v.Base = "/audit/" + iv.ID
		}
		d.v.Back = d.v.Base
		return f(w, r, d, iv)
	}, role)
}

// holder makes a handler of a step that only the interview's own operator takes: who was present is what the record
// attests. After the term a deputy may sign, and the document says so.
func (s *server) holder(f deskDossier) deskDossier {
	return func(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
		if d.Account.ID != iv.Scheduled.Operator.Account && iv.State(time.Now()) != evidence.StateSignOverdue {
			return errOther
		}
		return f(w, r, d, iv)
	}
}

func (s *server) sitting(r *http.Request) (*sitting, error) {
	c, err := r.Cookie(s.sessionCookie())
	if err != nil {
		return nil, access.ErrSession
	}
	session, err := s.access.Session(r.Context(), c.Value)
	if err != nil {
		return nil, err
	}
	d := &sitting{Session: session, token: c.Value}
	if session.Account.Agency != "" {
		if d.agency, err = s.agency(r.Context(), session.Account.Agency); err != nil {
			return nil, err
		}
	}
	d.v = s.deskView(r, session, d.agency.Agency)
	return d, nil
}

// toSignIn leads a reader without a session to the sign-in and back.
func (s *server) toSignIn(w http.ResponseWriter, r *http.Request, err error) {
	if !errors.Is(err, access.ErrSession) {
		s.fail(w, r, s.newView(r, ""), err)
		return
	}
	to := "/sign-in"
	if r.Method == http.MethodGet {
		to += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// trace records that an account read something of an interview (I14), once an hour per session and thing.
func (s *server) trace(r *http.Request, d *sitting, interview, what string) error {
	if !s.reads.first(d.token + interview + what) {
		return nil
	}
	return s.access.Read(r.Context(), d.Account.ID, interview, what)
}

// see sends the reader to a page after something was done.
func see(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}
