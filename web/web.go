// Package web serves the pages, the API, uploads, downloads and live updates. Pages are rendered on the server and work
// without scripts, except the device check and the call. Whatever a page changes is a fact in the journal; what it shows
// derives from the record. Nothing acts on GET, and every POST must come from our own pages.
//
// A page is one file, named by its verb: interview_schedule.go shows and handles the form of a new interview. A handler
// returns an error; errors.go turns it into a sentence in the reader's language. The person's pages live under the
// invitation's link, /i/ID.MAC, the operator's under /interviews, the auditor's under /audit.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/journal"
	"confermo/rtc"
	"confermo/web/access"
	"confermo/web/assets"
)

// Config is what the pages need. Rooms, Issue, Preview and Report may be nil in tools and tests; their pages then say so.
type Config struct {
	Journal *journal.Journal
	Rooms   *rtc.Rooms
	Access  *access.Access
	BaseURL string // as people reach the service, without a slash at the end
	LinkKey []byte // of invitations
	Test    bool   // certificates and stamps are test ones: the ribbon stands on every page

	SendCode func(ctx context.Context, to, code, lang string) error
	Issue    func(ctx context.Context, interview string) ([]byte, error) // a bundle
	Preview  func(*evidence.Interview) ([]byte, error)                   // the timesheet as it would be signed, PDF
	Report   func(ctx context.Context, interview string) ([]byte, error) // the report of an interview, PDF
	Trust    audit.Trust                                                 // what the report page believes
	Missing  func() []string                                             // what an installation still lacks
	Demo     *Demo                                                       // nil in a real installation
	Log      *slog.Logger
}

type server struct {
	cfg     Config
	j       *journal.Journal
	access  *access.Access
	pages   map[string]*page
	secure  bool   // cookies only over TLS
	host    string // of the configured address
	log     *slog.Logger
	reads   *recent
	bundles bundleCache
}

