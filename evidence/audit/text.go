package audit

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

// The sentences of a report, one file a language, one "code: sentence" a line. Every language has every code.
//
//go:embed texts/*.txt
var texts embed.FS

// Languages are those a report can be read in, the default first.
func Languages() []string { return []string{"it", "de", "fr", "en"} }

var tables = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range Languages() {
		data, err := texts.ReadFile("texts/" + lang + ".txt")
		if err != nil {
			panic("internal error: report text: " + err.Error())
		}
		all[lang] = map[string]string{}
		for line := range strings.Lines(string(data)) {
			if code, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				all[lang][code] = text
			}
		}
	}
	return all
})

// name is an argument of a sentence that has its own word in each language.
type name string

// sentence is the code's sentence with its arguments, in Italian where the language is not known.
func sentence(lang, code string, args ...any) string {
	spoken := make([]any, len(args))
	for i, a := range args {
		spoken[i] = a
		if n, ok := a.(name); ok {
			spoken[i] = word(lang, string(n))
		}
	}
	return fmt.Sprintf(word(lang, code), spoken...)
}

// word is the code's text without arguments.
func word(lang, code string) string {
	table, ok := tables()[lang]
	if !ok {
		table = tables()["it"]
	}
	if s, ok := table[code]; ok {
		return s
	}
	return code
}
