package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"confermo/evidence"
	"confermo/evidence/anchor"
	"confermo/evidence/audit"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/evidence/store"
	"confermo/evidence/vault"
	"confermo/mailbox"
	"confermo/pdf"
	"confermo/rtc"
	"confermo/web"
	"confermo/web/access"
)

// Service is the running program: it is opened, run until its context ends, and closed. Tests run this very type.
type Service struct {
	cfg     Config
	log     *slog.Logger
	db      *store.DB
	vault   *vault.Vault
	journal *journal.Journal
	outside *authority            // nil unless test authorities are built in
	pack    rules.Pack            // in force
	packs   map[string]rules.Pack // every one that was, by digest
	anchors *anchor.Service
	rooms   *rtc.Rooms
	mail    *mailbox.Mailbox // nil where no mail account is configured
	signer  *pdf.Signer      // nil where no seal is configured
	access  *access.Access
	issuer  *issuer
	linkKey []byte
	trust   trustFiles
	handler http.Handler
	lines   net.Listener

	// lookup and demo are set before open by the demo and by tests: DKIM key records, and the mailboxes to show.
	lookup func(ctx context.Context, name string) ([]string, error)
	demo   *web.Demo
}

// open brings everything up in the order in which it rests on one another. On an error what was opened is closed.
func (s *Service) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.log == nil {
		s.log = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	}
	if s.trust == nil {
		s.trust = trustFiles{}
	}
	for _, step := range []func(context.Context) error{s.openRecord, s.openOutside, s.openPack, s.openParts, s.openWeb} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openRecord opens database, vault and journal.
func (s *Service) openRecord(ctx context.Context) error {
	keys := filepath.Join(s.cfg.Data, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	logKey, err := secretFile(filepath.Join(keys, "log.key"), noteKey(s.cfg.Name+"/log"))
	if err != nil {
		return err
	}
	if s.linkKey, err = keyBytes(filepath.Join(keys, "link.key")); err != nil {
		return err
	}
	dsn := s.cfg.DB
	if dsn == "" {
		dsn = "sqlite:" + filepath.Join(s.cfg.Data, "confermo.db")
	}
	if s.db, err = store.Open(ctx, dsn); err != nil {
		return err
	}
	blobs, err := vault.Dir(filepath.Join(s.cfg.Data, "vault"))
	if err != nil {
		return err
	}
	if s.vault, err = vault.Open(ctx, blobs, filepath.Join(keys, "vault.key")); err != nil {
		return err
	}
	s.journal, err = journal.Open(ctx, s.db, s.vault, journal.Config{
		Node: s.cfg.Node, Version: version, Name: s.cfg.Name, Test: s.cfg.TestPKI, LogKey: logKey, Erased: vault.ErrErased,
		Left: filepath.Join(s.cfg.Data, lastCheckpoint),
	})
	if err != nil {
		return err
	}
	s.trust["log.vkey"] = []byte(s.journal.VKey() + "\n")
	return nil
}

// openOutside finds the seal, the time-stamping authority and the witness: configured ones, or with -test-pki built-in ones.
func (s *Service) openOutside(ctx context.Context) error {
	var cfg anchor.Config
	cfg.Log = s.log
	s.issuer = &issuer{journal: s.journal}
	if s.cfg.TestPKI {
		var err error
		if s.outside, err = openAuthority(filepath.Join(s.cfg.Data, "test-pki"), s.journal.VKey()); err != nil {
			return err
		}
		_, roots := s.outside.pki.Roots()
		cfg.TSAs = []*anchor.TSA{{URL: s.outside.base + "/tsa", Roots: roots}}
		witness, err := anchor.NewWitness(s.outside.base+"/witness", s.outside.witness.VKey())
		if err != nil {
			return err
		}
		cfg.Witnesses = []*anchor.Witness{witness}
		// A demonstration has no hour to wait for its stamps.
		cfg.StampEvery, cfg.CosignEvery = time.Second, 5*time.Second
		s.issuer.seal = s.outside.pki.Seal()
		s.trust["seal-ca.pem"], s.trust["tsa-ca.pem"] = s.outside.pki.SealCAPEM(), s.outside.pki.TSACAPEM()
		s.trust["witness-testimone.vkey"] = []byte(s.outside.witness.VKey() + "\n")
	} else if err := s.configured(&cfg); err != nil {
		return err
	}
	s.anchors = anchor.New(s.journal, cfg)
	s.issuer.anchors = s.anchors
	if len(cfg.TSAs) > 0 {
		tsa := cfg.TSAs[0]
		s.issuer.stamp = func(ctx context.Context, digest [32]byte) ([]byte, error) {
			token, _, err := tsa.Stamp(ctx, digest)
			return token, err
		}
	}
	if s.issuer.seal.Key == nil {
		return nil
	}
	return seeds{s.journal}.key(ctx, "seal", pemOf(s.issuer.seal.Chain[0]))
}

// configured reads the seal, authority and witness of a real installation; each may be absent and is then missing.
func (s *Service) configured(cfg *anchor.Config) error {
	c := s.cfg
	if c.SealCert != "" {
		var err error
		if s.issuer.seal, err = loadSeal(c.SealCert, c.SealKey); err != nil {
			return err
		}
	}
	if c.TSAURL != "" {
		roots := x509.NewCertPool()
		pem, err := os.ReadFile(c.TSACA)
		if err != nil || !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("read roots of the time-stamping authority %s: no certificate: %w", c.TSACA, err)
		}
		cfg.TSAs = []*anchor.TSA{{URL: c.TSAURL, Roots: roots, Username: c.TSAUser, Password: c.TSAPassword}}
	}
	if c.WitnessURL != "" {
		witness, err := anchor.NewWitness(c.WitnessURL, c.WitnessKey)
		if err != nil {
			return err
		}
		cfg.Witnesses = []*anchor.Witness{witness}
	}
	return nil
}

