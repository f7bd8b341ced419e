package main

import (
	"image/color"
	"net/url"
	"strings"
	"time"

	"confermo/evidence"
)

// The invented people, places and addresses of demonstrations and tests. X999 is no birthplace code.
const (
	demoAgency   = "ponte-chiaro"
	demoInbox    = "colloqui@agenzia.example"
	demoOperator = "ilaria.montebruni@agenzia.example"
	demoAuditor  = "livia.sassorosso@regione.example"
	demoPerson   = "nadia.ferrantini@posta.example"
	demoSecond   = "marco.bellandi@posta.example" // whom the reader may interview by hand
	demoPassword = "prova-prova-prova"
	demoZone     = "Europe/Rome"
	demoPhone    = "+39 399 000 0142"
)

func domainOf(address string) string { return address[strings.IndexByte(address, '@')+1:] }

// demoTaxCode is a well-formed code of nobody.
func demoTaxCode() string {
	const first = "FRRNDA90A41X999"
	return first + string(evidence.TaxCodeLetter(first))
}

func demoAgencyFact() *evidence.AgencySeeded {
	return &evidence.AgencySeeded{
		Agency: evidence.Agency{
			ID: demoAgency, Name: "Agenzia Ponte Chiaro", Office: "Borgolieto", Address: "Borgolieto, via dei Tigli 4",
			Phone: "+39 399 000 0100", Mail: demoInbox,
		},
		Sites: []string{"Borgolieto, via dei Tigli 4", "Montesereno, piazza del Mercato 2"},
		Zone:  demoZone, Act: "accreditamento di prova n. 1/2026",
	}
}

// demoSlot fills the form that schedules the demo's interview, at the next full minute.
func demoSlot(now time.Time, zone *time.Location) url.Values {
	start := now.In(zone).Truncate(time.Minute).Add(time.Minute)
	return url.Values{
		"name": {"Nadia"}, "surname": {"Ferrantini"}, "taxcode": {demoTaxCode()}, "phone": {demoPhone}, "mail": {demoPerson},
		"language": {"it"}, "activity": {"A06"}, "path": {"first"}, "minutes": {"60"},
		"date": {start.Format("02/01/2006")}, "hour": {start.Format("15:04")},
	}
}

// demoByHand fills the form for the interview that is left for the reader to hold.
func demoByHand(now time.Time, zone *time.Location) url.Values {
	const first = "BLLMRC88C15X999"
	slot := demoSlot(now.Add(10*time.Minute), zone)
	slot.Set("name", "Marco")
	slot.Set("surname", "Bellandi")
	slot.Set("taxcode", first+string(evidence.TaxCodeLetter(first)))
	slot.Set("phone", "+39 399 000 0177")
	slot.Set("mail", demoSecond)
	slot.Set("activity", "B03")
	slot.Set("minutes", "30")
	return slot
}

// demoCards are the two documents the person sends, by form field.
func demoCards() ([]upload, error) {
	cards := []struct {
		field string
		card  card
	}{
		{"identity-card.front", card{
			title: "CARTA D’IDENTITÀ", subtitle: "prova CA 00000 AA", ground: color.RGBA{250, 247, 241, 255},
			lines: [][2]string{{"Cognome", "FERRANTINI"}, {"Nome", "NADIA"}, {"Nata il", "01/01/1990"}, {"Comune", "BORGOLIETO (XX)"}, {"Scadenza", "01/01/2031"}},
		}},
		{"tax-card.front", card{
			title: "TESSERA SANITARIA", subtitle: "prova", ground: color.RGBA{231, 240, 236, 255}, stripes: demoTaxCode(),
			lines: [][2]string{{"Codice fiscale", demoTaxCode()}, {"Cognome e nome", "FERRANTINI NADIA"}, {"Data di nascita", "01/01/1990"}, {"Scadenza", "01/01/2031"}},
		}},
	}
	var files []upload
	for _, c := range cards {
		data, err := c.card.jpeg()
		if err != nil {
			return nil, err
		}
		files = append(files, upload{field: c.field, name: c.field + ".jpg", mediaType: "image/jpeg", data: data})
	}
	return files, nil
}
