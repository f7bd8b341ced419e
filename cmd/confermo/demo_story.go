package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"confermo/evidence"
	"confermo/rtc/peer"
	"confermo/web"
)

// tell goes through the story. Each step looks at the record first and does only what is not there yet, so that a run on
// the same folder goes on where the last one ended, wherever that was.
func (d *demo) tell(ctx context.Context) error {
	d.say("journal opened: %d entries, log key %s", d.svc.journal.Size(), strings.TrimSpace(d.svc.journal.VKey()))
	for _, step := range []func(context.Context) error{
		d.seed, d.schedule, d.invited, d.prepare, d.call, d.identify, d.finish, d.sign, d.answer, d.sealed, d.take,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) personLink() string { return web.Link(d.svc.linkKey, d.svc.cfg.BaseURL, d.id) }

// signIn goes through password and code; the code is read in the mailbox of the demo.
func (d *demo) signIn(ctx context.Context, mail string) (*hand, error) {
	h, err := newHand(d.svc.cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := h.open(ctx, "/sign-in"); err != nil {
		return nil, err
	}
	seen := len(d.mail.Messages(mail))
	if err := h.submit(ctx, "/sign-in", url.Values{"mail": {mail}, "password": {demoPassword}}); err != nil {
		return nil, err
	}
	code, err := d.code(ctx, mail, seen)
	if err != nil {
		return nil, err
	}
	return h, h.submit(ctx, "/sign-in/code", url.Values{"code": {code}})
}

func (d *demo) desk(ctx context.Context) (*hand, error) {
	if d.operator != nil {
		return d.operator, nil
	}
	var err error
	if d.operator, err = d.signIn(ctx, demoOperator); err != nil {
		return nil, fmt.Errorf("sign in as operator: %w", err)
	}
	return d.operator, nil
}

func (d *demo) schedule(ctx context.Context) error {
	if iv, err := d.interview(ctx); err != nil || iv != nil {
		if iv != nil {
			d.say("interview %s is there from an earlier run", iv.Scheduled.Number)
		}
		return err
	}
	h, err := d.desk(ctx)
	if err != nil {
		return err
	}
	if err := h.open(ctx, "/interviews/new"); err != nil {
		return err
	}
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return fmt.Errorf("load zone: %w", err)
	}
	if err := h.submit(ctx, "/interviews/new", demoSlot(time.Now(), zone)); err != nil {
		return err
	}
	iv, err := d.until(ctx, "the interview", func(iv *evidence.Interview) bool { return iv.Scheduled != nil })
	if err != nil {
		return fmt.Errorf("%w (%s)", err, h.says("main"))
	}
	d.say("interview %s scheduled by the operator: %s, %s", iv.Scheduled.Number, iv.Scheduled.Person.FullName(), iv.Scheduled.Activity)
	return nil
}

func (d *demo) invited(ctx context.Context) error {
	iv, err := d.until(ctx, "the invitation", func(iv *evidence.Interview) bool {
		m := iv.LastMail(evidence.Invitation)
		return m != nil && m.Sent != nil
	})
	if err != nil {
		return err
	}
	d.say("invitation mailed to %s (%s)", iv.LastMail(evidence.Invitation).To, iv.LastMail(evidence.Invitation).Sent.Response)
	return nil
}

// enter opens the person's link. A device that the link is not bound to proves itself by a code sent to the person.
func (d *demo) enter(ctx context.Context) (*hand, error) {
	h, err := newHand(d.svc.cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	link := d.personLink()
	if err := h.open(ctx, link); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(h.at.Path, "/device") {
		if err := h.submit(ctx, "/open", nil); err != nil {
			return nil, err
		}
	}
	if !strings.HasSuffix(h.at.Path, "/device") {
		return h, nil
	}
	seen := len(d.mail.Messages(demoPerson))
	if err := h.submit(ctx, "/device/send", nil); err != nil {
		return nil, err
	}
	code, err := d.code(ctx, demoPerson, seen)
	if err != nil {
		return nil, err
	}
	return h, h.submit(ctx, "/device", url.Values{"code": {code}})
}

// prepare is the person's part before the call: notice, choice, documents, device check.
func (d *demo) prepare(ctx context.Context) error {
	iv, err := d.interview(ctx)
	if err != nil || iv.Closed != nil {
		return err
	}
	h, err := d.enter(ctx)
	if err != nil {
		return fmt.Errorf("open the invitation: %w", err)
	}
	link := d.personLink()
	if iv.Notice == nil {
		if err := visit(ctx, h, link+"/notice", "/notice", nil); err != nil {
			return err
		}
		if err := visit(ctx, h, link+"/choices", "/choices", url.Values{"still": {"no"}}); err != nil {
			return err
		}
	}
	if iv, err = d.until(ctx, "the notice", func(iv *evidence.Interview) bool { return iv.Notice != nil }); err != nil {
		return err
	}
	d.say("notice of art. 13 GDPR read, version %s (%s)", iv.Notice.Version, iv.Notice.Language)
	if len(iv.MissingDocuments()) > 0 {
		cards, err := demoCards()
		if err != nil {
			return err
		}
		if err := visit(ctx, h, link+"/documents", "/documents", nil, cards...); err != nil {
			return err
		}
		if iv, err = d.until(ctx, "the documents", func(iv *evidence.Interview) bool { return len(iv.MissingDocuments()) == 0 }); err != nil {
			return fmt.Errorf("%w (%s)", err, h.says("main"))
		}
	}
	d.say("identity card and tax-code card uploaded: %d files, encrypted under the interview's identity key", len(iv.Documents))
	if iv.Device == nil {
		return visit(ctx, h, link+"/check", "/check", url.Values{"mic": {"ok"}, "camera": {"ok"}})
	}
	return nil
}

// visit opens a page and submits its form.
func visit(ctx context.Context, h *hand, address, action string, fields url.Values, files ...upload) error {
	if err := h.open(ctx, address); err != nil {
		return err
	}
	return h.submit(ctx, action, fields, files...)
}

// identify is the operator comparing face, card and data, which takes both in the call.
func (d *demo) identify(ctx context.Context) error {
	iv, err := d.interview(ctx)
	if err != nil || iv.Identity != nil {
		return err
	}
	h, err := d.desk(ctx)
	if err != nil {
		return err
	}
	address := "/interviews/" + d.id + "/documents"
	if err := h.open(ctx, address); err != nil {
		return err
	}
	if err := h.submit(ctx, "/documents", url.Values{"check": h.values("check"), "outcome": {"match"}}); err != nil {
		return err
	}
	if _, err = d.until(ctx, "the identity check", func(iv *evidence.Interview) bool { return iv.Identity != nil }); err != nil {
		return fmt.Errorf("%w (%s)", err, h.says("main"))
	}
	d.say("operator compared face, documents and data: recorded as the operator's word")
	return nil
}

// call puts two parties without a browser into the room and keeps them there.
func (d *demo) call(ctx context.Context) error {
	iv, err := d.interview(ctx)
	if err != nil || iv.Closed != nil {
		return err
	}
	desk, err := d.desk(ctx)
	if err != nil {
		return err
	}
	if err := desk.open(ctx, "/interviews/"+d.id+"/call"); err != nil {
		return err
	}
	operator, err := d.join(ctx, desk)
	if err != nil {
		return fmt.Errorf("join as operator: %w", err)
	}
	defer operator.Close()
	phone, err := d.enter(ctx)
	if err != nil {
		return err
	}
	if err := phone.open(ctx, d.personLink()+"/call"); err != nil {
		return err
	}
	person, err := d.join(ctx, phone)
	if err != nil {
		return fmt.Errorf("join as person: %w", err)
	}
	defer person.Close()
	if err := desk.submit(ctx, "/admit", nil); err != nil {
		return err
	}
	if _, err := d.until(ctx, "the person's entry", func(iv *evidence.Interview) bool { return iv.Parties[evidence.Person].Admitted }); err != nil {
		return err
	}
	d.say("two parties in the call, Opus and VP8 through the media server (%s)", d.svc.rooms.Addr())
	hear := func(s peer.Stats) bool { return s.AudioIn > 0 && s.VideoIn > 0 }
	for _, p := range []*peer.Peer{operator, person} {
		if err := p.AwaitStats(ctx, hear); err != nil {
			return fmt.Errorf("wait for media: %w", err)
		}
	}
	end := time.After(demoCall)
	if err := d.identify(ctx); err != nil {
		return err
	}
	select {
	case <-end:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := desk.open(ctx, "/interviews/"+d.id+"/call"); err != nil {
		return err
	}
	return desk.submit(ctx, "/finish", nil)
}

func (d *demo) join(ctx context.Context, h *hand) (*peer.Peer, error) {
	ticket := h.data("ticket")
	if ticket == "" {
		return nil, fmt.Errorf("the call page has no ticket: %s", h.says("main"))
	}
	return peer.Dial(ctx, peer.Options{
		URL: "ws" + strings.TrimPrefix(d.svc.cfg.BaseURL, "http") + "/rtc", Ticket: ticket, Media: peer.Synthetic(), Loopback: true,
	})
}