// openPack puts the rule pack in force.
func (s *Service) openPack(ctx context.Context) error {
	var signed []byte
	var vkey string
	var err error
	switch {
	case s.cfg.RulePack != "":
		if signed, err = os.ReadFile(s.cfg.RulePack); err != nil {
			return fmt.Errorf("read rule pack: %w", err)
		}
		vkey = s.cfg.RuleKey
	case s.outside != nil:
		if signed, vkey, err = s.outside.pack(); err != nil {
			return err
		}
		s.trust["rules-regione.vkey"] = []byte(vkey + "\n")
	default:
		return nil
	}
	if s.pack, err = (seeds{s.journal}).adopt(ctx, signed, vkey); err != nil {
		return err
	}
	s.packs, err = seeds{s.journal}.adopted(ctx)
	return err
}

// openParts opens what acts on the record: rooms, mail, signing, accounts.
func (s *Service) openParts(ctx context.Context) (err error) {
	ticketKey, err := keyBytes(filepath.Join(s.cfg.Data, "keys", "ticket.key"))
	if err != nil {
		return err
	}
	rooms := rtc.Config{Journal: s.journal, UDP: s.cfg.UDP, Loopback: s.cfg.Loopback, TicketKey: ticketKey, Log: s.log}
	if s.cfg.PublicIP != "" {
		rooms.PublicIPs = []string{s.cfg.PublicIP}
	}
	if s.rooms, err = rtc.Open(ctx, rooms); err != nil {
		return err
	}
	if s.access, err = access.Open(ctx, s.journal, s.db); err != nil {
		return err
	}
	if s.cfg.SMTPAddr != "" && s.cfg.IMAPAddr != "" {
		if s.mail, err = mailbox.Open(s.mailConfig()); err != nil {
			return err
		}
	}
	if s.issuer.seal.Key == nil {
		return nil
	}
	s.signer, err = pdf.Open(pdf.Config{Journal: s.journal, Seal: s.issuer.seal, Stamp: s.issuer.stamp, Names: s.names, Log: s.log})
	return err
}

// run works until ctx ends or a part fails.
func (s *Service) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	work := []func(context.Context) error{s.anchors.Run, s.rooms.Run, s.serve}
	if s.mail != nil {
		work = append(work, s.mail.Run)
	}
	if s.signer != nil {
		work = append(work, s.signer.Run)
	}
	for _, run := range work {
		group.Go(func() error {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// serve answers on the listener until ctx ends.
func (s *Service) serve(ctx context.Context) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(s.lines); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve pages: %w", err)
	}
	return nil
}

// close ends what open began, in the opposite order.
func (s *Service) close() error {
	var errs []error
	if s.lines != nil {
		_ = s.lines.Close() // run has closed it already
	}
	if s.rooms != nil {
		errs = append(errs, s.rooms.Close())
	}
	if s.outside != nil {
		errs = append(errs, s.outside.close())
	}
	if s.journal != nil {
		s.journal.Close()
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// names are the words that documents take from the rule pack an interview was scheduled under.
func (s *Service) names(iv *evidence.Interview, lang string) (activity string, topics map[string]string) {
	n := audit.Names(s.packs[iv.Scheduled.Programme.Digest], iv.Scheduled.Activity, lang)
	return n.Activity, n.Topics
}
