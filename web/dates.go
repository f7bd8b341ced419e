package web

import (
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"confermo/evidence"
)

var weekdays = map[string][7]string{
	"it": {"domenica", "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato"},
	"de": {"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"},
	"fr": {"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
	"en": {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
}

var months = map[string][12]string{
	"it": {"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"},
	"de": {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

func weekday(lang string, t time.Time) string { return weekdays[lang][t.Weekday()] }

func month(lang string, t time.Time) string { return months[lang][t.Month()-1] }

// longDay is a day as a title says it: "martedì 24 novembre".
func longDay(lang string, t time.Time) string {
	switch lang {
	case "de":
		return fmt.Sprintf("%s, %d. %s", weekday(lang, t), t.Day(), month(lang, t))
	case "en":
		return fmt.Sprintf("%s %d %s", weekday(lang, t), t.Day(), month(lang, t))
	}
	return fmt.Sprintf("%s %d %s", weekday(lang, t), t.Day(), month(lang, t))
}

// capital begins a title.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func hourMinute(t time.Time) string { return t.Format("15:04") }

// dateTime is a date and a time of day to the minute.
func dateTime(lang string, t time.Time) string {
	return evidence.FormatDate(lang, t) + " " + hourMinute(t)
}

// dateClock is a date and a time of day to the second.
func dateClock(lang string, t time.Time) string {
	return evidence.FormatDate(lang, t) + " " + evidence.FormatClock(t)
}

// hourOn is a time of day, with the date before it when that is not the day of ref.
func hourOn(lang string, t, ref time.Time) string {
	if t.Format(time.DateOnly) == ref.In(t.Location()).Format(time.DateOnly) {
		return hourMinute(t)
	}
	return dateTime(lang, t)
}

// whenView is the sheet that says when the interview is.
type whenView struct{ Weekday, Day, Month, Hour, Length, Operator string }

func when(lang string, iv *evidence.Interview) whenView {
	at := startOf(iv)
	return whenView{
		Weekday: weekday(lang, at), Day: fmt.Sprint(at.Day()), Month: month(lang, at), Hour: hourMinute(at),
		Length:   evidence.FormatDuration(lang, iv.Scheduled.Minutes*60),
		Operator: iv.Scheduled.Operator.Name.String(),
	}
}
