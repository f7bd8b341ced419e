package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
)

// finish tells what the media server observed in the call that was closed.
func (d *demo) finish(ctx context.Context) error {
	iv, err := d.until(ctx, "the close", func(iv *evidence.Interview) bool { return iv.Closed != nil })
	if err != nil {
		return err
	}
	a := evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule)
	for _, p := range []evidence.Party{evidence.Operator, evidence.Person} {
		m := a.Masks[p]
		d.say("observed of %-8s %d s of audio, %d s of video", p, strings.Count(m.Audio, "1"), strings.Count(m.Video, "1"))
	}
	d.say("call closed by the %s: %s attested of %s", iv.Closed.Reason, evidence.FormatSeconds(a.Seconds), evidence.FormatSeconds(a.Gross))
	return nil
}

// sign is the operator choosing topics and signing; the service renders, seals and stamps.
func (d *demo) sign(ctx context.Context) error {
	iv, err := d.interview(ctx)
	if err != nil {
		return err
	}
	if iv.Approved == nil {
		h, err := d.desk(ctx)
		if err != nil {
			return err
		}
		topics := url.Values{"topic": {"job-search", "databanks"}}
		if err := visit(ctx, h, "/interviews/"+d.id+"/sign", "/sign", topics); err != nil {
			return err
		}
	}
	if iv, err = d.until(ctx, "the signed timesheet", func(iv *evidence.Interview) bool { return iv.Signed != nil }); err != nil {
		return err
	}
	d.say("timesheet rendered, signed (PAdES %s) and stamped: %d bytes", iv.Signed.Level, iv.Signed.File.Size)
	return nil
}

// answer is the person's reply from the mailbox of the demo.
func (d *demo) answer(ctx context.Context) error {
	iv, err := d.until(ctx, "the summary", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Summary)
		return m != nil && m.Sent != nil
	})
	if err != nil {
		return err
	}
	summary := iv.LastMail(evidence.Summary)
	d.say("summary mailed over SMTP, code %s (%s)", summary.Code, summary.Sent.Response)
	if len(iv.Replies) == 0 {
		sent, err := d.svc.journal.File(ctx, d.id, summary.N, "file")
		if err != nil {
			return err
		}
		reply, err := answerTo(sent, demoPerson, "Confermo", time.Now())
		if err != nil {
			return err
		}
		if err := d.submit(ctx, demoPerson, reply); err != nil {
			return err
		}
		d.say("reply «Confermo» submitted by the person, signed by the mail provider (DKIM)")
	}
	iv, err = d.until(ctx, "the reply", func(iv *evidence.Interview) bool { return len(iv.Replies) > 0 && iv.Replies[0].Classified != nil })
	if err != nil {
		return err
	}
	r := iv.Replies[0]
	d.say("reply found in the inbox by IMAP (UID %d) and recorded", r.UID)
	d.say("reply classified: %s by rule %s, level %d, bound by %s", r.Classified.Verdict, r.Classified.Rule, r.Classified.Level, strings.Join(r.Classified.Binding, ", "))
	return nil
}

func (d *demo) sealed(ctx context.Context) error {
	iv, err := d.until(ctx, "the seal", func(iv *evidence.Interview) bool { return iv.Seal != nil })
	if err != nil {
		return err
	}
	d.say("sealed: time stamp and witness cover the confirmation (tree of %d entries)", iv.Seal.Size)
	_, err = d.until(ctx, "the receipt", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Acknowledgement)
		return m != nil && m.Sent != nil
	})
	return err
}

// take is the auditor: find the interview, take the bundle, verify it without asking the service anything.
func (d *demo) take(ctx context.Context) error {
	var err error
	if d.auditor, err = d.signIn(ctx, demoAuditor); err != nil {
		return fmt.Errorf("sign in as auditor: %w", err)
	}
	if err := d.auditor.open(ctx, "/audit/"+d.id); err != nil {
		return err
	}
	if d.bundle, err = d.auditor.fetch(ctx, "/bundle"); err != nil {
		return err
	}
	d.say("bundle written: %d bytes", len(d.bundle))
	files := fstest.MapFS{}
	for name, data := range d.svc.trust {
		files[name] = &fstest.MapFile{Data: data}
	}
	trust, err := audit.LoadTrust(files)
	if err != nil {
		return err
	}
	report := audit.Verify(d.bundle, trust, time.Now())
	d.verified.Store(&verification{time.Now(), report})
	d.say("bundle verified offline: %s", report.Verdict)
	for _, c := range report.Claims {
		fmt.Fprintf(d.out, "                   %-13s %-12s %s\n", c.Claim, c.Verdict, c.In("en"))
	}
	d.said = time.Now()
	if d.dir == "" {
		return nil
	}
	return d.leave(ctx, report)
}

// leave writes the files of -out.
func (d *demo) leave(ctx context.Context, report audit.Report) error {
	iv, err := d.interview(ctx)
	if err != nil {
		return err
	}
	report.Bundle = "bundle.asice"
	verdict, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	files := map[string][]byte{"bundle.asice": d.bundle, "report.json": append(verdict, '\n')}
	for _, f := range []struct {
		name string
		n    int
	}{
		{"timesheet.pdf", iv.SignedN}, {"summary.eml", iv.LastMail(evidence.Summary).N}, {"reply.eml", iv.Replies[0].N},
	} {
		if files[f.name], err = d.svc.journal.File(ctx, d.id, f.n, "file"); err != nil {
			return err
		}
	}
	if files["receipt.json"], err = d.receipt(); err != nil {
		return err
	}
	if err := d.svc.trust.write(filepath.Join(d.dir, "trust")); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	d.say("left in %s: bundle, timesheet, mails, receipt, trust and report", d.dir)
	return nil
}

// receipt is what the person keeps: the attachment of the acknowledgement, as it arrived.
func (d *demo) receipt() ([]byte, error) {
	mails := d.mail.Messages(demoPerson)
	for i := len(mails) - 1; i >= 0; i-- {
		m, err := readMail(bytes.NewReader(mails[i].Raw))
		if err != nil {
			return nil, err
		}
		for name, data := range m.files {
			if strings.HasSuffix(name, ".json") {
				return data, nil
			}
		}
	}
	return nil, fmt.Errorf("find receipt: no mail to the person carries one")
}
