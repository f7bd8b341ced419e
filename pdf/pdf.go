// Package pdf follows the record; it renders and signs what is due.
//
// The timesheet is drawn from the entries up to and including its approval, sealed by PAdES, and appended as
// timesheet-signed. With a time-stamping service it is signed B-T or, while the service fails, not yet: the duty stays
// and is tried again, and no lower level is made in silence. Without one it is signed B-B, and the fact says so.
//
//	signer, err := pdf.Open(pdf.Config{Journal: j, Seal: s, Stamp: stamp, Names: names})
//	go signer.Run(ctx)
package pdf

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/seal"
	"confermo/pdf/layout"
)

// Language is the language of documents: that of the authority.
const Language = "it"

// Names gives the words that documents take from an interview's rule pack: the activity's name, and topics by code.
type Names func(iv *evidence.Interview, lang string) (activity string, topics map[string]string)

// Stamp has a SHA-256 digest stamped and gives the RFC 3161 token.
type Stamp func(ctx context.Context, digest [32]byte) ([]byte, error)

// Config is what a Signer works with.
type Config struct {
	Journal *journal.Journal
	Seal    seal.Signer
	Stamp   Stamp // nil: no service is configured, level B-B
	Names   Names // nil: codes are printed
	Log     *slog.Logger
	// Retry is the first wait after a failure; it doubles up to 60 times that. Zero is 2 s.
	Retry time.Duration
}

// Signer performs the duty to sign timesheets.
type Signer struct {
	cfg Config
	log *slog.Logger
}

// Open checks the configuration; nothing runs yet.
func Open(cfg Config) (*Signer, error) {
	if cfg.Journal == nil || cfg.Seal.Key == nil || len(cfg.Seal.Chain) == 0 {
		return nil, errors.New("open signer: want a journal and a seal with its certificate")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Retry <= 0 {
		cfg.Retry = 2 * time.Second
	}
	return &Signer{cfg: cfg, log: cfg.Log.With("part", "pdf")}, nil
}

// Preview draws the timesheet as it would be signed now, marked as a draft while it is not approved.
// It fails with evidence.ErrNotClosed before the interview is closed (X11).
func Preview(iv *evidence.Interview, names Names) ([]byte, error) {
	t, err := iv.Timesheet()
	if err != nil {
		return nil, err
	}
	return layout.Timesheet(t, Words(iv, names))
}

// Report draws the report of an interview (T17).
func Report(iv *evidence.Interview, names Names) ([]byte, error) {
	return layout.Summary(iv, Words(iv, names))
}

// Words are the layout's names for an interview.
func Words(iv *evidence.Interview, names Names) layout.Names {
	w := layout.Names{Language: Language}
	if names != nil && iv.Scheduled != nil {
		w.Activity, w.Topics = names(iv, Language)
	}
	return w
}
