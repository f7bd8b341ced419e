package reply

import (
	"regexp"
	"strings"
	"unicode"
)

// stripped is the new text without what stands around it.
type stripped struct {
	text  string
	doubt bool // something that was taken away may have been meant
}

// strip takes away banners, signatures of mail programs, signature blocks, contact lines and disclaimers. Whatever it
// takes away by position rather than by its very words is searched for words that dispute.
func strip(fresh, banners []string) stripped {
	known := map[string]bool{}
	for _, b := range banners {
		known[fold(b)] = true
	}
	var out stripped
	var keep []string
	tried := 0 // looking for a disclaimer reads to the end: bounded
	for i, l := range fresh {
		text := fold(l)
		switch {
		case known[text] && text != "":
		case text == "--" || text == "—": // RFC 3676 section 4.3
			out.doubt = disputes(strings.Join(fresh[i+1:], " "))
			return finish(out, keep)
		case len(text) < 160 && programSignature.MatchString(text) && !disputes(text):
		case tried < 8 && disclaimerStart.MatchString(text):
			if tried++; disclaimer(fresh[i:]) {
				return finish(out, keep)
			}
			keep = append(keep, l)
		case len(keep) > 0 && contactLine.MatchString(text):
		default:
			keep = append(keep, l)
		}
	}
	return finish(out, keep)
}

func finish(s stripped, keep []string) stripped {
	s.text = strings.TrimSpace(strings.Join(keep, "\n"))
	return s
}

var (
	programSignature = regexp.MustCompile(`^(?:(?:messaggio )?inviato (?:da|dal|dalla|con) [\pL\d .+'&-]{2,60}|ottieni outlook per \pL+|` +
		`scarica outlook per \pL+(?: ?<?https?://\S+)?|(?:diese nachricht wurde )?(?:von|mit) [\pL\d .+'&-]{2,60} gesendet|gesendet (?:von|mit) [\pL\d .+'&-]{2,60}|` +
		`envoyé (?:de|depuis|à partir de|avec) [\pL\d .+'&-]{2,60}|télécharger outlook pour \pL+|holen sie sich outlook für \pL+|` +
		`sent (?:from|with) [\pL\d .+'&-]{2,60}|get outlook for \pL+(?: ?<?https?://\S+)?|` +
		`(?:virus-free\.|privo di virus\.?|senza virus\.?|virenfrei\.?|sans virus\.?) ?(?:www\.)?\S{0,80})$`)

	contactLine = regexp.MustCompile(`^(?:(?:tel|cell|cellulare|telefono|mobile|phone|fax|handy|tél|natel)\.? ?:? ?\+?[0-9][0-9 ./()-]{6,20}|` +
		`(?:\+|[03])[0-9 ]{8,20}|(?:(?:e-?mail|mail|pec) ?:? ?)?<?[^\s<>@]+@[^\s<>@]+>?|(?:https?://|www\.)\S+)$`)

	disclaimerStart = regexp.MustCompile(`^(?:\*+ ?)?(?:` +
		`(?:questo|il presente) (?:messaggio|documento)(?: di posta elettronica| e-?mail)? ?(?:,|\(|e i |e gli |ed |con |unitamente|contiene|può|potrebbe|è (?:confid|riserv|destin|indirizz|strett|inteso|da inten))|` +
		`quest(?:a|o) (?:e-?mail|comunicazione|mail)(?:,| \(| e i | e gli | ed | contiene| può| potrebbe| è (?:confid|riserv|destin|indirizz|strett))|` +
		`le informazioni contenute (?:in|nel)|il contenuto di questa|ai sensi (?:del|dell'art\.?|degli art\.?|e per gli effetti)|avviso di riservatezza|informativa privacy|` +
		`rispetta l'ambiente|prima di stampare|diese (?:e-?mail|nachricht) (?:enthält|kann|ist|und)|der inhalt dieser (?:e-?mail|nachricht)|` +
		`(?:ce message|ce courriel|cet e-?mail) (?:et|est|contient|peut)|les informations contenues dans|confidentiel|avis de confidentialité|` +
		`this (?:e-?mail|message|communication) ?(?:and|is|may|contains|\()|the information contained|confidential)`)
	disclaimerWord = regexp.MustCompile(`riservat|confidenzial|destinatari|privacy|gdpr|2016/679|196/2003|allegat|errore|cancell|distrugg|vertraulich|empfänger|` +
		`irrtümlich|anhang|anhänge|confidentiel|destinataire|pièces jointes|erreur|intended recipient|confidential|delete|disclos|stampa|ambiente`)
	aboutInterview = regexp.MustCompile(`\b(?:confermo|durata|minut[io]|colloquio|orario|or[ae]\b|sbagliat|segnal|corregg|rettific|falsch|faux|wrong|bestätige|dauer|minuten|gespräch|confirme|durée|entretien|i confirm|duration|minutes|interview)`)
)

// disclaimer tells whether lines that begin as a company's disclaimer are one to the end: long enough, in its words,
// and silent about an interview.
func disclaimer(lines []string) bool {
	text := fold(strings.Join(lines, " "))
	hits := map[string]bool{}
	for _, h := range disclaimerWord.FindAllString(text, 64) {
		hits[h] = true
	}
	return len(strings.Fields(text)) >= 12 && len(hits) >= 3 && !aboutInterview.MatchString(text)
}

var (
	contrastWords = wordSet(`non no ma però pero tranne salvo eccetto invece neanche nemmeno mai contesto sbagliato errato
		nicht kein keine aber jedoch außer ausser falsch nie sondern
		pas mais sauf faux jamais aucun erreur
		not but except wrong never don't didn't isn't`)
	disputeWords = wordSet(`quasi circa anzi correzione correggo minuti minuto ore durata orario riserva domani manca mancano sbagliata sbagliati errata errore nessuno nessuna purtroppo
		confermo conferma confermare ps nb ricevuto minuten dauer stunde stunden fehler bestätige bestätigen nur leider
		durée minutes heure heures confirme confirmer seulement duration hours hour mistake error confirm only unfortunately however correction`)
)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// contrasts tells whether a folded line negates or limits something.
func contrasts(folded string) bool { return holdsAny(folded, contrastWords) }

// disputes tells whether a text may say something about the matter.
func disputes(s string) bool {
	folded := fold(s)
	plain, honest := plainLetters(s)
	symbol := strings.IndexFunc(plain, func(r rune) bool {
		return unicode.IsSymbol(r) && r != '+' && r != '|' && r != '<' && r != '>' && r != '®' && r != '™'
	})
	return !honest || symbol >= 0 || strings.Contains(folded, "?") || holdsAny(folded, contrastWords) || holdsAny(folded, disputeWords)
}

func holdsAny(folded string, set map[string]bool) bool {
	for _, w := range strings.FieldsFunc(folded, func(r rune) bool { return strings.ContainsRune(" .,;:!?()\"<>*_", r) }) {
		if set[w] {
			return true
		}
	}
	return false
}
