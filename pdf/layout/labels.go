package layout

import (
	"embed"
	"strings"
	"sync"

	"confermo/evidence/wording"
)

//go:embed labels
var labelFiles embed.FS

// labels are a language's words by key.
type labels struct {
	lang  string
	words map[string]string
}

var allLabels = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, lang := range wording.Languages() {
		b, _ := labelFiles.ReadFile("labels/" + lang + ".txt")
		all[lang] = map[string]string{}
		for line := range strings.Lines(string(b)) {
			key, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
			all[lang][key] = text
		}
	}
	return all
})

func labelsOf(lang string) labels {
	lang = wording.Known(lang)
	return labels{lang, allLabels()[lang]}
}

// of gives the words of a key, with {name} replaced by the value after it in pairs.
func (l labels) of(key string, pairs ...string) string {
	text := l.words[key]
	if len(pairs) == 0 {
		return text
	}
	replace := make([]string, 0, len(pairs))
	for i, p := range pairs {
		if i%2 == 0 {
			p = "{" + p + "}"
		}
		replace = append(replace, p)
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// or gives the words of a key, or the text itself where there are none.
func (l labels) or(key, text string) string {
	if s := l.words[key]; s != "" {
		return s
	}
	return text
}
