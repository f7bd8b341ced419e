package evidence

import (
	"errors"
	"testing"
	"time"
)

func TestT19_DurationIsSaidInWords(t *testing.T) {
	for _, c := range []struct {
		lang string
		secs int
		want string
	}{
		{"it", 3600, "1 ora"},
		{"it", 3633, "1 ora e 33 secondi"},
		{"it", 3561, "59 minuti e 21 secondi"},
		{"it", 7321, "2 ore, 2 minuti e 1 secondo"},
		{"it", 0, "0 secondi"},
		{"de", 3661, "1 Stunde, 1 Minute und 1 Sekunde"},
		{"fr", 62, "1 minute et 2 secondes"},
		{"en", 60, "1 minute"},
		{"xx", 60, "1 minuto"},
	} {
		if got := FormatDuration(c.lang, c.secs); got != c.want {
			t.Errorf("FormatDuration(%q, %d) = %q, want %q", c.lang, c.secs, got, c.want)
		}
	}
}

// T30 is the example of the regional note: 16/03/2020, one hour, 11:15-12:15.
func TestT30_ExampleOfTheNote(t *testing.T) {
	s := tell("2020-03-16T11:15:00+01:00").begin().both(0, run('v', 3600)).close(3600)
	iv := Fold("I", append([]Entry{{Head: Head{At: s.at(-60), N: 1}, Fact: &Scheduled{Zone: "Europe/Rome", Programme: Programme{Terms: Terms{Rule: Rule{Liveness: 10}}}}}}, s.entries...))
	ts, err := iv.Timesheet()
	if err != nil {
		t.Fatal(err)
	}
	a := ts.Attested
	from, to := FormatClock(a.Start.In(ts.Location)), FormatClock(a.End.In(ts.Location))
	if a.Seconds != 3600 || from != "11:15:00" || to != "12:15:00" || FormatDate("it", a.Start.In(ts.Location)) != "16/03/2020" {
		t.Errorf("attested %d s from %s to %s", a.Seconds, from, to)
	}
	if FormatDuration("it", a.Seconds) != "1 ora" || FormatOffset(a.Start.In(ts.Location)) != "+01:00" {
		t.Errorf("stated as %s at %s", FormatDuration("it", a.Seconds), FormatOffset(a.Start.In(ts.Location)))
	}
}

func TestClockChangeIsPrinted(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]bool{"2026-03-29": true, "2026-10-25": true, "2026-11-22": false} {
		start, _ := time.ParseInLocation("2006-01-02 15:04", day+" 12:00", rome)
		ts := Timesheet{Location: rome, Attested: Attested{Start: start}}
		if ts.ClockChanges() != want {
			t.Errorf("%s: clock changes %v, want %v", day, !want, want)
		}
	}
}

func TestTaxCodeIsChecked(t *testing.T) {
	good := []string{"RSSMRA85T10A562S", "FRRNDA90A41X999" + string(TaxCodeLetter("FRRNDA90A41X999"))}
	for _, code := range good {
		if err := CheckTaxCode(code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	// The code of one who shares it with another replaces digits by letters; the check letter follows.
	omocode := "RSSMRA85T10A56N"
	if err := CheckTaxCode(omocode + string(TaxCodeLetter(omocode))); err != nil {
		t.Errorf("omocode: %v", err)
	}
	for code, want := range map[string]error{
		"": ErrTaxCodeLength, "RSSMRA85T10A562": ErrTaxCodeLength, "RSSMRA85T10A562T": ErrTaxCodeCheck,
		"RSSMRB85T10A562S": ErrTaxCodeCheck, "1SSMRA85T10A562S": ErrTaxCodeForm, "RSSMRA85Z10A562S": ErrTaxCodeForm,
		"RSSMRA85T10A56àX": ErrTaxCodeLength, "RSSMRA85T10A56\x00S": ErrTaxCodeForm,
	} {
		if err := CheckTaxCode(code); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", code, err, want)
		}
	}
	if NormalTaxCode(" rssmra85t10 a562s ") != "RSSMRA85T10A562S" {
		t.Error("spaces and case are not folded")
	}
}
