package reply

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes lines comparable: NFKC, lower case, one kind of apostrophe, one blank between words.
func fold(s string) string {
	s = norm.NFKC.String(s)
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '’' || r == 'ʼ' || r == '`' || r == '´':
			return '\''
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ToLower(r)
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// words are the runs of letters and digits of a folded line.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) })
}

func hasWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}

// kindEmoji may stand beside a confirmation; any other one is a doubt.
const kindEmoji = "👍🙏😊🙂😀😃😄😁👌✅✔☺😉🤝❤💪👏🌸🌹🌞☀🤗💐"

// plainLetters takes the friendly emoji away and tells whether what is left is written without tricks: no invisible or
// direction-changing characters, and no letters that only look like others.
func plainLetters(s string) (string, bool) {
	ok := true
	var b strings.Builder
	emoji := false
	for _, r := range s {
		switch {
		case strings.ContainsRune(kindEmoji, r):
			emoji = true
			b.WriteByte(' ')
		case emoji && (r == 0xFE0F || r == 0x200D || r >= 0x1F3FB && r <= 0x1F3FF || r == 0x2640 || r == 0x2642):
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cc, r) && !unicode.IsSpace(r) || unicode.Is(unicode.Co, r) || r == unicode.ReplacementChar:
			ok = false
		case unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r):
			ok = false
		case unicode.IsLetter(r) && norm.NFKC.String(string(r)) != norm.NFC.String(string(r)):
			ok = false
		default:
			emoji = false
			b.WriteRune(r)
		}
	}
	return b.String(), ok
}
