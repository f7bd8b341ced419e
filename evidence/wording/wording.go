// Package wording holds the legal texts people were shown, by version and language.
//
// A text is a file of its version's folder, v1/it/summary.txt for example: the subject, an empty line, the body. A word
// in braces stands for a value; a line whose value is empty is left out, unless the word ends in a question mark.
// A released version never changes: the digests in the tests hold it fast. What a person read is found again by
// version, language and the values of the interview's first fact.
package wording

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"strings"
)

// Version is the version of the mails that are written now; it goes into evidence.MailFrozen.Wording.
const Version = 1

// NoticeVersion is the version of the notice and of the consents that are shown now.
const NoticeVersion = "1.0"

//go:embed v1
var files embed.FS

// folders finds the folder of a notice's version.
var folders = map[string]string{"1.0": "v1"}

// Languages are the languages in which every text exists, the default first.
func Languages() []string { return []string{"it", "de", "fr", "en"} }

// Known gives lang where texts exist in it, else Italian.
func Known(lang string) string {
	for _, l := range Languages() {
		if l == lang {
			return l
		}
	}
	return "it"
}

// Digest is SHA-256 of a text in standard base64, as evidence.NoticeRead carries it.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ConfirmWord is the word that confirms: "confermo", "ich bestätige", "je confirme", "I confirm" (T21).
func ConfirmWord(lang string) string { return phrase(lang, "word") }

// Request is the one fixed sentence that asks for the word. It stands alone on its line in every summary.
func Request(lang string) string { return phrase(lang, "request") }

// Marker is the line before and after everything that holds the word in a summary, around the visible code.
func Marker(code string) string { return "=== " + code + " ===" }

func phrase(lang, name string) string {
	for line := range strings.Lines(file("v1", Known(lang), "phrases")) {
		if text, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSuffix(text, "\n")
		}
	}
	return ""
}

func file(folder, lang, name string) string {
	b, err := files.ReadFile(folder + "/" + lang + "/" + name + ".txt")
	if err != nil {
		return ""
	}
	return string(b)
}

// fill puts values into a text.
func fill(text string, values map[string]string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		filled, ok := fillLine(line, values)
		if !ok || filled == "" && len(out) > 0 && out[len(out)-1] == "" {
			continue
		}
		out = append(out, filled)
	}
	return strings.TrimSpace(strings.Join(out, "\n")) + "\n"
}

func fillLine(line string, values map[string]string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(line, "{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, after, _ := strings.Cut(rest, "}")
		name, optional := strings.CutSuffix(name, "?")
		value := oneLine(values[name])
		if strings.TrimSpace(value) == "" && !optional {
			return "", false
		}
		b.WriteString(value)
		line = after
	}
}

// oneLine keeps a value from adding lines or headers: a name with a line break could forge a marker line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return ' '
		}
		return r
	}, s)
}
