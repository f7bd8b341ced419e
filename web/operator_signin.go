package web

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"confermo/web/access"
	"confermo/web/text"
)

const signInCookie = "signin"

type signInPage struct {
	view
	Next, Mail, Password, Error string
}

type codePage struct {
	view
	SentTo, Error, DemoMail string
}

// showSignIn is the first of two steps (o-01). In a demonstration the form is filled in: its people are invented.
func (s *server) showSignIn(w http.ResponseWriter, r *http.Request) error {
	page := signInPage{view: s.newView(r, ""), Next: nextPath(r.URL.Query().Get("next"))}
	if s.cfg.Demo != nil {
		door := s.cfg.Demo.Operator
		if r.URL.Query().Get("as") == access.RoleAuditor || strings.HasPrefix(page.Next, "/audit") {
			door = s.cfg.Demo.Auditor
		}
		page.Mail, page.Password = door.Mail, door.Password
	}
	s.render(w, http.StatusOK, "signin", page.Lang, page)
	return nil
}

// nextPath keeps where to go after the sign-in, if it is a page of this site.
func nextPath(p string) string {
	if p == "" || localPath(p) != p {
		return ""
	}
	return p
}

// beginSignIn checks the password and mails the code (C7, C8).
func (s *server) beginSignIn(w http.ResponseWriter, r *http.Request) error {
	mail, next := cut(r.PostFormValue("mail"), 254), nextPath(r.PostFormValue("next"))
	begun, err := s.access.Begin(r.Context(), mail, r.PostFormValue("password"), remote(r))
	if errors.Is(err, access.ErrPassword) {
		page := signInPage{view: s.newView(r, ""), Next: next, Mail: mail}
		page.Error = page.t("signin.wrong")
		s.render(w, http.StatusUnauthorized, "signin", page.Lang, page)
		return nil
	} else if err != nil {
		return err
	}
	v := s.newView(r, "")
	if err := s.sendCode(r, begun.Account.Mail, begun.Code, v.Lang); err != nil {
		return err
	}
	s.setCookie(w, &http.Cookie{Name: signInCookie, Value: begun.Token, Path: "/sign-in", MaxAge: 3600})
	s.setCookie(w, &http.Cookie{Name: "next", Value: next, Path: "/sign-in", MaxAge: 3600})
	return see(w, r, "/sign-in/code")
}

// remote is the place that asks: an IPv4 address, or the /64 of an IPv6 one, which is one household.
func remote(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	home, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return home.String()
}

// awaited gives the sign-in of the cookie and its account; ok is false where there is none.
func (s *server) awaited(r *http.Request) (token string, acc access.Account, ok bool) {
	c, err := r.Cookie(signInCookie)
	if err != nil {
		return "", acc, false
	}
	acc, err = s.access.Awaited(r.Context(), c.Value)
	return c.Value, acc, err == nil
}

// showCode is the second step (o-01b).
func (s *server) showCode(w http.ResponseWriter, r *http.Request) error {
	_, acc, ok := s.awaited(r)
	if !ok {
		return see(w, r, "/sign-in")
	}
	s.codeForm(w, r, acc, http.StatusOK, "")
	return nil
}

func (s *server) codeForm(w http.ResponseWriter, r *http.Request, acc access.Account, status int, problem string) {
	page := codePage{view: s.newView(r, ""), SentTo: masked(acc.Mail), Error: problem}
	if s.cfg.Demo != nil {
		page.DemoMail = "/demo/mail?box=" + acc.Mail
	}
	s.render(w, status, "signin_code", page.Lang, page)
}

// sendCodeAgain mails another code; the one before is void.
func (s *server) sendCodeAgain(w http.ResponseWriter, r *http.Request) error {
	token, acc, ok := s.awaited(r)
	if !ok {
		return see(w, r, "/sign-in")
	}
	begun, err := s.access.Again(r.Context(), token)
	if err != nil {
		return err
	}
	if err := s.sendCode(r, acc.Mail, begun.Code, language(r, "")); err != nil {
		return err
	}
	return see(w, r, "/sign-in/code")
}

// finishSignIn takes the code and opens the session.
func (s *server) finishSignIn(w http.ResponseWriter, r *http.Request) error {
	token, acc, ok := s.awaited(r)
	if !ok {
		return see(w, r, "/sign-in")
	}
	lang, code := language(r, ""), digits(r.PostFormValue("code"))
	if len(code) != 6 {
		s.codeForm(w, r, acc, http.StatusUnprocessableEntity, text.Say(lang, "code.short"))
		return nil
	}
	session, left, err := s.access.Finish(r.Context(), token, code)
	switch {
	case errors.Is(err, access.ErrCode):
		s.codeForm(w, r, acc, http.StatusUnauthorized, text.Count(lang, "code.wrong", left))
		return nil
	case errors.Is(err, access.ErrGone):
		s.codeForm(w, r, acc, http.StatusUnauthorized, text.Say(lang, "code.gone"))
		return nil
	case err != nil:
		return err
	}
	s.setCookie(w, &http.Cookie{Name: signInCookie, Path: "/sign-in", MaxAge: -1})
	if c, err := r.Cookie(s.sessionCookie()); err == nil { // the one before does not live on unseen
		if err := s.access.SignOut(r.Context(), c.Value); err != nil {
			return err
		}
	}
	s.setCookie(w, &http.Cookie{Name: s.sessionCookie(), Value: session, Path: "/", MaxAge: int(access.SessionLife.Seconds())})
	s.setCookie(w, &http.Cookie{Name: "next", Path: "/sign-in", MaxAge: -1})
	to := "/today"
	if acc.Role == access.RoleAuditor {
		to = "/audit"
	}
	if c, err := r.Cookie("next"); err == nil && nextPath(c.Value) != "" {
		to = c.Value
	}
	return see(w, r, to)
}

// signOut ends the session.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(s.sessionCookie()); err == nil {
		if err := s.access.SignOut(r.Context(), c.Value); err != nil {
			return err
		}
	}
	s.setCookie(w, &http.Cookie{Name: s.sessionCookie(), Path: "/", MaxAge: -1})
	return see(w, r, "/sign-in")
}
