package web

import (
	"time"

	"confermo/evidence"
)

// happening is one line of the timeline. Class is "is-ok", "is-now" or "".
type happening struct{ Title, At, Note, Class string }

// timeline tells the entries of an interview as events, newest first. Facts that arrive every few seconds are left out.
func timeline(v view, iv *evidence.Interview, now time.Time) []happening {
	var all []happening
	zone := zoneOf(iv)
	entries := iv.Entries()
	for i := len(entries) - 1; i >= 0; i-- {
		key, note, args := tell(v, iv, entries[i].Fact)
		if key == "" {
			continue
		}
		h := happening{Title: v.t(key, args...), At: hourOn(v.Lang, entries[i].Head.Time().In(zone), now), Note: note, Class: "is-ok"}
		if len(all) == 0 {
			h.Class = "is-now"
		}
		all = append(all, h)
	}
	return all
}

// tell names the event of a fact, or "".
func tell(v view, iv *evidence.Interview, fact evidence.Fact) (key, note string, args []any) {
	switch f := fact.(type) {
	case *evidence.Scheduled:
		return "event.scheduled", "", []any{f.Operator.Name}
	case *evidence.Cancelled:
		return "event.cancelled", "", []any{f.Reason}
	case *evidence.LinkOpened:
		if f.How == "code" {
			return "event.takeover", "", nil
		}
		return "event.opened", "", nil
	case *evidence.NoticeRead:
		return "event.notice", v.t("event.version", f.Version), nil
	case *evidence.Consented:
		if f.Given {
			return "event.consent", "", nil
		}
		return "event.noconsent", "", nil
	case *evidence.DocumentUploaded:
		return "event.document", v.t(documentLabel(f.Document)), nil
	case *evidence.DocumentHeld:
		return "event.held", f.Date, nil
	case *evidence.DeviceChecked:
		if f.Skipped {
			return "event.skipped", "", nil
		}
		return "event.device", "", nil
	case *evidence.IdentityChecked:
		return "event." + f.Outcome, f.By.Name.String(), nil
	case *evidence.ClassErased:
		return "event.erased", string(f.Class), nil
	}
	if key, note = tellRoom(v, fact); key != "" {
		return key, note, nil
	}
	return tellAfter(v, iv, fact)
}

func tellRoom(v view, fact evidence.Fact) (key, note string) {
	switch f := fact.(type) {
	case *evidence.PartyJoined:
		return joined[f.Party], f.Network
	case *evidence.PartyLeft:
		return left[f.Party], ""
	case *evidence.PartyAdmitted:
		if f.Party == evidence.Person {
			return "event.admitted", ""
		}
	case *evidence.ServiceGap:
		return "event.outage", ""
	case *evidence.Closed:
		switch f.Reason {
		case "unattended":
			return "event.closed", v.t("event.unattended")
		case "no-show":
			return "event.closed", v.t("event.noshow")
		}
		return "event.closed", ""
	}
	return "", ""
}

var (
	joined = map[evidence.Party]string{evidence.Person: "event.personjoined", evidence.Operator: "event.operatorjoined"}
	left   = map[evidence.Party]string{evidence.Person: "event.personleft", evidence.Operator: "event.operatorleft"}
	mailed = map[string]string{
		evidence.Invitation: "event.invitation", evidence.Summary: "event.summary", evidence.Acknowledgement: "event.acknowledgement",
	}
)

func tellAfter(v view, iv *evidence.Interview, fact evidence.Fact) (key, note string, args []any) {
	switch f := fact.(type) {
	case *evidence.TimesheetApproved:
		return "event.approved", "", []any{f.By.Name}
	case *evidence.TimesheetSigned:
		return "event.signed", f.Level, nil
	case *evidence.MailSent:
		if m := iv.Mail(f.ID); m != nil {
			return mailed[m.Purpose], v.t("event.accepted"), nil
		}
	case *evidence.MailFailed:
		note = f.Text
		if !f.Final {
			note = v.t("event.retry")
		}
		return "event.mailfailed", note, nil
	case *evidence.ReplyReceived:
		return "event.reply", "", nil
	case *evidence.ReplyDecided:
		return "event.decided", v.t("verdict." + f.Verdict), []any{f.By.Name}
	case *evidence.Sealed:
		return "event.sealed", "", nil
	case *evidence.BundleIssued:
		return "event.bundle", "", nil
	}
	return "", "", nil
}

func documentLabel(document string) string {
	if document == "tax-card" {
		return "dossier.taxcard"
	}
	return "dossier.idcard"
}
