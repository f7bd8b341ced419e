package web

import (
	"net/http"
	"path"
	"strconv"

	"confermo/evidence"
	"confermo/evidence/journal"
)

// identityView is what the comparison of face and document needs, on its own page and beside the call.
type identityView struct {
	Files    []fileView
	Checks   []checkView
	Identity string // what was stated already
}

type fileView struct {
	URL, Name string
	Image     bool
}

type checkView struct {
	Value, ID, Label string
	On               bool
}

type documentsPage struct {
	view
	identityView
	Person, TaxCode, Phone, Error string
}

// checkNames are the operator's three statements (X6), with their ids in the record.
var checkNames = []string{"face", "card", "data"}

func (s *server) identity(v view, iv *evidence.Interview) identityView {
	var out identityView
	latest := map[string]evidence.Document{}
	for _, d := range iv.Documents {
		latest[d.Document+"."+d.Side] = d
	}
	for _, side := range sides {
		d, ok := latest[side.document+"."+side.side]
		if !ok {
			continue
		}
		out.Files = append(out.Files, fileView{
			URL: "/interviews/" + iv.ID + "/files/" + strconv.Itoa(d.N), Image: isImage(d.File.Type),
			Name: v.t(documentLabel(d.Document)) + ", " + v.t(side.label),
		})
	}
	for _, name := range checkNames {
		c := checkView{Value: name, ID: "k" + name, Label: "identity." + name}
		if iv.Identity != nil {
			for _, done := range iv.Identity.Checks {
				c.On = c.On || done == name
			}
		}
		out.Checks = append(out.Checks, c)
	}
	if iv.Identity != nil {
		out.Identity = v.t("identity.said", v.t("identity."+iv.Identity.Outcome), iv.Identity.By.Name, dateClock(v.Lang, iv.Checked.In(zoneOf(iv))))
	}
	return out
}

// showDocuments lets the operator compare (o-05).
func (s *server) showDocuments(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	return s.documents(w, r, d, iv, "")
}

func (s *server) documents(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview, problem string) error {
	if err := s.trace(r, d, iv.ID, "documents"); err != nil {
		return err
	}
	person := iv.Scheduled.Person
	page := documentsPage{
		view: d.v, identityView: s.identity(d.v, iv), Person: person.FullName(), TaxCode: person.TaxCode.String(),
		Phone: person.Phone.String(), Error: problem,
	}
	page.Crumbs = []crumb{{"/today", d.v.t("nav.today")}, {d.v.Base, page.Person}, {"", d.v.t("identity.title")}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	s.render(w, status, "operator_documents", d.v.Lang, page)
	return nil
}

// checkIdentity records the operator's statement (T8, X6). Saying the same again records nothing.
func (s *server) checkIdentity(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	outcome := r.PostFormValue("outcome")
	if outcome != "match" && outcome != "mismatch" {
		return errInput
	}
	var checks []string
	for _, name := range checkNames {
		for _, got := range r.PostForm["check"] {
			if got == name {
				checks = append(checks, name)
				break
			}
		}
	}
	if outcome == "match" && len(checks) < len(checkNames) {
		return s.documents(w, r, d, iv, d.v.t("form.checks"))
	}
	if outcome == "match" && len(iv.Documents)+len(iv.Held) == 0 {
		return s.documents(w, r, d, iv, d.v.t("docs.none"))
	}
	if iv.Identity == nil || iv.Identity.Outcome != outcome {
		_, err := s.j.Append(r.Context(), journal.Draft{
			Interview: iv.ID, By: "web", Fact: &evidence.IdentityChecked{By: d.who(), Outcome: outcome, Checks: checks},
			If: func(now *evidence.Interview) error {
				if now.Approved != nil || now.Cancelled != nil {
					return errLate
				}
				return nil
			},
		})
		if err != nil {
			return err
		}
	}
	return see(w, r, d.v.Base+"/documents")
}

// downloadDocument gives an operator one uploaded file, and nobody else: never sniffed, never a page of this site.
func (s *server) downloadDocument(w http.ResponseWriter, r *http.Request, d *sitting, iv *evidence.Interview) error {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return errNotFound
	}
	for _, doc := range iv.Documents {
		if doc.N != n {
			continue
		}
		data, err := s.j.File(r.Context(), iv.ID, n, "file")
		if err != nil {
			return err
		}
		if err := s.trace(r, d, iv.ID, doc.File.Name); err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", doc.File.Type)
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		disposition := "attachment"
		if isImage(doc.File.Type) {
			disposition = "inline"
		}
		h.Set("Content-Disposition", disposition+`; filename="`+path.Base(doc.File.Name)+`"`)
		h.Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data) // an error is a reader that went away
		return nil
	}
	return errNotFound
}
