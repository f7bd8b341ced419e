package evidence

import (
	"errors"
	"fmt"
	"time"

	_ "time/tzdata" // documents must render the same on machines without a zone database
)

// Timesheet holds the values a timesheet prints (T16, T17, T20, T32). Every one follows from entries up to and including
// the operator's approval; before it, from all entries so far.
type Timesheet struct {
	Version   int
	Number    Number
	Agency    Agency
	Operator  string
	Role      string
	Person    Subject
	Programme Programme
	Activity  string
	Path      string
	Mode      string
	Language  string
	Topics    []string
	Other     string
	Place     string
	Location  *time.Location
	Attested  Attested
	Approval  time.Time // zero while not approved
	SignedBy  string
	Method    string
	Notice    string
	NoticeAt  time.Time
	Checked   time.Time // identity compared
	Outcome   string
	Test      bool
	// Record names the last entry the values rest on.
	Record struct {
		Interview string
		N         int
		Hash      string
	}
}

// ErrNotClosed says that an interview has no timesheet because it was not closed (X11).
var ErrNotClosed = errors.New("interview is not closed")

// Timesheet derives the values. It fails for an interview that is not scheduled or not closed.
func (iv *Interview) Timesheet() (Timesheet, error) {
	if iv.Scheduled == nil || iv.Closed == nil {
		return Timesheet{}, ErrNotClosed
	}
	if iv.Approved != nil && iv.approved < len(iv.entries) {
		return Fold(iv.ID, iv.entries[:iv.approved]).Timesheet()
	}
	s := iv.Scheduled
	location, err := time.LoadLocation(s.Zone)
	if err != nil {
		return Timesheet{}, fmt.Errorf("load zone of the agency: %w", err)
	}
	t := Timesheet{
		Version: 1, Number: s.Number, Agency: s.Agency, Operator: s.Operator.Name.String(), Role: s.Operator.Role,
		Person: s.Person, Programme: s.Programme, Activity: s.Activity, Path: s.Path, Mode: s.Mode, Language: s.Language,
		Location: location, Attested: Duration(iv.entries, s.Programme.Terms.Rule), NoticeAt: iv.NoticeAt, Test: s.Test,
		Place: s.Agency.Address, Checked: iv.Checked,
	}
	if iv.Notice != nil {
		t.Notice = iv.Notice.Version
	}
	if iv.Identity != nil {
		t.Outcome = iv.Identity.Outcome
	}
	if c := iv.Completed; c != nil {
		t.Topics, t.Other, t.Place = c.Topics, c.Other.Text, c.Place
	}
	if a := iv.Approved; a != nil {
		t.Version, t.Approval, t.SignedBy, t.Method = a.Version, iv.Approval, a.By.Name.String(), a.Method
	}
	t.Record.Interview, t.Record.N, t.Record.Hash = iv.ID, iv.N, iv.LastHash
	return t, nil
}

// FullName is given name and surname.
func (s Subject) FullName() string { return s.Name.String() + " " + s.Surname.String() }

// Offset is the zone's offset at t in seconds east of UTC.
func (t Timesheet) Offset(at time.Time) int {
	_, offset := at.In(t.Location).Zone()
	return offset
}

// ClockChanges tells that the clocks change on the day of the interview, so that times are printed with their offset
// (D5).
func (t Timesheet) ClockChanges() bool {
	day := t.Attested.Start.In(t.Location)
	from := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, t.Location)
	return t.Offset(from) != t.Offset(from.AddDate(0, 0, 1))
}