// New makes the handler of the whole site. The caller's server bounds header time and size.
func New(cfg Config) (http.Handler, error) {
	if cfg.Journal == nil || cfg.Access == nil || len(cfg.LinkKey) < 16 {
		return nil, errors.New("open pages: journal, access or link key is missing")
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil || base.Scheme == "" || base.Host == "" {
		return nil, fmt.Errorf("open pages: %q is not the address of a site", cfg.BaseURL)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	pages, err := loadPages()
	if err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	s := &server{
		cfg: cfg, j: cfg.Journal, access: cfg.Access, pages: pages, secure: base.Scheme == "https", host: base.Host, log: cfg.Log,
		reads: &recent{every: time.Hour},
	}
	mux := http.NewServeMux()
	s.routePerson(mux)
	s.routeOperator(mux)
	s.routeAuditor(mux)
	s.routeRest(mux)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(s.handle(func(http.ResponseWriter, *http.Request) error {
		return failure{http.StatusForbidden, "fail.cross", "fail.crosswhy"}
	}))
	return s.protect(guard.Handler(mux)), nil
}

func (s *server) routePerson(mux *http.ServeMux) {
	mux.Handle("GET /i/{link}", s.visit(s.showInvitation, anyDevice))
	mux.Handle("POST /i/{link}/open", s.visit(s.openInvitation, anyDevice))
	mux.Handle("GET /i/{link}/device", s.visit(s.showDevice, anyDevice))
	mux.Handle("POST /i/{link}/device", s.visit(s.useDeviceCode, anyDevice))
	mux.Handle("POST /i/{link}/device/send", s.visit(s.sendDeviceCode, anyDevice))
	mux.Handle("GET /i/{link}/notice", s.visit(s.showNotice, ownDevice))
	mux.Handle("POST /i/{link}/notice", s.visit(s.readNotice, ownDevice))
	mux.Handle("GET /i/{link}/choices", s.visit(s.showChoices, afterNotice))
	mux.Handle("POST /i/{link}/choices", s.visit(s.saveChoices, afterNotice))
	mux.Handle("GET /i/{link}/documents", s.visit(s.showUploads, afterNotice))
	mux.Handle("POST /i/{link}/documents", s.visit(s.saveUploads, afterNotice))
	mux.Handle("GET /i/{link}/check", s.visit(s.showCheck, afterNotice))
	mux.Handle("POST /i/{link}/check", s.visit(s.saveCheck, afterNotice))
	mux.Handle("GET /i/{link}/call", s.visit(s.showPersonCall, afterNotice))
	mux.Handle("GET /i/{link}/record", s.visit(s.showRecord, afterNotice))
	mux.Handle("GET /i/{link}/reply", s.visit(s.showReply, afterNotice))
}

func (s *server) routeOperator(mux *http.ServeMux) {
	mux.Handle("GET /sign-in", s.handle(s.showSignIn))
	mux.Handle("POST /sign-in", s.handle(s.beginSignIn))
	mux.Handle("GET /sign-in/code", s.handle(s.showCode))
	mux.Handle("POST /sign-in/code", s.handle(s.finishSignIn))
	mux.Handle("POST /sign-in/again", s.handle(s.sendCodeAgain))
	mux.Handle("POST /sign-out", s.handle(s.signOut))
	mux.Handle("GET /today", s.desk(s.showDay, access.RoleOperator))
	mux.Handle("GET /events", s.desk(s.dayEvents, access.RoleOperator))
	mux.Handle("GET /interviews/new", s.desk(s.showSchedule, access.RoleOperator))
	mux.Handle("POST /interviews/new", s.desk(s.schedule, access.RoleOperator))
	for pattern, h := range map[string]deskDossier{
		"GET /interviews/{id}":               s.showDossier,
		"GET /interviews/{id}/events":        s.dossierEvents,
		"POST /interviews/{id}/code":         s.makeDeviceCode,
		"POST /interviews/{id}/cancel":       s.cancelInterview,
		"GET /interviews/{id}/documents":     s.showDocuments,
		"POST /interviews/{id}/documents":    s.holder(s.checkIdentity),
		"GET /interviews/{id}/files/{n}":     s.downloadDocument,
		"GET /interviews/{id}/call":          s.holder(s.showOperatorCall),
		"GET /interviews/{id}/strip":         s.showLiveStrip,
		"GET /interviews/{id}/checklist":     s.showChecklist,
		"POST /interviews/{id}/admit":        s.holder(s.admitPerson),
		"POST /interviews/{id}/finish":       s.holder(s.finishCall),
		"GET /interviews/{id}/sign":          s.holder(s.showSign),
		"POST /interviews/{id}/sign":         s.holder(s.sign),
		"POST /interviews/{id}/preview":      s.previewTimesheet,
		"GET /interviews/{id}/timesheet.pdf": s.downloadTimesheet,
		"GET /interviews/{id}/thread":        s.showThread,
		"GET /interviews/{id}/mails/{n}":     s.downloadMail,
		"POST /interviews/{id}/decide":       s.decideReply,
	} {
		mux.Handle(pattern, s.dossier(h, access.RoleOperator))
	}
}

func (s *server) routeAuditor(mux *http.ServeMux) {
	mux.Handle("GET /audit", s.desk(s.showSearch, access.RoleAuditor))
	mux.Handle("GET /audit/{id}", s.dossier(s.showReport, access.RoleAuditor))
	mux.Handle("GET /audit/{id}/report.pdf", s.dossier(s.downloadReport, access.RoleAuditor))
	mux.Handle("POST /audit/{id}/check", s.dossier(s.checkBundle, access.RoleAuditor))
	mux.Handle("POST /audit/{id}/bundle", s.dossier(s.downloadBundle, access.RoleAuditor))
}

func (s *server) routeRest(mux *http.ServeMux) {
	mux.Handle(assets.Prefix, assets.Handler())
	mux.Handle("GET /{$}", s.handle(s.showStart))
	mux.Handle("GET /healthz", http.HandlerFunc(s.health))
	mux.Handle("GET /accessibility", s.handle(s.showAccessibility))
	mux.Handle("GET /api/openapi.json", http.HandlerFunc(s.showOpenAPI))
	mux.Handle("POST /api/interviews", http.HandlerFunc(s.apiSchedule))
	if s.cfg.Rooms != nil {
		mux.Handle("GET /rtc", s.cfg.Rooms)
	}
	if s.cfg.Demo != nil {
		mux.Handle("GET /demo/mail", s.handle(s.showMailbox))
		mux.Handle("GET /demo/events", s.handle(func(w http.ResponseWriter, r *http.Request) error {
			return s.events(w, r, func(evidence.Head) bool { return true })
		}))
		mux.Handle("POST /demo/mail/reply", s.handle(s.replyFromMailbox))
	}
	mux.Handle("/", s.handle(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
}
