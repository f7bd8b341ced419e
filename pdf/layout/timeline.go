package layout

import (
	"strings"
	"time"

	"confermo/evidence"
)

// timeline lists what happened, a row an entry; seconds of media stand in the picture.
func (r *report) timeline(iv *evidence.Interview) {
	for _, e := range iv.Entries() {
		if e.Head.Kind == (*evidence.MediaObserved)(nil).Kind() || e.Head.Kind == (*evidence.MuteChanged)(nil).Kind() {
			continue
		}
		text := r.l.of("erased")
		if e.Fact != nil {
			text = r.before(iv, e.Fact)
			if text == "" {
				text = r.after(iv, e.Fact)
			}
		}
		if text == "" {
			continue
		}
		at := e.Head.Time()
		r.Timeline = append(r.Timeline, []string{r.c.date(at) + " " + r.c.at(at), num(e.Head.N), text})
	}
}

// before says the facts up to the call.
func (r *report) before(iv *evidence.Interview, fact evidence.Fact) string {
	l := r.l
	switch f := fact.(type) {
	case *evidence.Scheduled:
		start := parse(f.Start)
		return l.of("fact.interview-scheduled", "number", f.Number.String(), "date", r.c.date(start), "at", r.c.at(start),
			"minutes", num(f.Minutes))
	case *evidence.Cancelled:
		return l.of("fact.interview-cancelled", "reason", f.Reason)
	case *evidence.MailFrozen:
		return l.of("fact.mail-frozen", "purpose", l.or("purpose."+f.Purpose, f.Purpose))
	case *evidence.MailSent:
		return l.of("fact.mail-sent", "purpose", r.purpose(iv, f.ID))
	case *evidence.MailFailed:
		key := "fact.mail-deferred"
		if f.Final {
			key = "fact.mail-failed"
		}
		return l.of(key, "purpose", r.purpose(iv, f.ID), "text", plain(f.Text))
	case *evidence.LinkOpened:
		return l.of("fact.link-opened")
	case *evidence.NoticeRead:
		return l.of("fact.notice-read", "version", f.Version, "language", f.Language)
	case *evidence.Consented:
		key := "fact.consent-refused"
		if f.Given {
			key = "fact.consent-given"
		}
		return l.of(key, "what", l.or("what."+f.What, f.What))
	case *evidence.DocumentUploaded:
		return l.of("fact.document-uploaded", "document", document(l, f.Document, f.Side))
	case *evidence.DocumentHeld:
		return l.of("fact.document-held", "document", document(l, f.Document, ""))
	case *evidence.DeviceChecked:
		if f.Skipped {
			return l.of("fact.device-skipped")
		}
		return l.of("fact.device-checked", "microphone", r.yes(f.Microphone), "camera", r.yes(f.Camera))
	case *evidence.IdentityChecked:
		return l.of("fact.identity-checked", "outcome", l.or("outcome."+f.Outcome, f.Outcome))
	}
	return ""
}

// after says the facts of the call and what followed.
func (r *report) after(iv *evidence.Interview, fact evidence.Fact) string {
	l := r.l
	switch f := fact.(type) {
	case *evidence.PartyAdmitted:
		return l.of("fact.party-admitted", "party", r.party(f.Party))
	case *evidence.PartyJoined:
		key := "fact.party-joined"
		if f.Reconnect {
			key = "fact.party-rejoined"
		}
		return l.of(key, "party", r.party(f.Party))
	case *evidence.PartyLeft:
		return l.of("fact.party-left", "party", r.party(f.Party), "at", r.c.at(parse(f.At)), "reason", r.reason(f.Reason))
	case *evidence.BreakTaken:
		return l.of("fact.break-taken", "from", r.c.at(parse(f.From)), "to", r.c.at(parse(f.To)))
	case *evidence.ServiceGap:
		return l.of("fact.service-gap", "from", r.c.at(parse(f.From)), "to", r.c.at(parse(f.To)))
	case *evidence.StillTaken:
		return l.of("fact.still-taken")
	case *evidence.Closed:
		return l.of("fact.interview-closed", "reason", r.reason(f.Reason))
	case *evidence.Completed:
		return l.of("fact.content-completed", "topics", strings.Join(r.Names.topics(f.Topics, f.Other.Text), "; "))
	case *evidence.TimesheetApproved:
		return l.of("fact.timesheet-approved", "version", num(f.Version))
	case *evidence.TimesheetSigned:
		return l.of("fact.timesheet-signed", "version", num(f.Version), "level", f.Level)
	case *evidence.ReplyReceived:
		return l.of("fact.reply-received")
	case *evidence.ReplyClassified:
		return l.of("fact.reply-classified", "verdict", l.or("verdict."+f.Verdict, f.Verdict), "level", num(f.Level))
	case *evidence.ReplyDecided:
		return l.of("fact.reply-decided", "verdict", l.or("verdict."+f.Verdict, f.Verdict))
	case *evidence.Sealed:
		return l.of("fact.sealed")
	case *evidence.BundleIssued:
		return l.of("fact.bundle-issued")
	case *evidence.ClassErased:
		return l.of("fact.class-erased", "class", l.or("class."+string(f.Class), string(f.Class)))
	}
	return ""
}

func (r *report) purpose(iv *evidence.Interview, id string) string {
	if m := iv.Mail(id); m != nil {
		return r.l.or("purpose."+m.Purpose, m.Purpose)
	}
	return "…"
}

func (r *report) party(p evidence.Party) string { return r.l.or("party."+string(p), string(p)) }

func (r *report) reason(s string) string { return r.l.or("reason."+s, s) }

func (r *report) yes(ok bool) string {
	if ok {
		return r.l.of("yes")
	}
	return r.l.of("no")
}

func parse(s string) time.Time {
	t, _ := time.Parse(evidence.TimeFormat, s)
	return t
}
