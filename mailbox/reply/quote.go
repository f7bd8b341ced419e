package reply

import (
	"regexp"
	"strings"
)

// quoteIndex knows the text of a mail we sent: its lines, and every run of three, two and one words in it, so that a
// line can be recognised after a mail program has wrapped it elsewhere.
type quoteIndex struct {
	lines map[string]bool
	runs  map[string]bool
	long  int // lines of at least three words
}

func newQuoteIndex(texts ...string) *quoteIndex {
	q := &quoteIndex{lines: map[string]bool{}, runs: map[string]bool{}}
	for _, text := range texts {
		var all []string
		for _, l := range strings.Split(text, "\n") {
			w := words(fold(l))
			if len(w) >= 3 {
				q.long++
			}
			if len(w) > 0 {
				q.lines[strings.Join(w, " ")] = true
			}
			all = append(all, w...)
		}
		for i := range all {
			for n := 1; n <= 3 && i+n <= len(all); n++ {
				q.runs[strings.Join(all[i:i+n], " ")] = true
			}
		}
	}
	return q
}

// exact tells whether the words are one whole line of the mail.
func (q *quoteIndex) exact(w []string) bool { return q != nil && q.lines[strings.Join(w, " ")] }

// holds tells whether every run of three words (of all, when there are fewer) stands in the mail.
func (q *quoteIndex) holds(w []string) bool {
	if q == nil {
		return false
	}
	n := min(3, len(w))
	for i := 0; i+n <= len(w); i++ {
		if !q.runs[strings.Join(w[i:i+n], " ")] {
			return false
		}
	}
	return true
}

// plainLines splits a text part; a line that begins with ">" is quoted.
func plainLines(text string) []line {
	var out []line
	for _, l := range strings.Split(text, "\n") {
		l = strings.TrimSpace(strings.ReplaceAll(l, "\u00a0", " "))
		if strings.HasPrefix(l, ">") {
			out = append(out, line{strings.TrimLeft(l, "> "), true})
		} else {
			out = append(out, line{l, false})
		}
	}
	return out
}

// residue is what remains of a text after the quotations are gone.
type residue struct {
	fresh     []string // lines that are neither quoted nor ours
	altered   bool     // a quotation differs from what we sent
	forwarded bool     // a forward marker was met
}

// subtract takes away quotations. mine is the mail that is answered; all are the other mails we sent, which may stand
// in marked quotations only.
func subtract(lines []line, mine *quoteIndex, all []*quoteIndex) residue {
	var r residue
	loose := 0      // whole lines of ours outside any marked quotation
	inside := false // after a quote header, unmarked lines may be ours even when wrapped differently
	for i := 0; i < len(lines); i++ {
		l := lines[i]
		text := fold(linkNoise.ReplaceAllString(l.text, " "))
		w := words(text)
		if n := headerAt(lines, i); n > 0 {
			inside = true
			i += n - 1
			continue
		}
		switch {
		case ruler.MatchString(text):
			inside = true
		case forwardMark.MatchString(text):
			inside, r.forwarded = true, true
		case len(w) == 0 && !l.quoted:
			r.fresh = append(r.fresh, l.text)
		case l.quoted:
			r.altered = r.altered || len(w) > 0 && !ours(w, mine, all)
			inside = true
		case inside && (mine.exact(w) || len(w) >= 3 && mine.holds(w)):
		case len(w) >= 3 && mine.exact(w):
			loose++
		default:
			r.fresh = append(r.fresh, l.text)
		}
	}
	// One line of ours without its surroundings was copied to say something.
	r.altered = r.altered || loose > 0 && loose*2 < mine.long
	return r
}

func ours(w []string, mine *quoteIndex, all []*quoteIndex) bool {
	if mine.holds(w) {
		return true
	}
	for _, q := range all {
		if q.holds(w) {
			return true
		}
	}
	return false
}

var (
	// linkNoise is what mail programs insert into a quotation: targets of links and places of pictures and files.
	linkNoise = regexp.MustCompile(`<(?:mailto:|tel:|https?://)[^<>]*>|\[(?:cid|image|immagine|bild)[^\[\]]*\]|<[^<> ]+\.(?:pdf|png|jpe?g)>`)

	ruler = regexp.MustCompile(`^(?:[-_=*]{10,}|-{2,} ?(?:messaggio originale|original message|ursprüngliche nachricht|original-nachricht|` +
		`message d'origine|message original) ?-{2,})$`)
	forwardMark = regexp.MustCompile(`^-* ?(?:messaggio inoltrato|inizio messaggio inoltrato|forwarded message|begin forwarded message|` +
		`weitergeleitete nachricht|anfang der weitergeleiteten nachricht|message transféré|début du message transféré) ?-*:?$`)

	headerStart = regexp.MustCompile(`^(?:il|in data|am|le|on|a) |@`)
	headerWhole = regexp.MustCompile(`^(?:(?:il|in data) .* ha scritto|am .* schrieb.*|.* schrieb am .*|le .* a écrit|on .* wrote|` +
		`.*<[^<> ]+@[^<> ]+>.* (?:ha scritto|a écrit|schrieb|wrote)) ?:$`)
	dateOrAddress = regexp.MustCompile(`\d{1,2}[./ -] ?[\pL\d]{1,10}[./ -]? ?\d{2,4}|\d{1,2}[:.]\d{2}|@`)
	label         = regexp.MustCompile(`^\*?(da|von|de|from|mittente|inviato|gesendet|envoyé|sent|data|datum|date|a|an|à|to|cc|oggetto|betreff|` +
		`objet|subject|rispondi a|reply-to) ?\*? ?:\*?(?: |$)`)
)

var senderLabels = map[string]bool{"da": true, "von": true, "de": true, "from": true, "mittente": true}

// maxHeaderLine bounds a quote header, whose end may stand on the third line.
const maxHeaderLine = 400

// headerAt gives the number of lines of the quote header or header block that begins at i, or 0. A header must end in a
// colon and hold a date or an address, and must not say anything else: "Il cliente ha scritto: confermo" is no header.
func headerAt(lines []line, i int) int {
	if len(lines[i].text) > maxHeaderLine {
		return 0
	}
	first := fold(lines[i].text)
	if first == "" {
		return 0
	}
	if label.MatchString(first) {
		return blockAt(lines, i)
	}
	if !headerStart.MatchString(first) && !strings.Contains(first, "schrieb am") {
		return 0
	}
	joined := first
	for n := 1; n <= 3; n++ {
		if strings.HasSuffix(joined, ":") && headerWhole.MatchString(joined) && dateOrAddress.MatchString(joined) && !contrasts(joined) {
			return n
		}
		if i+n >= len(lines) || len(joined)+len(lines[i+n].text) > maxHeaderLine {
			return 0
		}
		joined = strings.TrimSpace(joined + " " + fold(lines[i+n].text))
	}
	return 0
}

// blockAt recognises a block of at least two header lines ("Da: … Inviato: … Oggetto: …") with a sender.
func blockAt(lines []line, i int) int {
	n, labels, sender, address := 0, 0, false, false
	for blanks := 0; i+n < len(lines) && n < 16; n++ {
		text := fold(lines[i+n].text)
		if text == "" && blanks == 0 && labels > 0 {
			blanks++
			continue
		}
		m := label.FindStringSubmatch(text)
		if m == nil || len(lines[i+n].text) > maxHeaderLine || contrasts(text) {
			break
		}
		blanks = 0
		labels++
		sender = sender || senderLabels[m[1]]
		address = address || strings.Contains(text, "@")
	}
	if sender && labels >= 2 && (address || labels >= 3) {
		return n
	}
	return 0
}
