package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"confermo/evidence"
	"confermo/web/access"
	"confermo/web/assets"
)

// serveCommand runs `confermo serve` until it is told to stop.
func serveCommand(ctx context.Context, args []string) error {
	cfg, err := parseConfig(args, os.Getenv)
	if err != nil {
		return err
	}
	lines, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", cfg.Listen, err)
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = "http://" + lines.Addr().String()
	}
	s := &Service{cfg: cfg, lines: lines}
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.register(ctx); err != nil {
		return errors.Join(err, s.close())
	}
	fmt.Fprintf(os.Stderr, "confermo %s serves %s\n", version, cfg.BaseURL)
	for _, sentence := range s.missing() {
		fmt.Fprintln(os.Stderr, "manca:", sentence)
	}
	if !assets.Built() {
		fmt.Fprintln(os.Stderr, "the front end was not built: pages use the plain built-in stylesheet")
	}
	return errors.Join(s.run(ctx), s.close())
}

// register opens the agencies and accounts of the file named by -register, those that are not there yet. The file is
//
//	{"agencies":[{"agency":{"id":"…","name":"…",…},"sites":["…"],"zone":"Europe/Rome","act":"…"}],
//	 "accounts":[{"id":"…","role":"operator","agency":"…","name":"…","mail":"…","password":"…"}]}
func (s *Service) register(ctx context.Context) error {
	if s.cfg.Register == "" {
		return nil
	}
	b, err := os.ReadFile(s.cfg.Register)
	if err != nil {
		return fmt.Errorf("read register: %w", err)
	}
	var file struct {
		Agencies []evidence.AgencySeeded `json:"agencies"`
		Accounts []access.Opening        `json:"accounts"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return fmt.Errorf("read register %s: %w", s.cfg.Register, err)
	}
	for i := range file.Agencies {
		if _, err := (seeds{s.journal}).agency(ctx, &file.Agencies[i]); err != nil {
			return err
		}
	}
	return s.openAccounts(ctx, file.Accounts)
}

// openAccounts opens those accounts that are not there yet.
func (s *Service) openAccounts(ctx context.Context, list []access.Opening) error {
	for _, a := range list {
		if _, there := s.access.Account(ctx, a.ID); there {
			continue
		}
		if _, err := s.access.Add(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
