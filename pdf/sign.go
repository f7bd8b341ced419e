package pdf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/pdf/layout"
	"confermo/pdf/pades"
)

// FieldName is the signature field of the service's seal in a timesheet.
const FieldName = "Sigillo"

// errDone says that the duty was performed elsewhere in the meantime.
var errDone = errors.New("timesheet is signed already, or approved anew")

// perform signs the interview's timesheet if that is due.
func (s *Signer) perform(ctx context.Context, id string) error {
	iv, err := s.cfg.Journal.Interview(ctx, id)
	if err != nil {
		return fmt.Errorf("read interview: %w", err)
	}
	for _, d := range iv.Duties() {
		if d.Kind == evidence.DutySignTimesheet {
			return s.sign(ctx, iv, d.Version)
		}
	}
	return nil
}

func (s *Signer) sign(ctx context.Context, iv *evidence.Interview, version int) error {
	t, err := iv.Timesheet()
	if err != nil {
		return fmt.Errorf("derive timesheet: %w", err)
	}
	unsigned, err := layout.Timesheet(t, Words(iv, s.cfg.Names))
	if err != nil {
		return err
	}
	signed, level, err := s.seal(ctx, unsigned, t)
	if err != nil {
		return err
	}
	at := t.Attested.Start
	if at.IsZero() {
		at = t.Approval
	}
	_, err = s.cfg.Journal.Append(ctx, journal.Draft{
		Interview: iv.ID, By: "pdf",
		Fact: &evidence.TimesheetSigned{
			Version: version, Level: level, Layout: layout.Version, Engine: evidence.DurationEngine, Wording: layout.Wording,
			Offset: t.Offset(at), Attested: t.Attested.Seconds, File: evidence.F("timesheet.pdf", "application/pdf", signed),
		},
		If: func(now *evidence.Interview) error {
			if now.Approved == nil || now.Approved.Version != version || now.Signed != nil && now.Signed.Version >= version {
				return errDone
			}
			return nil
		},
	})
	switch {
	case errors.Is(err, errDone):
		return nil
	case err != nil:
		return fmt.Errorf("record signed timesheet: %w", err)
	}
	s.log.Info("timesheet signed", "interview", iv.ID, "version", version, "level", level)
	return nil
}

// seal signs the drawn timesheet: the operator's authenticated act, sealed by the service.
func (s *Signer) seal(ctx context.Context, unsigned []byte, t evidence.Timesheet) (signed []byte, level string, err error) {
	now := time.Now().UTC().Truncate(time.Second)
	name := s.cfg.Seal.Chain[0].Subject.CommonName
	page, x, y, w, h := layout.SignatureBox(unsigned)
	o := pades.SignOptions{
		FieldName: FieldName, M: now, Name: clip(name),
		Reason:   clip("Foglio ore n. " + t.Number.String() + ", approvato da " + t.SignedBy),
		Location: clip(t.Place),
		Visible: &pades.Visible{Page: page, X: x, Y: y, W: w, H: h, Lines: []string{
			clip(name),
			clip("Sigilla l'approvazione di " + t.SignedBy),
			clip(t.Agency.Name),
			now.In(t.Location).Format("02/01/2006 15:04:05 -07:00"),
		}},
	}
	level = "B-B"
	if s.cfg.Stamp != nil {
		level = "B-T"
		o.Stamp = func(digest [32]byte) ([]byte, error) { return s.cfg.Stamp(ctx, digest) }
	}
	signed, err = pades.Sign(unsigned, s.cfg.Seal, o)
	if err != nil {
		return nil, "", err
	}
	return signed, level, nil
}

// clip keeps a claimed text within what a signature field carries.
func clip(s string) string {
	const most = 160
	clean := make([]rune, 0, len(s))
	size := 0
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			r = ' '
		}
		if size += len(string(r)); size > most {
			break
		}
		clean = append(clean, r)
	}
	return string(clean)
}
