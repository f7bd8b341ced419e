package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit"
	"confermo/evidence/journal"
	"confermo/web"
)

// mailboxes shows the demo's mail server in the pages, and lets its people answer.
func (d *demo) mailboxes() *web.Demo {
	return &web.Demo{
		Operator: web.Door{Mail: demoOperator, Password: demoPassword}, Auditor: web.Door{Mail: demoAuditor, Password: demoPassword},
		PersonLink: d.openLink, Story: d.story,
		Boxes:    func() []string { return []string{demoPerson, demoSecond, demoOperator, demoInbox, demoAuditor} },
		Messages: d.messages, Reply: d.reply,
	}
}

// openLink is the link of the newest interview that can still be held, "" for none.
func (d *demo) openLink(ctx context.Context) string {
	rows, err := d.svc.journal.List(ctx, journal.Filter{Agency: demoAgency})
	if err != nil {
		return ""
	}
	for _, r := range rows {
		iv, err := d.svc.journal.Interview(ctx, r.ID)
		if err == nil && iv.Closed == nil && iv.Cancelled == nil {
			return web.Link(d.svc.linkKey, d.svc.cfg.BaseURL, r.ID)
		}
	}
	return ""
}

// messages lists a mailbox, newest first; the id of a mail is its UID.
func (d *demo) messages(_ context.Context, box string) ([]web.Message, error) {
	var list []web.Message
	for _, m := range d.mail.Messages(box) {
		list = append(list, web.Message{ID: strconv.FormatUint(uint64(m.UID), 10), At: m.Received, Raw: m.Raw})
	}
	slices.Reverse(list)
	return list, nil
}

// reply answers a mail as the mailbox's owner, over SMTP.
func (d *demo) reply(ctx context.Context, box, id, text string) error {
	for _, m := range d.mail.Messages(box) {
		if strconv.FormatUint(uint64(m.UID), 10) != id {
			continue
		}
		raw, err := answerTo(m.Raw, box, text, time.Now())
		if err != nil {
			return err
		}
		return d.submit(ctx, box, raw)
	}
	return fmt.Errorf("answer mail: %s has no mail %s", box, id)
}

// storyLines are the four lines of the demo's first page: the call with its seconds, the timesheet, the reply, the bundle
// with its proved claims and those at the operator's word.
var storyLines = map[string][4]string{
	"it": {"Colloquio di %s, audio e video veri tra due programmi", "Foglio ore firmato e marcato con l’autorità di prova", "Riepilogo spedito, risposta «confermo» trovata e sigillata", "Pacchetto verificato senza rete: %d provate, %d parola dell’operatrice"},
	"de": {"Gespräch von %s, echter Ton und echtes Bild zwischen zwei Programmen", "Stundenblatt signiert und mit der Teststelle gestempelt", "Zusammenfassung versandt, Antwort «confermo» gefunden und versiegelt", "Paket ohne Netz geprüft: %d bewiesen, %d nach Angabe der Beraterin"},
	"fr": {"Entretien de %s, son et image réels entre deux programmes", "Feuille d’heures signée et horodatée par l’autorité de test", "Résumé envoyé, réponse « confermo » trouvée et scellée", "Dossier vérifié hors ligne : %d prouvées, %d sur parole de la conseillère"},
	"en": {"Interview of %s, real audio and video between two programs", "Timesheet signed and stamped by the test authority", "Summary sent, reply “confermo” found and sealed", "Bundle verified offline: %d proved, %d the operator’s word"},
}

// story tells from the record what has already happened.
func (d *demo) story(lang string) []web.Step {
	iv, err := d.interview(context.Background())
	if err != nil || iv == nil {
		return nil
	}
	words, ok := storyLines[lang]
	if !ok {
		words = storyLines["it"]
	}
	var steps []web.Step
	if iv.Closed != nil {
		a := evidence.Duration(iv.Entries(), iv.Scheduled.Programme.Terms.Rule)
		steps = append(steps, web.Step{At: iv.ClosedAt, Text: fmt.Sprintf(words[0], evidence.FormatDuration(lang, a.Seconds))})
	}
	if iv.Signed != nil {
		steps = append(steps, web.Step{At: iv.SignedAt, Text: words[1]})
	}
	if iv.Seal != nil {
		steps = append(steps, web.Step{At: iv.SealedAt, Text: words[2]})
	}
	if v := d.verified.Load(); v != nil {
		proved, word := 0, 0
		for _, c := range v.report.Claims {
			switch c.Verdict {
			case audit.Proved:
				proved++
			case audit.Word:
				word++
			}
		}
		steps = append(steps, web.Step{At: v.at, Text: fmt.Sprintf(words[3], proved, word)})
	}
	return steps
}

// verification is what the demo's own check of the bundle said.
type verification struct {
	at     time.Time
	report audit.Report
}
