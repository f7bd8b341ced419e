package wording

import (
	"html"
	"strconv"
	"strings"
	"time"

	"confermo/evidence"
)

// MailData are the values of a mail about one interview. Start and End are in the agency's zone.
type MailData struct {
	Agency      evidence.Agency
	Operator    string
	Person      string // name and surname
	Number      string // of the interview: "412/2026"
	Protocol    string // of this mail; the interview's number when empty
	Reference   string // the message that this one follows, with its number and date
	Code        string // visible code: "7K3M-Q9TD"
	Programme   string
	Activity    string
	Topics      []string
	Start, End  time.Time
	Attested    int // seconds
	Version     int // of the timesheet; from 2 on the mail says that it replaces the one before
	Link        string
	Deadline    time.Time // for the reply; zero = not said
	Sent        time.Time
	Attachments []string
}

// Of takes from an interview what a mail about it says: agreed times while it is open, observed ones once it is closed.
// Activity and Topics are codes of the rule pack, to be replaced by their names.
func Of(iv *evidence.Interview) (MailData, error) {
	s := iv.Scheduled
	if s == nil {
		return MailData{}, evidence.ErrNotClosed
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return MailData{}, err
	}
	start, _ := time.Parse(evidence.TimeFormat, s.Start)
	d := MailData{
		Agency: s.Agency, Operator: s.Operator.Name.String(), Person: s.Person.FullName(), Number: s.Number.String(),
		Programme: s.Programme.Title, Activity: s.Activity, Start: start.In(zone),
		End: start.In(zone).Add(time.Duration(s.Minutes) * time.Minute),
	}
	t, err := iv.Timesheet()
	if err != nil {
		return d, nil // still open: the agreed times are what there is to say
	}
	d.Start, d.End, d.Attested = t.Attested.Start.In(zone), t.Attested.End.In(zone), t.Attested.Seconds
	d.Topics, d.Version = append([]string(nil), t.Topics...), t.Version
	if t.Other != "" {
		d.Topics = append(d.Topics, t.Other)
	}
	return d, nil
}

// Answer is what was recorded of a reply. Verdict is evidence.VerdictConfirmed, VerdictRefused or another, which all
// read as disputed.
type Answer struct {
	Verdict  string
	Text     string // what the person wrote, as read
	Received time.Time
	Late     bool
}

// InvitationMail invites to an interview (T1, T6, T7).
func InvitationMail(lang string, d MailData) (subject, text string) {
	return mail(lang, "invitation", d.values(lang))
}

// SummaryMail states what took place and asks for the word (T18–T21). Everything in it that holds the word stands
// between two Marker lines.
func SummaryMail(lang string, d MailData) (subject, text string) {
	v := d.values(lang)
	v["marker"], v["request"] = Marker(d.Code), Request(lang)
	if d.Version > 1 {
		v["replaces"] = phrase(lang, "replaces")
	}
	return mail(lang, "summary", v)
}

// AcknowledgementMail says what was recorded of a reply.
func AcknowledgementMail(lang string, d MailData, a Answer) (subject, text string) {
	v := d.values(lang)
	verdict := a.Verdict
	if verdict != evidence.VerdictConfirmed && verdict != evidence.VerdictRefused {
		verdict = evidence.VerdictDisputed
	}
	v["outcome"], v["recorded"] = phrase(lang, verdict), phrase(lang, verdict+".text")
	v["received"] = evidence.FormatDate(lang, a.Received) + " " + evidence.FormatClock(a.Received)
	v["text"] = shorten(strings.TrimSpace(a.Text), 200)
	if a.Late {
		v["late"] = phrase(lang, "late")
	}
	return mail(lang, "acknowledgement", v)
}

// LoginCode carries a sign-in code that is valid for so many minutes.
func LoginCode(lang, code string, minutes int) (subject, text string) {
	return mail(lang, "code", map[string]string{"code": code, "minutes": strconv.Itoa(minutes)})
}

func mail(lang, name string, values map[string]string) (subject, text string) {
	head, body, _ := strings.Cut(file("v1", Known(lang), name), "\n")
	subject, _ = fillLine(head, values)
	return subject, fill(body, values)
}

func (d MailData) values(lang string) map[string]string {
	from, to := clocks(d.Start, d.End)
	v := map[string]string{
		"agency": d.Agency.Name, "office": d.Agency.Office, "phone": d.Agency.Phone, "operator": d.Operator,
		"person": d.Person, "number": d.Number, "protocol": d.Protocol, "reference": d.Reference, "code": d.Code,
		"programme": d.Programme, "activity": d.Activity, "link": d.Link,
		"topics": strings.Join(d.Topics, "; "), "attachments": strings.Join(d.Attachments, "; "),
		"date": evidence.FormatDate(lang, d.Start), "from": from, "to": to, "offset": offset(d.Start, d.End),
		"gross":    evidence.FormatDuration(lang, int(d.End.Sub(d.Start)/time.Second)),
		"attested": evidence.FormatDuration(lang, d.Attested),
	}
	if d.Protocol == "" {
		v["protocol"] = d.Number
	}
	if !d.Deadline.IsZero() {
		v["deadline"] = evidence.FormatDate(lang, d.Deadline)
	}
	if !d.Sent.IsZero() {
		v["sent"] = evidence.FormatDate(lang, d.Sent)
	}
	return v
}

// clocks are times of day to the minute when both are whole minutes, else to the second.
func clocks(start, end time.Time) (from, to string) {
	if start.Second() == 0 && end.Second() == 0 {
		return start.Format("15:04"), end.Format("15:04")
	}
	return evidence.FormatClock(start), evidence.FormatClock(end)
}

// offset names the zone's offset on days when the clocks change (D5).
func offset(start, end time.Time) string {
	day := time.Date(start.Year(), start.Month(), start.Day(), 0, 0, 0, 0, start.Location())
	if evidence.FormatOffset(day) == evidence.FormatOffset(day.AddDate(0, 0, 1)) {
		return ""
	}
	from, to := evidence.FormatOffset(start), evidence.FormatOffset(end)
	if from == to {
		return " (UTC" + from + ")"
	}
	return " (UTC" + from + " – UTC" + to + ")"
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// HTML writes a mail's text as simple HTML: the same lines, addresses of the web as links, nothing from outside.
func HTML(lang, text string) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"" + Known(lang) + "\"><head><meta charset=\"utf-8\"></head><body>\n")
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>")
		for i, line := range strings.Split(p, "\n") {
			if i > 0 {
				b.WriteString("<br>\n")
			}
			escaped := html.EscapeString(line)
			if strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://") {
				escaped = "<a href=\"" + escaped + "\">" + escaped + "</a>"
			}
			b.WriteString(escaped)
		}
		b.WriteString("</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}
