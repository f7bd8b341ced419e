package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"confermo/evidence/wording"
)

// Demo is what a demonstration adds: its people's doors, its story so far and its own mailboxes.
type Demo struct {
	Operator, Auditor Door
	PersonLink        func(ctx context.Context) string                         // of an interview that can still be held
	Story             func(lang string) []Step                                 // what the demonstration has done by itself
	Boxes             func() []string                                          // addresses of the mailboxes
	Messages          func(ctx context.Context, box string) ([]Message, error) // newest first
	Reply             func(ctx context.Context, box, id, text string) error    // as the mailbox's owner
}

// Door opens with an invented person's address and password.
type Door struct{ Mail, Password string }

// Step is one line of the story.
type Step struct {
	At   time.Time
	Text string
}

// Message is a mail in a mailbox of the demonstration.
type Message struct {
	ID  string
	At  time.Time
	Raw []byte
}

type startPage struct {
	view
	PersonLink string
	Story      []storyRow
}

type storyRow struct{ At, Text string }

// showStart is the demonstration's first page (d-01); a real installation starts at the sign-in.
func (s *server) showStart(w http.ResponseWriter, r *http.Request) error {
	demo := s.cfg.Demo
	if demo == nil {
		return see(w, r, "/sign-in")
	}
	page := startPage{view: s.newView(r, "")}
	if demo.PersonLink != nil {
		page.PersonLink = demo.PersonLink(r.Context())
	}
	if demo.Story != nil {
		for _, step := range demo.Story(page.Lang) {
			page.Story = append(page.Story, storyRow{step.At.Local().Format("15:04:05"), step.Text})
		}
	}
	s.render(w, http.StatusOK, "demo_start", page.Lang, page)
	return nil
}

type mailboxPage struct {
	view
	Address    string
	Boxes      []option
	Messages   []messageRow
	Open       *openMessage
	CanReply   bool
	Suggestion string
}

type messageRow struct {
	ID, Path, At, Subject string
	On                    bool
}

type openMessage struct {
	mailView
	ID    string
	Lines []mailLine
}

type mailLine struct{ Text, Link string }

var address = regexp.MustCompile(`^https?://\S+$`)

// showMailbox shows one mailbox of the demonstration with the mails as received (d-02).
func (s *server) showMailbox(w http.ResponseWriter, r *http.Request) error {
	demo, q := s.cfg.Demo, r.URL.Query()
	boxes := demo.Boxes()
	if len(boxes) == 0 {
		return errNotFound
	}
	page := mailboxPage{view: s.newView(r, ""), Address: boxes[0]}
	page.Live, page.Scripts = "/demo/events", []string{"live.js"}
	if has(boxes, q.Get("box")) {
		page.Address = q.Get("box")
	}
	for _, b := range boxes {
		page.Boxes = append(page.Boxes, option{b, b, b == page.Address})
	}
	messages, err := demo.Messages(r.Context(), page.Address)
	if err != nil {
		return err
	}
	if q.Has("sent") {
		page.Flash = page.t("box.sent")
	}
	for i, m := range messages {
		parsed := readMail(m.Raw)
		open := m.ID == q.Get("m") || q.Get("m") == "" && i == 0
		page.Messages = append(page.Messages, messageRow{
			ID: m.ID, At: m.At.Local().Format("15:04"), Subject: parsed.Subject, On: open,
			Path: "/demo/mail?" + url.Values{"box": {page.Address}, "m": {m.ID}}.Encode() + "#m",
		})
		if open {
			page.Open = &openMessage{mailView: parsed, ID: m.ID, Lines: linesOf(parsed.Text)}
			page.CanReply = parsed.ReplyTo != "" && demo.Reply != nil
			page.Suggestion = suggestion(parsed.Text)
		}
	}
	s.render(w, http.StatusOK, "demo_mailbox", page.Lang, page)
	return nil
}

// linesOf makes addresses of this text's own lines clickable.
func linesOf(body string) []mailLine {
	var lines []mailLine
	for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
		l := mailLine{Text: line}
		if address.MatchString(strings.TrimSpace(line)) {
			l.Link = strings.TrimSpace(line)
		}
		lines = append(lines, l)
	}
	return lines
}

// suggestion is the word a mail asks for, in its language.
func suggestion(body string) string {
	for _, lang := range wording.Languages() {
		if strings.Contains(body, wording.Request(lang)) {
			return wording.ConfirmWord(lang)
		}
	}
	return ""
}

// replyFromMailbox answers a mail as the owner of the mailbox would.
func (s *server) replyFromMailbox(w http.ResponseWriter, r *http.Request) error {
	demo := s.cfg.Demo
	box, id, body := r.PostFormValue("box"), r.PostFormValue("message"), cut(r.PostFormValue("text"), 2000)
	if demo.Reply == nil || !has(demo.Boxes(), box) || id == "" || strings.TrimSpace(body) == "" {
		return errInput
	}
	if err := demo.Reply(r.Context(), box, id, body); err != nil {
		return errors.Join(errMailDown, err)
	}
	return see(w, r, "/demo/mail?"+url.Values{"box": {box}, "m": {id}, "sent": {"1"}}.Encode())
}
