package layout

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/wording"
)

// read gives a PDF's text; CONFERMO_LOOK names a folder that keeps the drawings to be looked at.
func read(t *testing.T, pdf []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "look.pdf")
	if look := os.Getenv("CONFERMO_LOOK"); look != "" {
		file = filepath.Join(look, strings.ReplaceAll(t.Name(), "/", "-")+".pdf")
	}
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Skipf("pdftotext: %v", err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func sheetText(t *testing.T, ts evidence.Timesheet, n Names) string {
	t.Helper()
	pdf, err := Timesheet(ts, n)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, pdf)
}

func wants(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func TestT16_T17_T32_TimesheetShowsWhatTheNoteDemands(t *testing.T) {
	ts := example(t, nil).timesheet()
	text := sheetText(t, ts, testNames)
	wants(t, text,
		"Foglio ore n. 412/2026", "Protocollo 412/2026", "24/11/2026", "11:15:08", "12:15:41", "1:00:33", "0:59:21",
		"Luogo Borgolieto, via dei Tigli 4", "Persona Nadia Ferrantini", "Codice fiscale FRRNDA85H52X999W", "Telefono 399 000 0142",
		"Operatore Ilaria Montebruni", "B03 · Consulenza alla ricerca di lavoro", "prosecuzione",
		"Approvato da Ilaria Montebruni il 24/11/2026 alle 12:18:41", "Documento firmato digitalmente",
		"Documento di prova", "pagina 1 di 1", ts.Record.Hash, ts.Programme.Digest)
}

func TestT19_TimesheetStatesTheDurationInWords(t *testing.T) {
	wants(t, sheetText(t, example(t, nil).timesheet(), testNames),
		"si è svolto un colloquio in modalità on-line, dalle 11:15:08 alle 12:15:41 (1 ora e 33 secondi), "+
			"di cui attestati 59 minuti e 21 secondi")
}

func TestT20_TimesheetListsTopicsByName(t *testing.T) {
	wants(t, sheetText(t, example(t, nil).timesheet(), testNames),
		"Ricerca attiva di lavoro; Iscrizione e registrazione in banche dati on-line; aggiornamento del profilo")
}

func TestInterruptionsShowCauseAndEffect(t *testing.T) {
	wants(t, sheetText(t, example(t, nil).timesheet(), testNames),
		"11:38:04 11:39:16 0:01:12 Rete della persona −0:01:12", "11:52:40 11:53:01 0:00:21 Rete della persona conta")
}

// A day of outages, long names, no phone, and letters the font has or has not.
func TestManyInterruptionsAndLongNamesTakeTwoPages(t *testing.T) {
	s := held(t, func(f *evidence.Scheduled) {
		f.Agency.Name = "Consorzio per la formazione, l’orientamento e l’inserimento lavorativo delle valli alte e delle comunità montane"
		f.Person.Name, f.Person.Surname = evidence.V("Maria Immacolata Konstantína Ğulşen"), evidence.V("Ștefănescu-Wojciechowska de’ Ravignani Łukasiewicz")
		f.Person.Phone = evidence.Value{}
		f.Operator.Name = evidence.V("李 Ilaria Montebruni della Torre")
		f.Programme.Title = "Assegno per l’Impiego, programma sperimentale per l’inserimento lavorativo delle persone disoccupate, fase 2"
	})
	var away [][2]int
	for i := range 12 {
		away = append(away, [2]int{200 + 240*i, 240 + 240*i})
	}
	s.observe(time.Date(2026, 11, 24, 10, 15, 8, 0, time.UTC), 3633, away...)
	s.end("job-search", "databanks")
	text := sheetText(t, s.timesheet(), testNames)
	wants(t, text, "pagina 2 di 2", "Telefono non indicato", "Ğulşen", "Łukasiewicz", "? Ilaria",
		"I caratteri che questo documento non può scrivere sono indicati con «?».")
	if n := strings.Count(text, "−0:00:"); n != 12 {
		t.Errorf("%d interruptions are listed", n)
	}
}

func TestD5_TimesheetShowsTheOffsetWhenClocksChange(t *testing.T) {
	start := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC)
	s := held(t, nil)
	for i := range s.entries { // the same story on another day
		s.entries[i].Head.At = start.Add(-time.Hour).Format(evidence.TimeFormat)
	}
	s.observe(start, 7200)
	s.end("job-search")
	wants(t, sheetText(t, s.timesheet(), testNames),
		"dalle 02:30:00 (UTC+02:00) alle 03:30:00 (UTC+01:00) (2 ore)", "scarto da UTC")
}

