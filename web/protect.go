package web

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"confermo/web/text"
)

// policy lets a page use what this service sends and nothing else (DESIGN section 11).
const policy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; " +
	"media-src blob: 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// protect sets the headers that every answer carries and takes the language out of the address.
func (s *server) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // addresses of invitations are secrets
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if !strings.HasPrefix(r.URL.Path, "/assets/") {
			h.Set("Cache-Control", "no-store")
		}
		if s.cfg.Demo != nil && !local(r.Host, s.host) {
			http.Error(w, "421 misdirected request", http.StatusMisdirectedRequest)
			return
		}
		if lang := r.URL.Query().Get("lang"); lang != "" && r.Method == http.MethodGet {
			s.chooseLanguage(w, r, lang)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local tells whether a request names this machine by address, as localhost or by the configured name. A demonstration has
// no secrets to open it, so a foreign page must not reach it under a name of its own that leads here.
func local(host, own string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	return host == own || name == "localhost" || net.ParseIP(strings.Trim(name, "[]")) != nil
}

// chooseLanguage keeps the reader's choice in a cookie and shows the page again under its own address.
func (s *server) chooseLanguage(w http.ResponseWriter, r *http.Request, lang string) {
	if text.Known(lang) {
		s.setCookie(w, &http.Cookie{Name: "lang", Value: lang, Path: "/", MaxAge: 365 * 24 * 3600})
	}
	q := r.URL.Query()
	q.Del("lang")
	to := *r.URL
	to.RawQuery = q.Encode()
	http.Redirect(w, r, localPath(to.RequestURI()), http.StatusSeeOther)
}

// localPath keeps a redirect on this site: "//host" would leave it, and so would what browsers read as that ("/\\host", a
// tab between the slashes).
func localPath(p string) string {
	u, err := url.Parse(p)
	odd := func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsFunc(p, odd) {
		return "/"
	}
	return p
}

func (s *server) setCookie(w http.ResponseWriter, c *http.Cookie) {
	c.HttpOnly, c.SameSite, c.Secure = true, http.SameSiteLaxMode, s.secure
	http.SetCookie(w, c)
}

// language of the reader: the chosen one, else the fallback.
func language(r *http.Request, fallback string) string {
	if c, err := r.Cookie("lang"); err == nil && text.Known(c.Value) {
		return c.Value
	}
	if text.Known(fallback) {
		return fallback
	}
	return text.Languages[0]
}

// browserLanguage is the first language of Accept-Language that we speak. It is asked only where nothing else says what
// the reader speaks, such as a forged link.
func browserLanguage(r *http.Request) string {
	for tag := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		lang, _, _ := strings.Cut(strings.TrimSpace(tag), ";")
		lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
		if text.Known(lang) {
			return lang
		}
	}
	return ""
}

// recent remembers what was done within the last while, so that a page that refreshes itself is traced once.
type recent struct {
	every time.Duration
	mu    sync.Mutex // guards done
	done  map[string]time.Time
}

// first tells whether key was not seen within every.
func (r *recent) first(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if at, ok := r.done[key]; ok && now.Sub(at) < r.every {
		return false
	}
	if r.done == nil || len(r.done) > 10_000 {
		r.done = map[string]time.Time{}
	}
	r.done[key] = now
	return true
}
