package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"testing/fstest"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
	"confermo/mailbox"
	"confermo/mailbox/imap"
	"confermo/mailbox/smtp"
	"confermo/pdf"
	"confermo/web"
)

func (s *Service) mailConfig() mailbox.Config {
	c := s.cfg
	return mailbox.Config{
		Journal: s.journal, From: c.MailFrom,
		SMTP:   smtp.Account{Addr: c.SMTPAddr, Username: c.SMTPUser, Password: c.SMTPPassword, TLS: c.SMTPTLS},
		IMAP:   imap.Account{Addr: c.IMAPAddr, Username: c.IMAPUser, Password: c.IMAPPassword, TLS: c.IMAPTLS},
		Link:   func(interview string) string { return web.Link(s.linkKey, s.cfg.BaseURL, interview) },
		Lookup: s.keyRecords,
		Names:  s.name,
		Alarm:  func(what string, err error) { s.log.Error("mail needs a person", "what", what, "error", err) },
		Log:    s.log,
	}
}

// keyRecords looks up DKIM keys: in the demo's own records where it has some, else in the DNS.
func (s *Service) keyRecords(ctx context.Context, name string) ([]string, error) {
	if s.lookup != nil {
		return s.lookup(ctx, name)
	}
	return net.DefaultResolver.LookupTXT(ctx, name)
}

// name is the name of an activity or topic in the pack that the interview was scheduled under.
func (s *Service) name(iv *evidence.Interview, lang, code string) string {
	pack := s.packs[iv.Scheduled.Programme.Digest]
	if n := rules.Name(pack.Activities, code, lang); n != code {
		return n
	}
	return rules.Name(pack.Topics, code, lang)
}

func (s *Service) openWeb(context.Context) error {
	trust := fstest.MapFS{}
	for name, data := range s.trust {
		trust[name] = &fstest.MapFile{Data: data}
	}
	believed, err := audit.LoadTrust(trust)
	if err != nil {
		return err
	}
	pages, err := web.New(web.Config{
		Journal: s.journal, Rooms: s.rooms, Access: s.access, BaseURL: s.cfg.BaseURL, LinkKey: s.linkKey, Test: s.cfg.TestPKI,
		SendCode: s.sendCode, Issue: s.issuer.Issue, Preview: s.preview, Report: s.report, Trust: believed, Missing: s.missing,
		Demo: s.demo, Log: s.log,
	})
	if err != nil {
		return err
	}
	// Monitors read checkpoints and hash tiles without asking; lines are for auditors, who have them in bundles.
	tiles := journal.TileHandler(s.journal, nil)
	mux := http.NewServeMux()
	mux.Handle("GET /checkpoint", tiles)
	mux.Handle("GET /tile/", tiles)
	mux.Handle("/", pages)
	s.handler = mux
	return nil
}

func (s *Service) sendCode(ctx context.Context, to, code, lang string) error {
	if s.mail == nil {
		return fmt.Errorf("send code: no mail account is configured")
	}
	return s.mail.SendCode(ctx, to, code, lang)
}

func (s *Service) preview(iv *evidence.Interview) ([]byte, error) {
	return pdf.Preview(iv, s.names)
}

func (s *Service) report(ctx context.Context, id string) ([]byte, error) {
	iv, err := s.journal.Interview(ctx, id)
	if err != nil {
		return nil, err
	}
	return pdf.Report(iv, s.names)
}

// missing says what the installation lacks before its first real interview, a sentence each.
func (s *Service) missing() []string {
	var lacks []string
	for _, part := range []struct {
		there    bool
		sentence string
	}{
		{s.mail != nil, "posta non configurata: inviti, codici e riepiloghi non partono"},
		{s.issuer.seal.Key != nil, "sigillo non configurato: i fogli ore non vengono firmati"},
		{s.issuer.stamp != nil, "marca temporale non configurata: le firme restano al livello B-B"},
		{s.cfg.TestPKI || s.cfg.WitnessURL != "", "testimone esterno non configurato"},
		{s.pack.ID != "", "nessun pacchetto di regole del programma"},
	} {
		if !part.there {
			lacks = append(lacks, part.sentence)
		}
	}
	return lacks
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}