func TestDraftAndNothingAttested(t *testing.T) {
	s := held(t, nil)
	s.add(time.Minute, &evidence.Closed{At: s.at.UTC().Format(evidence.TimeFormat), Reason: "no-show"})
	ts := s.timesheet()
	wants(t, sheetText(t, ts, Names{}), "Bozza: non ancora firmata", "tempo attestato 0 secondi", "Non è stata osservata presenza")
}

func TestVersion2SaysThatItSupersedes(t *testing.T) {
	ts := example(t, nil).timesheet()
	ts.Version = 2
	wants(t, sheetText(t, ts, testNames), "Sostituisce la versione precedente", "versione 2")
}

func TestTimesheetInEveryLanguage(t *testing.T) {
	for _, lang := range wording.Languages() {
		t.Run(lang, func(t *testing.T) {
			n := testNames
			n.Language = lang
			l := labelsOf(lang)
			text := sheetText(t, example(t, nil).timesheet(), n)
			wants(t, text, l.of("timesheet"), evidence.FormatDuration(lang, 3561), l.of("basis"), l.of("test"))
			if strings.ContainsAny(text, "{}") {
				t.Errorf("a value is missing in:\n%s", text)
			}
		})
	}
}

func TestEveryLanguageHasEveryLabel(t *testing.T) {
	all := allLabels()
	for _, lang := range wording.Languages() {
		for key, text := range all["it"] {
			if all[lang][key] == "" {
				t.Errorf("%s: %s is missing", lang, key)
			}
			if a, b := holes(text), holes(all[lang][key]); a != b {
				t.Errorf("%s: %s takes %s, Italian takes %s", lang, key, b, a)
			}
		}
		file, _ := labelFiles.ReadFile("labels/" + lang + ".txt")
		if n := strings.Count(string(file), "\n"); n != len(all[lang]) {
			t.Errorf("%s: %d lines give %d labels: one stands twice", lang, n, len(all[lang]))
		}
		if len(all[lang]) != len(all["it"]) {
			t.Errorf("%s has %d labels, it has %d", lang, len(all[lang]), len(all["it"]))
		}
	}
}

func holes(text string) string {
	found := map[string]bool{}
	for {
		_, after, ok := strings.Cut(text, "{")
		if !ok {
			return fmt.Sprint(found)
		}
		name, rest, _ := strings.Cut(after, "}")
		found[name], text = true, rest
	}
}

// The strip counts what the masks say: a bar stands above half of its seconds, and the axis follows the rule.
func TestStripFollowsTheFacts(t *testing.T) {
	a := example(t, nil).timesheet().Attested
	s := newStrip(a, time.UTC)
	if s.bin != 20 || len(s.rows[1].bars) != 182 {
		t.Fatalf("%d bars of %d s", len(s.rows[1].bars), s.bin)
	}
	if s.rows[1].sums[0] != 3633-72-21 || s.rows[0].sums[0] != 3633 {
		t.Errorf("sums %v", s.rows)
	}
	if len(s.counted) != 2 || s.counted[0] != (stretch{0, 1376}) || s.counted[1] != (stretch{1448, 3633}) {
		t.Errorf("axis %v", s.counted)
	}
	want := []band{{stretch{1376, 1448}, false, [2]bool{false, true}}, {stretch{2252, 2273}, true, [2]bool{false, true}}}
	if fmt.Sprint(s.bands) != fmt.Sprint(want) {
		t.Errorf("bands %v", s.bands)
	}
	if s.rows[1].bars[70].present || !s.rows[0].bars[70].present {
		t.Error("the bar in the gap stands for the wrong party")
	}
}
