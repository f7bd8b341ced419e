package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"confermo/evidence"
)

// Row is one interview in a list.
type Row struct {
	ID           string
	Number       evidence.Number
	Agency       string
	Operator     string // account
	OperatorName string
	Office       string
	Programme    string // id
	Activity     string
	Start        time.Time // agreed, UTC
	Minutes      int       // agreed
	Zone         string
	Person       string
	TaxCode      string
	State        evidence.State // now
	Attested     int            // seconds, 0 before the close
	Due          bool           // a step is or will be due
}

// Filter selects interviews. Agency is needed, or All must say that every agency's are meant (I17).
type Filter struct {
	Agency   string
	All      bool
	Operator string
	From, To time.Time // of the agreed start; To is not included
	Query    string    // words, each found in name, tax code, mail, phone or number
	Limit    int       // 0 = 200
}

// more is the part of a row that is only shown.
type more struct {
	OperatorName string `json:"operator_name"`
	Office       string `json:"office"`
	Programme    string `json:"programme"`
	Activity     string `json:"activity"`
	Zone         string `json:"zone"`
}

// since says from when a state is displayed if nothing else happens: some states depend on terms that run out.
type since struct {
	From  string         `json:"from"` // in evidence.TimeFormat
	State evidence.State `json:"state"`
}

// showsInLists tells whether a fact can change a row. Those that arrive every few seconds cannot.
func showsInLists(k evidence.Kind) bool {
	switch k {
	case "media-observed", "mute-changed", "break-taken", "service-gap", "still-taken", "device-checked", "bundle-issued":
		return false
	}
	return true
}

