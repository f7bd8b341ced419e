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
		from := int64(0)
		if name == "anchors" {
			from = first
		}
		entries, err := s.journal.Within(ctx, "stream:"+name, from, size)
		if err != nil {
			return err
		}
		switch name {
		case "node":
			nodes = entries
			continue
		case "anchors":
			entries = bounding(c.Entries, entries)
		}
		for _, e := range entries {
			if !relies(iv, first, e) {
				continue
			}
			if err := s.keepContext(ctx, c, e); err != nil {
				return err
			}
			boots[e.Head.Boot] = true
		}
	}
	for _, e := range nodes {
		if boots[e.Head.Boot] {
			c.Context = append(c.Context, e)
		}
	}
	slices.SortFunc(c.Context, func(a, b evidence.Entry) int { return cmp.Compare(a.Index, b.Index) })
	slices.SortFunc(c.Anchors, func(a, b bundle.Anchor) int { return cmp.Compare(a.Size, b.Size) })
	if c.RulePack == nil {
		return fmt.Errorf("the rule pack of %s is not in the record", c.Interview)
	}
	return nil
}

// relies tells whether the interview rests on a stream entry.
func relies(iv *evidence.Interview, first int64, e evidence.Entry) bool {
	if iv.Scheduled == nil { // erased: any pack of the time completes the container, and nothing rests on it
		switch e.Fact.(type) {
		case *evidence.KeyMade, *evidence.AnchorReceived:
			return true
		case *evidence.RulePackAdopted:
			return e.Index < first
		}
		return false
	}
	switch f := e.Fact.(type) {
	case *evidence.KeyMade, *evidence.AnchorReceived:
		return true
	case *evidence.RulePackAdopted:
		return f.Digest == iv.Scheduled.Programme.Digest
	case *evidence.AgencySeeded:
		return f.Agency.ID == iv.Scheduled.Agency.ID
	case *evidence.AccountOpened:
		return f.ID == iv.Scheduled.Operator.Account
	}
	return false
}

// bounding are the stamps that say most of when the interview's entries were written: for each the first that covers it and
// the last that came before it. Between scheduling and reply lie thousands that say less. Stamps carry their cosigned
// checkpoint with them; cosignatures between two stamps would add nothing.
func bounding(entries, anchors []evidence.Entry) []evidence.Entry {
	var out, stamps []evidence.Entry
	for _, e := range anchors {
		if f, ok := e.Fact.(*evidence.AnchorReceived); ok && f.Type == "tsa" {
			stamps = append(stamps, e)
		}
	}
	kept := make([]bool, len(stamps))
	before, covering := -1, 0
	for _, e := range entries {
		for before+1 < len(stamps) && stamps[before+1].Index < e.Index {
			before++
		}
		for covering < len(stamps) && stamps[covering].Fact.(*evidence.AnchorReceived).Size <= e.Index {
			covering++
		}
		if before >= 0 {
			kept[before] = true
		}
		if covering < len(stamps) {
			kept[covering] = true
		}
	}
	for i, e := range stamps {
		if kept[i] {
			out = append(out, e)
		}
	}
	return out
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
