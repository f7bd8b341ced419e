package web

import (
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"

	"confermo/evidence"
	"confermo/evidence/rules"
	"confermo/web/text"
)

// plan is what the form of a new interview asks for, as typed.
type plan struct {
	Name, Surname, TaxCode, Phone, Mail string
	Language, Programme, Activity, Path string
	Date, Hour                          string // dd/mm/yyyy, hh:mm in the agency's zone
	Minutes                             string
	AgreedStart                         time.Time // what Date and Hour mean, set by check
	pack                                programme
}

// check finds what is wrong, in the order of the form, and normalises what is right.
func (p *plan) check(lang string, a evidence.AgencySeeded, packs []programme, now time.Time) ([]fieldError, error) {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return nil, fmt.Errorf("load zone of the agency: %w", err)
	}
	var wrong []fieldError
	bad := func(field, key string, args ...any) {
		wrong = append(wrong, fieldError{field, text.Say(lang, key, args...)})
	}
	for _, f := range []struct{ field, value string }{{"name", p.Name}, {"surname", p.Surname}} {
		switch {
		case f.value == "":
			bad(f.field, "form.required")
		case len([]rune(f.value)) > 100 || strings.ContainsFunc(f.value, unseen):
			bad(f.field, "form.long", 100)
		}
	}
	if key, args := taxCodeProblem(p.TaxCode); key != "" {
		bad("taxcode", key, args...)
	} else {
		p.TaxCode = evidence.NormalTaxCode(p.TaxCode)
	}
	p.pack = programmeByID(packs, p.Programme)
	if n := len(digits40(p.Phone)); n < 6 && (p.pack.Terms.PhoneNeeded || p.Phone != "") || len(p.Phone) > 40 || strings.ContainsFunc(p.Phone, notPhone) {
		bad("phone", "form.phone")
	}
	if addr, err := mail.ParseAddress(p.Mail); p.Mail == "" && p.pack.Terms.MailNeeded || p.Mail != "" && (err != nil || addr.Address != p.Mail || len(p.Mail) > 254) {
		bad("mail", "form.mail")
	}
	if !text.Known(p.Language) {
		bad("language", "form.choose")
	}
	if p.pack.ID == "" {
		bad("programme", "form.choose")
	} else if !hasCode(p.pack.Activities, p.Activity) {
		bad("activity", "form.choose")
	}
	if p.Path != "first" && p.Path != "continuation" {
		bad("path", "form.choose")
	}
	if field, key := p.readStart(zone, now); key != "" {
		bad(field, key)
	}
	if m, err := strconv.Atoi(p.Minutes); err != nil || m < 5 || m > 480 {
		bad("minutes", "form.choose")
	}
	return wrong, nil
}

// readStart reads date and hour in the agency's zone. A time that the clock change leaves out does not exist.
func (p *plan) readStart(zone *time.Location, now time.Time) (field, key string) {
	day, err := time.ParseInLocation("2/1/2006", p.Date, zone)
	if err != nil {
		return "date", "form.date"
	}
	hour, err := time.Parse("15:04", p.Hour)
	if err != nil {
		return "hour", "form.hour"
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), hour.Hour(), hour.Minute(), 0, 0, zone)
	switch {
	case at.Format("15:04") != hour.Format("15:04"):
		return "hour", "form.hour"
	case at.Before(now.Add(-15 * time.Minute)):
		if day.Format(time.DateOnly) < now.In(zone).Format(time.DateOnly) {
			return "date", "form.past"
		}
		return "hour", "form.past"
	case at.After(now.AddDate(1, 0, 0)):
		return "date", "form.far"
	}
	p.AgreedStart = at
	return "", ""
}

// taxCodeProblem says what is wrong with a tax code, naming the true check letter where only that is.
func taxCodeProblem(code string) (key string, args []any) {
	normal := evidence.NormalTaxCode(code)
	switch err := evidence.CheckTaxCode(normal); {
	case err == nil:
		return "", nil
	case errors.Is(err, evidence.ErrTaxCodeLength):
		return "form.taxlength", []any{len([]rune(normal))}
	case errors.Is(err, evidence.ErrTaxCodeCheck):
		return "form.taxletter", []any{normal[15:], string(rune(evidence.TaxCodeLetter(normal[:15])))}
	}
	return "form.taxform", nil
}

// unseen characters have no place in a name: controls, and marks that turn the direction of what follows.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == unicode.ReplacementChar
}

func notPhone(r rune) bool { return !strings.ContainsRune("0123456789 +-./()", r) }

func programmeByID(packs []programme, id string) programme {
	for _, p := range packs {
		if p.ID == id {
			return p
		}
	}
	return programme{}
}

func hasCode(list []rules.Named, code string) bool {
	for _, n := range list {
		if n.Code == code {
			return true
		}
	}
	return false
}

// digits40 are the digits of a phone number.
func digits40(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, cut(s, 40))
}
