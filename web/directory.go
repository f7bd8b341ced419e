package web

import (
	"context"
	"fmt"

	"confermo/evidence"
	"confermo/evidence/rules"
)

// agency finds an agency as it was registered last.
func (s *server) agency(ctx context.Context, id string) (evidence.AgencySeeded, error) {
	entries, err := s.j.Entries(ctx, "stream:agencies")
	if err != nil {
		return evidence.AgencySeeded{}, fmt.Errorf("read agencies: %w", err)
	}
	for i := len(entries) - 1; i >= 0; i-- {
		if f, ok := entries[i].Fact.(*evidence.AgencySeeded); ok && f.Agency.ID == id {
			return *f, nil
		}
	}
	return evidence.AgencySeeded{}, fmt.Errorf("agency %s is not registered", id)
}

// programme is an adopted rule pack and the bytes it was signed as.
type programme struct {
	rules.Pack
	signed []byte
}

// programmes are the adopted rule packs, the newest version of each. Their signatures were checked at adoption.
func (s *server) programmes(ctx context.Context) ([]programme, error) {
	entries, err := s.j.Entries(ctx, "stream:rules")
	if err != nil {
		return nil, fmt.Errorf("read rule packs: %w", err)
	}
	var all []programme
	seen := map[string]bool{}
	for i := len(entries) - 1; i >= 0; i-- {
		f, ok := entries[i].Fact.(*evidence.RulePackAdopted)
		if !ok || seen[f.ID] {
			continue
		}
		seen[f.ID] = true
		p, err := s.openPack(ctx, entries[i].Head.N)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// programmeOf finds the rule pack that an interview was scheduled under, by its digest.
func (s *server) programmeOf(ctx context.Context, iv *evidence.Interview) (programme, error) {
	entries, err := s.j.Entries(ctx, "stream:rules")
	if err != nil {
		return programme{}, fmt.Errorf("read rule packs: %w", err)
	}
	for _, e := range entries {
		if f, ok := e.Fact.(*evidence.RulePackAdopted); ok && f.Digest == iv.Scheduled.Programme.Digest {
			return s.openPack(ctx, e.Head.N)
		}
	}
	// Without the pack the codes stand for themselves.
	return programme{Pack: rules.Pack{ID: iv.Scheduled.Programme.ID, Title: iv.Scheduled.Programme.Title}}, nil
}

func (s *server) openPack(ctx context.Context, n int) (programme, error) {
	signed, err := s.j.File(ctx, "stream:rules", n, "file")
	if err != nil {
		return programme{}, fmt.Errorf("read rule pack: %w", err)
	}
	p, err := rules.Peek(signed)
	return programme{p, signed}, err
}

// topics names what was covered, in the reader's language.
func topics(p programme, iv *evidence.Interview, lang string) []string {
	if iv.Completed == nil {
		return nil
	}
	var names []string
	for _, code := range iv.Completed.Topics {
		names = append(names, rules.Name(p.Topics, code, lang))
	}
	if other := iv.Completed.Other.String(); other != "" && other != "…" {
		names = append(names, other)
	}
	return names
}
