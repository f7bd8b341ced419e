package reply

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// A lexicon holds, for one language, the phrases whole replies are built from. Phrases are folded; "A|B" are
// alternatives. A reply confirms when it is
//
//	greeting* ( yes* confirm object? )+ after*
//
// and nothing else, names of the two parties aside. It refuses when refuse comes first and no confirm follows.
type lexicon struct {
	greeting, yes, before, confirm, object, after, refuse string
}

var lexicons = map[string]lexicon{
	"it": {
		greeting: `buongiorno|buon giorno|buonasera|buona sera|buon pomeriggio|salve|ciao|gentile|gentilissima|gentilissimo|gent ma|gent mo|egregio|egregia|` +
			`spett le|cara|caro|signora|signor|signore|sig|sig ra|sig na|dott|dott ssa|dottoressa|dottore|a tutti`,
		yes: `sì|si|ok|okay|certo|certamente|va bene|perfetto|d'accordo|tutto bene|tutto ok|tutto corretto|ricevuto`,
		before: `con la presente|con la presente mail|con la presente e mail|con questa mail|con questa e mail|con questo messaggio|io|io sottoscritta|io sottoscritto|` +
			`la sottoscritta|il sottoscritto|le|vi|lo`,
		confirm: `confermo`,
		object: `tutto|tutto quanto|tutti i dati|quanto sopra|tutto quanto sopra|quanto sopra indicato|quanto sopra riportato|quanto sopra scritto|quanto indicato|quanto riportato|` +
			`quanto scritto|i dati|i dati indicati|i dati riportati|i dati sopra indicati|i dati sopra riportati|il contenuto|il riepilogo|il colloquio|l'avvenuto colloquio|` +
			`la durata|la durata indicata|la durata e i dati|i dati e la durata|il colloquio e la durata|che è tutto corretto|che tutto è corretto|che è tutto esatto|` +
			`pienamente|integralmente|senz'altro|con piacere|volentieri`,
		after: `grazie|grazie mille|mille grazie|molte grazie|grazie tante|grazie ancora|grazie di tutto|la ringrazio|vi ringrazio|ringrazio|ringraziando|e ringrazio|e grazie|` +
			`cordiali saluti|distinti saluti|cordialmente|saluti|un saluto|un cordiale saluto|tanti saluti|cari saluti|i miei saluti|a presto|arrivederci|buona giornata|buona serata|` +
			`buon lavoro|buon pomeriggio|buongiorno|buonasera|buon fine settimana|porgo cordiali saluti|porgo distinti saluti|in fede`,
		refuse: `non confermo|non posso confermare|non posso confermarlo|non intendo confermare|non voglio confermare|non lo confermo|non li confermo|non la confermo|non me la sento di confermare`,
	},
	"de": {
		greeting: `guten tag|guten morgen|guten abend|hallo|grüezi|grüß gott|grüss gott|sehr geehrte damen und herren|sehr geehrte frau|sehr geehrter herr|liebe frau|lieber herr|` +
			`frau|herr|servus|salü`,
		yes:    `ja|ok|okay|gerne|alles klar|in ordnung|einverstanden`,
		before: `hiermit|hierdurch`,
		confirm: `ich bestätige|bestätige ich|bestätigt|ich bestaetige|bestaetige ich|bestaetigt|wird bestätigt|ist bestätigt|ich bestätige hiermit|` +
			`ich kann das bestätigen|kann ich bestätigen`,
		object: `das|dies|es|alles|alle angaben|die angaben|die daten|den inhalt|das gespräch|die angegebenen daten|das obige|die dauer|gerne|so`,
		after: `danke|danke schön|dankeschön|vielen dank|besten dank|herzlichen dank|danke vielmals|merci|mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichen gruessen|` +
			`freundliche grüße|freundliche grüsse|freundliche gruesse|mfg|lg|vg|beste grüße|beste grüsse|viele grüße|viele grüsse|liebe grüße|liebe grüsse|herzliche grüße|` +
			`herzliche grüsse|schöne grüße|schöne grüsse|schönen tag|einen schönen tag|hochachtungsvoll|auf wiedersehen`,
		refuse: `ich bestätige nicht|bestätige ich nicht|ich bestätige das nicht|ich bestätige dies nicht|kann ich nicht bestätigen|das kann ich nicht bestätigen|` +
			`dies kann ich nicht bestätigen|ich kann nicht bestätigen|ich kann das nicht bestätigen|ich kann dies nicht bestätigen|ich kann es nicht bestätigen|nicht bestätigt|ich bestaetige nicht`,
	},
	"fr": {
		greeting: `bonjour|bonsoir|salut|madame|monsieur|chère|cher`,
		yes:      `oui|ok|okay|d'accord|bien reçu|parfait|c'est bon`,
		before:   `par la présente|par ce message|par ce mail|avec plaisir`,
		confirm:  `je confirme|je vous confirme|je le confirme|je soussignée confirme|je soussigné confirme`,
		object: `bien|tout|tout cela|le tout|cela|ceci|les données|les données indiquées|les informations|les informations ci dessus|le contenu|l'ensemble|l'entretien|la durée|` +
			`ce qui précède|ce qui est écrit|que tout est correct|que tout est exact`,
		after: `merci|merci beaucoup|merci bien|grand merci|je vous remercie|et merci|avec mes remerciements|cordialement|bien cordialement|bien à vous|meilleures salutations|` +
			`salutations|sincères salutations|mes salutations|avec mes meilleures salutations|cordiales salutations|bonne journée|bonne soirée|bonne fin de journée|à bientôt|au revoir`,
		refuse: `je ne confirme pas|je confirme pas|j'confirme pas|je ne peux pas confirmer|je ne peux pas le confirmer|je ne peux confirmer|je ne le confirme pas|je ne vous confirme pas|` +
			`je ne souhaite pas confirmer`,
	},
	"en": {
		greeting: `hello|hi|dear|good morning|good afternoon|good evening|madam|sir|dear sir or madam|all`,
		yes:      `yes|ok|okay|sure|fine|all good|all correct`,
		before:   `hereby|herewith`,
		confirm:  `i confirm|i hereby confirm|confirmed|i can confirm`,
		object: `everything|all|all of it|it|this|that|the above|all of the above|the data|the details|the information|the content|the interview|the duration|that everything is correct|` +
			`that all is correct|hereby`,
		after: `thanks|thank you|thank you very much|many thanks|thanks a lot|kind regards|best regards|regards|best wishes|yours sincerely|sincerely|yours faithfully|cheers|` +
			`have a nice day|have a good day|goodbye|bye`,
		refuse: `i do not confirm|i don't confirm|i cannot confirm|i can't confirm|i can not confirm|not confirmed|i won't confirm|i will not confirm`,
	},
}

