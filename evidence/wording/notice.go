package wording

import (
	"strings"

	"confermo/evidence"
)

// Document is a text with a title: the notice of art. 13 GDPR or the text of a consent.
type Document struct {
	Version  string
	Language string
	Title    string
	Basis    string   // the line under the title: article, version, language
	Brief    []string // the essence in at most three sentences
	Sections []Section
}

// Section is one field of the document; ID is the same in every language.
type Section struct {
	ID         string
	Heading    string
	Paragraphs []string
}

// Controller is who answers for the data and for which programme.
type Controller struct {
	Name, Office, Address, Phone, Mail string
	DPO                                string // address of the data protection officer
	Programme                          string
}

// ControllerOf takes the controller from an interview's first fact, so that an auditor finds the same text again. The
// officer is reached through the agency's address.
func ControllerOf(s *evidence.Scheduled) Controller {
	a := s.Agency
	return Controller{
		Name: a.Name, Office: a.Office, Address: a.Address, Phone: a.Phone, Mail: a.Mail, DPO: a.Mail,
		Programme: s.Programme.Title,
	}
}

// Fields are the ids of the sections that art. 13 GDPR asks for.
func Fields() []string {
	return []string{
		"controller", "dpo", "purposes", "interests", "recipients", "transfer", "retention", "rights", "withdrawal",
		"complaint", "required", "automated",
	}
}

// Notice is the notice of art. 13 GDPR (T13) of a version in a language; false where there is none.
func Notice(version, lang string, c Controller) (Document, bool) {
	return document(version, lang, "notice", map[string]string{
		"agency": c.Name, "office": c.Office, "address": c.Address, "phone": c.Phone, "mail": c.Mail, "dpo": c.DPO,
		"programme": c.Programme,
	})
}

// Consent is the text of an optional choice; what is "still", pictures from the video.
func Consent(version, lang, what string) (Document, bool) {
	return document(version, lang, "consent-"+what, nil)
}

func document(version, lang, name string, values map[string]string) (Document, bool) {
	text := file(folders[version], lang, name)
	if text == "" {
		return Document{}, false
	}
	d := Document{Version: version, Language: lang}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "## "):
			id, heading, _ := strings.Cut(line[3:], " ")
			d.Sections = append(d.Sections, Section{ID: id, Heading: heading})
		case strings.HasPrefix(line, "# "):
			d.Title = line[2:]
		case strings.HasPrefix(line, "- "):
			d.Brief = append(d.Brief, line[2:])
		case d.Basis == "":
			d.Basis = line
		case line != "" && len(d.Sections) > 0:
			last := &d.Sections[len(d.Sections)-1]
			last.Paragraphs = append(last.Paragraphs, whole(line, values))
		}
	}
	return d, true
}

// whole puts values into a paragraph and keeps it when one is empty: a legal text loses no sentence.
func whole(line string, values map[string]string) string {
	for name, value := range values {
		if strings.TrimSpace(value) == "" {
			value = "–"
		}
		line = strings.ReplaceAll(line, "{"+name+"}", oneLine(value))
	}
	return line
}

// Text is the whole document as plain text, paragraphs as single lines; Digest is over its UTF-8 bytes.
func (d Document) Text() string {
	var b strings.Builder
	b.WriteString(d.Title + "\n" + d.Basis + "\n")
	for _, s := range d.Brief {
		b.WriteString("- " + s + "\n")
	}
	for _, s := range d.Sections {
		b.WriteString("\n" + s.Heading + "\n" + strings.Join(s.Paragraphs, "\n") + "\n")
	}
	return b.String()
}

// Digest is SHA-256 of Text in standard base64.
func (d Document) Digest() string { return Digest(d.Text()) }
