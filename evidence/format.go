package evidence

import (
	"fmt"
	"strings"
	"time"
)

// words of a duration: hour, hours, minute, minutes, second, seconds, and "and"
var durationWords = map[string][7]string{
	"it": {"ora", "ore", "minuto", "minuti", "secondo", "secondi", "e"},
	"de": {"Stunde", "Stunden", "Minute", "Minuten", "Sekunde", "Sekunden", "und"},
	"fr": {"heure", "heures", "minute", "minutes", "seconde", "secondes", "et"},
	"en": {"hour", "hours", "minute", "minutes", "second", "seconds", "and"},
}

// FormatDuration says whole seconds in words (T19): "1 ora e 33 secondi". An unknown language is Italian.
func FormatDuration(lang string, secs int) string {
	w, ok := durationWords[lang]
	if !ok {
		w = durationWords["it"]
	}
	var parts []string
	for i, n := range []int{secs / 3600, secs / 60 % 60, secs % 60} {
		switch {
		case n == 1:
			parts = append(parts, "1 "+w[2*i])
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, w[2*i+1]))
		}
	}
	switch len(parts) {
	case 0:
		return "0 " + w[5]
	case 1:
		return parts[0]
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " " + w[6] + " " + parts[last]
}

// FormatSeconds writes whole seconds as evidence shows them: "0:59:21".
func FormatSeconds(secs int) string {
	return fmt.Sprintf("%d:%02d:%02d", secs/3600, secs/60%60, secs%60)
}

// FormatDate writes a date as the pages and documents show it: dd/mm/yyyy, in German dd.mm.yyyy.
func FormatDate(lang string, t time.Time) string {
	if lang == "de" {
		return t.Format("02.01.2006")
	}
	return t.Format("02/01/2006")
}

// FormatClock writes a time of day to the second.
func FormatClock(t time.Time) string { return t.Format("15:04:05") }

// FormatOffset writes a zone's offset: "+01:00".
func FormatOffset(t time.Time) string { return t.Format("-07:00") }