// known are the words of all phrases: a name that is one of them stays a word.
var known = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, l := range lexicons {
		for _, p := range []string{l.greeting, l.yes, l.before, l.confirm, l.object, l.after, l.refuse} {
			for _, w := range strings.FieldsFunc(p, func(r rune) bool { return r == '|' || r == ' ' }) {
				m[w] = true
			}
		}
	}
	return m
})

type grammar struct{ confirm, refuse, again *regexp.Regexp }

var grammars sync.Map // languages joined -> *grammar

// grammarOf builds the grammar of several languages together: a reply may mix those enabled.
func grammarOf(languages []string) *grammar {
	key := strings.Join(languages, ",")
	if g, ok := grammars.Load(key); ok {
		return g.(*grammar)
	}
	var greeting, yes, after, clause, refuse, confirm []string
	for _, lang := range languages {
		l, ok := lexicons[lang]
		if !ok {
			continue
		}
		greeting, yes, after = append(greeting, l.greeting), append(yes, l.yes), append(after, l.after)
		refuse, confirm = append(refuse, l.refuse), append(confirm, l.confirm)
		clause = append(clause, `(?:(?:`+l.before+`) |N )*(?:`+l.confirm+`) (?:(?:`+l.object+`) ){0,2}`)
	}
	if len(clause) == 0 {
		return nil
	}
	any := func(s []string) string { return `(?:` + strings.Join(s, "|") + `) ` }
	g := &grammar{
		confirm: regexp.MustCompile(`^(?:` + any(greeting) + `|N )*(?:(?:` + any(yes) + `)*(?:` + strings.Join(clause, "|") + `))+(?:` +
			any(after) + `|` + any(yes) + `|N )*$`),
		refuse: regexp.MustCompile(`^(?:` + any(greeting) + `|N )*(?:` + any(refuse) + `)`),
		again:  regexp.MustCompile(`(?:^| )` + any(confirm)),
	}
	grammars.Store(key, g)
	return g
}

// maxReply bounds the new text of a reply that confirms or refuses, in words.
const maxReply = 80

var (
	sadFace    = regexp.MustCompile(`[:;=]['-]?[(\[/|<]`)
	postponing = wordSet(`ancora adesso ora prima finché finche se domani dopo poi solo soltanto forse noch erst wenn vielleicht encore si peut-être yet until if maybe only`)
)

// judge says what a new text means by itself: Confirmed, Refused or Disputed, and the rule that says so.
func judge(text string, languages []string, names map[string]bool) (verdict, rule string, doubts []string) {
	plain, honest := plainLetters(text)
	if !honest {
		return Disputed, "unusual-characters", []string{"the text holds invisible or foreign look-alike characters"}
	}
	folded := fold(plain)
	toks := tokens(folded, names)
	g := grammarOf(languages)
	switch {
	case len(toks) == 0 && hasSymbol(text):
		return Disputed, "no-words", nil
	case len(toks) == 0:
		return Disputed, "nothing-typed", nil
	case g == nil || len(toks) > maxReply:
		return Disputed, "free-text", nil
	}
	joined := strings.Join(toks, " ") + " "
	question := strings.ContainsAny(folded, "?¿")
	if !question && onlyWords(folded) && !sadFace.MatchString(folded) && g.confirm.MatchString(joined) {
		return Confirmed, "whole-reply", nil
	}
	if loc := g.refuse.FindStringIndex(joined); loc != nil && !question && !g.again.MatchString(joined[loc[1]:]) && !holdsAny(joined, postponing) {
		return Refused, "refusal", nil
	}
	for _, w := range toks {
		if w == "conferma" || w != "confermo" && near(w, "confermo") {
			doubts = append(doubts, `"`+w+`" is close to "confermo"`)
			return Disputed, "close-to-confirmation", doubts
		}
	}
	return Disputed, "free-text", nil
}

// tokens are the words of a folded text, names of the parties written as "N".
func tokens(folded string, names map[string]bool) []string {
	raw := strings.FieldsFunc(folded, func(r rune) bool { return r == ' ' || strings.ContainsRune(marks, r) })
	var out []string
	for _, w := range raw {
		w = strings.Trim(w, "'")
		if w == "" {
			continue
		}
		if names[w] && !known()[w] && !contrastWords[w] && !disputeWords[w] {
			w = "N"
		}
		out = append(out, w)
	}
	return out
}

// marks are the punctuation that does not change what a reply says.
const marks = `.,!;:…-–—«»"“”„()*_/‹›‚‘` + "\u00a0"

func onlyWords(folded string) bool {
	for _, r := range folded {
		if r != ' ' && r != '\'' && !strings.ContainsRune(marks, r) && !unicode.IsLetter(r) {
			return false
		}
	}
	return true
}
