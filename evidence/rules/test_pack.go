package rules

import "confermo/evidence"

// TestPack is the programme of demonstrations and test installations: the four activities of the regional trial (I19–I22)
// and its topics (T20). Real programmes bring their own signed pack.
func TestPack() Pack {
	return Pack{
		ID: "assegno-impiego-prova", Title: "Assegno per l’Impiego (programma di prova)", Authority: "Regione di prova",
		Version: 1, From: "2020-03-12", Test: true,
		Acts: []string{"nota 0104656 del 12/03/2020", "DPCM 09/03/2020"},
		Activities: []Named{
			named("A06", "Colloquio per il progetto personale e professionale", "Gespräch zum persönlichen und beruflichen Projekt", "Entretien sur le projet personnel et professionnel", "Interview on the personal and professional project"),
			named("B03", "Consulenza alla ricerca di lavoro", "Beratung bei der Stellensuche", "Conseil pour la recherche d’emploi", "Job-search counselling"),
			named("C06", "Tirocinio extracurriculare", "Ausserschulisches Praktikum", "Stage hors cursus", "Extracurricular traineeship"),
			named("C07", "Formazione mirata all’inserimento", "Auf die Vermittlung ausgerichtete Weiterbildung", "Formation visant l’insertion", "Training aimed at placement"),
		},
		Topics: []Named{
			named("job-search", "Ricerca attiva di lavoro", "Aktive Stellensuche", "Recherche active d’emploi", "Active job search"),
			named("databanks", "Iscrizione e registrazione in banche dati on-line", "Eintragung in Online-Stellenbörsen", "Inscription dans des bases de données en ligne", "Entry and registration in on-line data banks"),
			named("cv", "Curriculum e lettera di presentazione", "Lebenslauf und Bewerbungsschreiben", "Curriculum vitae et lettre de motivation", "Curriculum vitae and cover letter"),
			named("interview", "Preparazione al colloquio di selezione", "Vorbereitung auf das Vorstellungsgespräch", "Préparation à l’entretien d’embauche", "Preparing for a job interview"),
			named("offers", "Offerte di lavoro, corsi e tirocini", "Stellen, Kurse und Praktika", "Offres d’emploi, cours et stages", "Offers of jobs, courses and traineeships"),
			named("plan", "Programma di ricerca intensiva (PRI)", "Intensives Suchprogramm (PRI)", "Programme de recherche intensive (PRI)", "Intensive search programme (PRI)"),
		},
		Terms: evidence.Terms{
			Rule:       evidence.Rule{Liveness: 10, Minimum: 5, Tolerance: 30},
			Unattended: 600, SignWithin: 5 * 24 * 3600, ReplyWithin: 15 * 24 * 3600,
			MinLevel: 2, Languages: []string{"it", "de", "fr", "en"}, PhoneNeeded: true, MailNeeded: true,
		},
	}
}

func named(code, it, de, fr, en string) Named {
	return Named{Code: code, Names: map[string]string{"it": it, "de": de, "fr": fr, "en": en}}
}
