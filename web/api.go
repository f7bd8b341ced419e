package web

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"confermo/web/access"
)

//go:embed openapi.json
var openAPI []byte

// showOpenAPI describes the API.
func (s *server) showOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI) // an error is a reader that went away
}

// health says that the process answers and the journal can be read.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	answer := map[string]any{"status": "ok", "entries": s.j.Size()}
	if s.cfg.Missing != nil {
		answer["complete"] = len(s.cfg.Missing()) == 0 // what is missing is for the operator of the service, not for everyone
	}
	status := http.StatusOK
	if _, err := s.j.Due(r.Context()); err != nil {
		s.log.Error("health check failed", "error", err)
		status, answer["status"] = http.StatusServiceUnavailable, "journal unreadable"
	}
	writeJSON(w, status, answer)
}

// apiPlan is the body of POST /api/interviews.
type apiPlan struct {
	Operator  string    `json:"operator"` // mail address of the operator's account
	Programme string    `json:"programme"`
	Activity  string    `json:"activity"`
	Path      string    `json:"path"`
	Language  string    `json:"language"`
	Start     time.Time `json:"start"`
	Minutes   int       `json:"minutes"`
	Person    struct {
		Name    string `json:"name"`
		Surname string `json:"surname"`
		TaxCode string `json:"tax_code"`
		Phone   string `json:"phone"`
		Mail    string `json:"mail"`
	} `json:"person"`
}

// apiScheduled answers it with the links of both parties.
type apiScheduled struct {
	ID           string `json:"id"`
	Number       string `json:"number"`
	PersonLink   string `json:"person_link"`
	OperatorLink string `json:"operator_link"`
}

type apiProblem struct {
	Error  string            `json:"error"`
	Fields map[string]string `json:"fields,omitempty"`
}

// apiSchedule opens an interview for the agency of the token.
func (s *server) apiSchedule(w http.ResponseWriter, r *http.Request) {
	agency, err := s.apiAgency(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		writeJSON(w, http.StatusUnauthorized, apiProblem{Error: "token"})
		return
	}
	var body apiPlan
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm))
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil || d.Decode(&struct{}{}) != io.EOF {
		writeJSON(w, http.StatusBadRequest, apiProblem{Error: "body"})
		return
	}
	answer, wrong, err := s.apiOpen(r, agency, body)
	switch {
	case err != nil:
		ref := reference()
		s.log.Error("api request failed", "ref", ref, "error", err)
		writeJSON(w, http.StatusInternalServerError, apiProblem{Error: "internal " + ref})
	case wrong != nil:
		writeJSON(w, http.StatusUnprocessableEntity, apiProblem{Error: "fields", Fields: wrong})
	default:
		writeJSON(w, http.StatusCreated, answer)
	}
}

// apiAgency finds the agency of the token.
func (s *server) apiAgency(r *http.Request) (string, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return "", access.ErrSession
	}
	return s.access.Token(r.Context(), token)
}

func (s *server) apiOpen(r *http.Request, agency string, body apiPlan) (apiScheduled, map[string]string, error) {
	a, err := s.agency(r.Context(), agency)
	if err != nil {
		return apiScheduled{}, nil, err
	}
	acc, ok := s.access.OperatorByMail(r.Context(), agency, body.Operator)
	if !ok {
		return apiScheduled{}, map[string]string{"operator": "no operator of this agency has this address"}, nil
	}
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return apiScheduled{}, nil, err
	}
	at := body.Start.In(zone)
	p := plan{
		Name: strings.TrimSpace(body.Person.Name), Surname: strings.TrimSpace(body.Person.Surname), TaxCode: body.Person.TaxCode,
		Phone: strings.TrimSpace(body.Person.Phone), Mail: strings.TrimSpace(body.Person.Mail), Language: body.Language,
		Programme: body.Programme, Activity: body.Activity, Path: body.Path, Date: at.Format("02/01/2006"), Hour: hourMinute(at),
		Minutes: strconv.Itoa(body.Minutes),
	}
	id, wrong, err := s.open(r.Context(), "en", a, acc, &p)
	if err != nil {
		return apiScheduled{}, nil, err
	}
	if len(wrong) > 0 {
		fields := map[string]string{}
		for _, e := range wrong {
			fields[e.Field] = e.Text
		}
		return apiScheduled{}, fields, nil
	}
	iv, err := s.j.Interview(r.Context(), id)
	if err != nil {
		return apiScheduled{}, nil, errors.Join(errInternal, err)
	}
	return apiScheduled{
		ID: id, Number: iv.Scheduled.Number.String(), PersonLink: Link(s.cfg.LinkKey, s.cfg.BaseURL, id),
		OperatorLink: s.cfg.BaseURL + "/interviews/" + id + "/call",
	}, nil, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error is a reader that went away
}
