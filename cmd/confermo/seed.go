package main

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/rules"
)

// seeds puts into the record what an interview rests on, once: keys, agency, rule pack.
type seeds struct {
	journal *journal.Journal
}

// has tells whether a stream holds a fact that fits.
func (s seeds) has(ctx context.Context, stream string, fits func(evidence.Fact) bool) (bool, error) {
	entries, err := s.journal.Entries(ctx, "stream:"+stream)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Fact != nil && fits(e.Fact) {
			return true, nil
		}
	}
	return false, nil
}

// once appends a fact to a stream unless one there fits already. It tells whether it appended.
func (s seeds) once(ctx context.Context, stream string, f evidence.Fact, fits func(evidence.Fact) bool) (bool, error) {
	there, err := s.has(ctx, stream, fits)
	if err != nil || there {
		return false, err
	}
	_, err = s.journal.Append(ctx, journal.Draft{Stream: stream, By: "confermo", Fact: f})
	return err == nil, err
}

// key announces a public key of the installation.
func (s seeds) key(ctx context.Context, use, key string) error {
	_, err := s.once(ctx, "keys", &evidence.KeyMade{Use: use, Key: key}, func(f evidence.Fact) bool {
		k, ok := f.(*evidence.KeyMade)
		return ok && k.Use == use && k.Key == key
	})
	return err
}

// agency registers an agency with its sites.
func (s seeds) agency(ctx context.Context, a *evidence.AgencySeeded) (bool, error) {
	return s.once(ctx, "agencies", a, func(f evidence.Fact) bool {
		b, ok := f.(*evidence.AgencySeeded)
		return ok && b.Agency.ID == a.Agency.ID
	})
}

// adopt puts a signed rule pack in force.
func (s seeds) adopt(ctx context.Context, signed []byte, vkey string) (rules.Pack, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return rules.Pack{}, fmt.Errorf("read key of the managing authority: %w", err)
	}
	pack, err := rules.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return rules.Pack{}, err
	}
	digest := rules.Digest(signed)
	_, err = s.once(ctx, "rules", &evidence.RulePackAdopted{
		ID: pack.ID, Version: pack.Version, Digest: digest, File: evidence.F("record/rulepack.json", "text/plain", signed),
	}, func(f evidence.Fact) bool {
		p, ok := f.(*evidence.RulePackAdopted)
		return ok && p.Digest == digest
	})
	return pack, err
}

// adopted are all packs that were ever in force, by digest. Their signatures were checked at adoption.
func (s seeds) adopted(ctx context.Context) (map[string]rules.Pack, error) {
	entries, err := s.journal.Entries(ctx, "stream:rules")
	if err != nil {
		return nil, err
	}
	packs := map[string]rules.Pack{}
	for _, e := range entries {
		f, ok := e.Fact.(*evidence.RulePackAdopted)
		if !ok {
			continue
		}
		signed, err := s.journal.File(ctx, e.Head.Scope(), e.Head.N, "file")
		if err != nil {
			return nil, err
		}
		if packs[f.Digest], err = rules.Peek(signed); err != nil {
			return nil, err
		}
	}
	return packs, nil
}
