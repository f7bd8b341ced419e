package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"confermo/evidence"
	"confermo/evidence/bundle"
)

// streams are those an interview relies on, see bundle.Content.
var streams = []string{"node", "keys", "rules", "agencies", "accounts", "anchors"}

// context gathers the stream entries the interview relies on, and the anchors over it.
func (s *issuer) context(ctx context.Context, c *bundle.Content, size int64) error {
	iv := evidence.Fold(c.Interview, c.Entries)
	first := c.Entries[0].Index
	boots := map[string]bool{}
	for _, e := range c.Entries {
		boots[e.Head.Boot] = true
	}
	var nodes []evidence.Entry
	for _, name := range streams {
		entries, err := s.journal.Entries(ctx, "stream:"+name)
		if err != nil {
			return err
		}
		if name == "node" {
			nodes = entries
			continue
		}
		for _, e := range entries {
			if e.Index >= size || !relies(iv, first, e) {
				continue
			}
			if err := s.keepContext(ctx, c, e); err != nil {
				return err
			}
			boots[e.Head.Boot] = true
		}
	}
	for _, e := range nodes {
		if boots[e.Head.Boot] && e.Index < size {
			c.Context = append(c.Context, e)
		}
	}
	slices.SortFunc(c.Context, func(a, b evidence.Entry) int { return cmp.Compare(a.Index, b.Index) })
	slices.SortFunc(c.Anchors, func(a, b bundle.Anchor) int { return cmp.Compare(a.Size, b.Size) })
	if c.RulePack == nil {
		return fmt.Errorf("the rule pack of %s is not in the record", iv.Scheduled.Programme.ID)
	}
	return nil
}

// relies tells whether the interview rests on a stream entry.
func relies(iv *evidence.Interview, first int64, e evidence.Entry) bool {
	switch f := e.Fact.(type) {
	case *evidence.KeyMade:
		return true
	case *evidence.RulePackAdopted:
		return f.Digest == iv.Scheduled.Programme.Digest
	case *evidence.AgencySeeded:
		return f.Agency.ID == iv.Scheduled.Agency.ID
	case *evidence.AccountOpened:
		return f.ID == iv.Scheduled.Operator.Account
	case *evidence.AnchorReceived:
		// Stamps carry their cosigned checkpoint with them; cosignatures between two stamps would add nothing.
		return f.Type == "tsa" && f.Size > first
	}
	return false
}

// keepContext adds one stream entry with the files it brings.
func (s *issuer) keepContext(ctx context.Context, c *bundle.Content, e evidence.Entry) error {
	switch f := e.Fact.(type) {
	case *evidence.AccountOpened:
		e.Openings = slices.DeleteFunc(e.Openings, func(o evidence.Opening) bool { return o.Path == "mail" || o.Path == "password" })
	case *evidence.RulePackAdopted:
		pack, err := s.journal.File(ctx, e.Head.Scope(), e.Head.N, "file")
		if err != nil {
			return err
		}
		c.RulePack = pack
	case *evidence.AnchorReceived:
		if slices.ContainsFunc(c.Anchors, func(a bundle.Anchor) bool { return a.Size == f.Size }) {
			return nil
		}
		note, err := s.journal.File(ctx, e.Head.Scope(), e.Head.N, "note")
		if err != nil {
			return err
		}
		token, err := s.journal.File(ctx, e.Head.Scope(), e.Head.N, "file")
		if err != nil {
			return err
		}
		c.Anchors = append(c.Anchors, bundle.Anchor{Size: f.Size, Note: note, Token: token})
	}
	c.Context = append(c.Context, e)
	return nil
}