// List reads rows, newest start first, with their state now.
func (j *Journal) List(ctx context.Context, f Filter) ([]Row, error) {
	if (f.Agency == "") != f.All {
		return nil, fmt.Errorf("list interviews: want one agency, or all of them said so")
	}
	query := `SELECT id, agency, year, number, operator, start, minutes, person, tax_code, states, attested, due, more
		FROM interviews WHERE 1 = 1`
	var args []any
	and := func(clause string, arg any) {
		query += " AND " + clause
		args = append(args, arg)
	}
	if !f.All {
		and("agency = ?", f.Agency)
	}
	if f.Operator != "" {
		and("operator = ?", f.Operator)
	}
	if !f.From.IsZero() {
		and("start >= ?", f.From.UTC().Format(evidence.TimeFormat))
	}
	if !f.To.IsZero() {
		and("start < ?", f.To.UTC().Format(evidence.TimeFormat))
	}
	for _, word := range strings.Fields(strings.ToLower(f.Query)) {
		and(`search LIKE ? ESCAPE '\'`, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(word)+"%")
	}
	if f.Limit <= 0 {
		f.Limit = 200
	}
	query += " ORDER BY start DESC, id DESC LIMIT ?"
	rows, err := j.db.SQL().QueryContext(ctx, j.db.Q(query), append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("list interviews: %w", err)
	}
	var list []Row
	now := time.Now().UTC().Format(evidence.TimeFormat)
	err = each(rows, func() error {
		r, err := scanRow(rows, now)
		list = append(list, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list interviews: %w", err)
	}
	return list, nil
}

func scanRow(rows *sql.Rows, now string) (Row, error) {
	var r Row
	var start, states, rest string
	err := rows.Scan(&r.ID, &r.Agency, &r.Number.Year, &r.Number.N, &r.Operator, &start, &r.Minutes, &r.Person, &r.TaxCode,
		&states, &r.Attested, &r.Due, &rest)
	if err != nil {
		return r, err
	}
	var steps []since
	var m more
	if err := errors.Join(json.Unmarshal([]byte(states), &steps), json.Unmarshal([]byte(rest), &m)); err != nil {
		return r, fmt.Errorf("row of %s: %w", r.ID, err)
	}
	for _, s := range steps {
		if s.From <= now {
			r.State = s.State
		}
	}
	r.Number.Agency = r.Agency
	r.Start, _ = time.Parse(evidence.TimeFormat, start)
	r.OperatorName, r.Office, r.Programme, r.Activity, r.Zone = m.OperatorName, m.Office, m.Programme, m.Activity, m.Zone
	return r, nil
}

// Due lists the interviews of which a step is or will be due.
func (j *Journal) Due(ctx context.Context) ([]string, error) {
	rows, err := j.db.SQL().QueryContext(ctx, "SELECT id FROM interviews WHERE due = 1 ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("list due interviews: %w", err)
	}
	var ids []string
	err = each(rows, func() error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list due interviews: %w", err)
	}
	return ids, nil
}

// project writes the row that follows from an interview.
func (j *Journal) project(ctx context.Context, tx *sql.Tx, iv *evidence.Interview) error {
	s := iv.Scheduled
	if s == nil { // its body is erased
		_, err := tx.ExecContext(ctx, j.db.Q("DELETE FROM interviews WHERE id = ?"), iv.ID)
		return err
	}
	states, err := json.Marshal(steps(iv))
	if err != nil {
		return err
	}
	rest, err := json.Marshal(more{s.Operator.Name.Text, s.Agency.Office, s.Programme.ID, s.Activity, s.Zone})
	if err != nil {
		return err
	}
	attested := 0
	if iv.Closed != nil {
		attested = evidence.Duration(iv.Entries(), s.Programme.Terms.Rule).Seconds
	}
	due := 0
	if len(iv.Duties()) > 0 {
		due = 1
	}
	person := strings.TrimSpace(s.Person.Name.Text + " " + s.Person.Surname.Text)
	search := strings.ToLower(strings.Join([]string{
		person, s.Person.TaxCode.Text, s.Person.Mail.Text, s.Person.Phone.Text, s.Number.String(),
	}, "\n"))
	const query = `INSERT INTO interviews (id, agency, year, number, operator, start, minutes, person, tax_code, mail, phone,
		search, states, attested, due, more) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET agency = excluded.agency, year = excluded.year, number = excluded.number,
		operator = excluded.operator, start = excluded.start, minutes = excluded.minutes, person = excluded.person,
		tax_code = excluded.tax_code, mail = excluded.mail, phone = excluded.phone, search = excluded.search,
		states = excluded.states, attested = excluded.attested, due = excluded.due, more = excluded.more`
	_, err = tx.ExecContext(ctx, j.db.Q(query), iv.ID, text(s.Agency.ID), s.Number.Year, s.Number.N, text(s.Operator.Account),
		text(s.Start), s.Minutes, text(person), text(s.Person.TaxCode.Text), text(s.Person.Mail.Text), text(s.Person.Phone.Text),
		text(search), string(states), attested, due, text(string(rest)))
	if err != nil {
		return fmt.Errorf("write row of %s: %w", iv.ID, err)
	}
	return nil
}

// text leaves out of a row what PostgreSQL refuses in text: one odd name must not fail everybody's commit.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "")
}

// steps are the states from now on as long as nothing happens: one per term that runs out.
func steps(iv *evidence.Interview) []since {
	terms := iv.Scheduled.Programme.Terms
	times := []time.Time{iv.LastAt}
	if iv.Closed != nil {
		times = append(times, iv.ClosedAt.Add(time.Duration(terms.SignWithin)*time.Second+time.Millisecond))
	}
	if m := iv.LastMail(evidence.Summary); m != nil && m.Sent != nil {
		times = append(times, m.SentAt.Add(time.Duration(terms.ReplyWithin)*time.Second+time.Millisecond))
	}
	sort.Slice(times, func(a, b int) bool { return times[a].Before(times[b]) })
	var out []since
	for i, t := range times {
		s := since{State: iv.State(t)}
		if i > 0 { // the first holds whatever the clock says
			s.From = t.UTC().Format(evidence.TimeFormat)
		}
		out = append(out, s)
	}
	return out
}

// Rebuild drops what is derived and derives it again from the record.
func (j *Journal) Rebuild(ctx context.Context) error {
	err := j.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM interviews"); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, "SELECT scope FROM entries WHERE kind = 'interview-scheduled' ORDER BY idx")
		if err != nil {
			return err
		}
		var ids []string
		err = each(rows, func() error {
			var id string
			err := rows.Scan(&id)
			ids = append(ids, id)
			return err
		})
		for _, id := range ids {
			if err == nil {
				err = j.derive(ctx, tx, id)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rebuild lists: %w", err)
	}
	return nil
}

func (j *Journal) derive(ctx context.Context, tx *sql.Tx, id string) error {
	entries, err := j.read(ctx, tx, "WHERE scope = ? ORDER BY n", id)
	if err != nil {
		return err
	}
	return j.project(ctx, tx, evidence.Fold(id, entries))
}

// reproject forgets a folded interview and derives its row from what can still be read. Commit goroutine only.
func (j *Journal) reproject(ctx context.Context, id string) error {
	delete(j.c.folds, id)
	j.mu.Lock()
	j.weight -= len(j.cells[id])
	delete(j.cells, id)
	j.mu.Unlock()
	if err := j.db.Write(ctx, func(tx *sql.Tx) error { return j.derive(ctx, tx, id) }); err != nil {
		return fmt.Errorf("derive %s after erasure: %w", id, err)
	}
	return nil
}
