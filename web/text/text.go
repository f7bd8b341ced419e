// Package text is the catalogue of interface strings in Italian, German, French and English, side by side:
//
//	[invite.with]
//	it: Con {0}
//	de: Mit {0}
//	fr: Avec {0}
//	en: With {0}
//
// {0}, {1} … are filled in by Say; {name} and the like belong to the page's scripts. A key ending in .one or .other is
// chosen by Count. *Stars* mark strong words and are turned into markup by the pages, never by this package.
package text

import (
	"bufio"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed *.txt
var files embed.FS

// Languages are the product's languages, the default first.
var Languages = []string{"it", "de", "fr", "en"}

var names = map[string]string{"it": "Italiano", "de": "Deutsch", "fr": "Français", "en": "English"}

var catalogue = mustLoad(files)

// Known tells whether lang is one of Languages.
func Known(lang string) bool { return names[lang] != "" }

// Name is the language's name in itself.
func Name(lang string) string { return names[lang] }

// Has tells whether the key is in the catalogue.
func Has(key string) bool { return catalogue[key] != nil }

// Keys lists all keys in no order.
func Keys() []string {
	var keys []string
	for k := range catalogue {
		keys = append(keys, k)
	}
	return keys
}

// Say gives the sentence of the key in the language with {0}, {1} … filled in. An unknown language is Italian; an
// unknown key gives itself, so that a page shows it and the tests find it.
func Say(lang, key string, args ...any) string {
	s, ok := catalogue[key][lang]
	if !ok {
		if s, ok = catalogue[key]["it"]; !ok {
			return key
		}
	}
	return Fill(s, args...)
}

// Fill puts the arguments in the places {0}, {1} … of s.
func Fill(s string, args ...any) string {
	if len(args) == 0 {
		return s
	}
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// Count says key.one or key.other with n as {0}; further arguments follow.
func Count(lang, key string, n int, args ...any) string {
	form := ".other"
	if n == 1 {
		form = ".one"
	}
	return Say(lang, key+form, append([]any{n}, args...)...)
}

func mustLoad(dir fs.FS) map[string]map[string]string {
	all := map[string]map[string]string{}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		panic("internal error: read catalogue: " + err.Error())
	}
	for _, e := range entries {
		body, err := fs.ReadFile(dir, e.Name())
		if err == nil {
			err = parse(string(body), all)
		}
		if err != nil {
			panic("internal error: read catalogue " + e.Name() + ": " + err.Error())
		}
	}
	return all
}

// parse reads one file of the catalogue into all.
func parse(body string, all map[string]map[string]string) error {
	key := ""
	lines := bufio.NewScanner(strings.NewReader(body))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			key = line[1 : len(line)-1]
			if all[key] != nil {
				return fmt.Errorf("line %d: key %s stands twice", n, key)
			}
			all[key] = map[string]string{}
			continue
		}
		lang, sentence, ok := strings.Cut(line, ": ")
		if !ok || key == "" || !Known(lang) || all[key][lang] != "" {
			return fmt.Errorf("line %d: want a key in brackets or a language and its sentence", n)
		}
		if lang == "fr" {
			sentence = frenchSpaces.Replace(sentence)
		}
		all[key][lang] = sentence
	}
	return lines.Err()
}

// French sets a space, which may not break, before high punctuation and units and inside guillemets.
var frenchSpaces = strings.NewReplacer(" :", "\u00a0:", " ?", "\u00a0?", " ;", "\u00a0;", "« ", "«\u00a0", " »", "\u00a0»",
	"n° ", "n°\u00a0", " Mo", "\u00a0Mo", " %", "\u00a0%")
