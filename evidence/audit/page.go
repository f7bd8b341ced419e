package audit

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"confermo/evidence"
)

//go:embed page/report.html
var pageHTML string

//go:embed page/report.css
var pageCSS string

var pageTemplate = sync.OnceValues(func() (*template.Template, error) { return template.New("report").Parse(pageHTML) })

// pageClaim is one claim as the page shows it.
type pageClaim struct {
	Name, Detail, Small, Label string
	Verdict, Icon              Verdict
}

// HTML is the report as one page that needs nothing else: no script, no other file, its style pinned by its own policy. What does
// not hold stands first, the worst at the top; then all claims in their order. at is the time the audit was made for.
func (r Report) HTML(lang string, at time.Time) ([]byte, error) {
	t, err := pageTemplate()
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	if !slices.Contains(Languages(), lang) {
		lang = Languages()[0]
	}
	receipt := r.alone()
	kind := "bundle"
	if receipt {
		kind = "receipt"
	}
	var claims, worst []pageClaim
	counts := map[bool]int{}
	for _, c := range r.Claims {
		p := pageClaim{Name: capital(word(lang, c.Claim)), Detail: c.In(lang), Label: label(lang, c.Verdict, receipt), Verdict: c.Verdict, Icon: c.Verdict}
		if len(c.Entries) > 0 {
			p.Small = sentence(lang, "page-entries", ranges(c.Entries))
		}
		claims = append(claims, p)
		if c.Verdict != c.Ceiling {
			worst = append(worst, p)
			counts[c.Verdict == Contradicted]++
		}
	}
	slices.SortStableFunc(worst, func(x, y pageClaim) int { return rank(y.Verdict) - rank(x.Verdict) })
	worst = together(worst)
	headline := sentence(lang, "page-"+Sound, len(r.Claims))
	if r.Verdict != Sound {
		headline = sentence(lang, "page-"+r.Verdict, counts[r.Verdict == string(Contradicted)], len(r.Claims))
	}
	var legend []pageClaim
	for _, v := range ranks {
		legend = append(legend, pageClaim{Label: label(lang, v, receipt), Detail: word(lang, "page-means-"+string(v)), Verdict: v, Icon: v})
	}
	var beyond []string
	for _, code := range r.uncovered {
		beyond = append(beyond, sentence(lang, code))
	}
	style := sha256.Sum256([]byte(pageCSS))
	var b bytes.Buffer
	err = t.Execute(&b, map[string]any{
		"Lang": lang, "Style": template.CSS(pageCSS), "StyleHash": "sha256-" + base64.StdEncoding.EncodeToString(style[:]), //nolint:gosec // our own file
		"Title": word(lang, "page-title-"+kind), "Lead": word(lang, "page-lead"), "Verdict": r.Verdict, "Icon": Verdict(r.Verdict),
		"Headline": headline, "Worst": worst, "Facts": r.facts(lang, at), "FactsTitle": word(lang, "page-facts"), "Claims": claims,
		"ClaimsTitle": word(lang, "page-claims"), "Legend": legend, "LegendTitle": word(lang, "page-legend"),
		"Beyond": beyond, "BeyondTitle": word(lang, "page-beyond"), "Foot": word(lang, "page-foot"),
	})
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return b.Bytes(), nil
}

// together draws claims of one verdict and one reason into one, in the place of the first.
func together(claims []pageClaim) []pageClaim {
	var out []pageClaim
	for _, c := range claims {
		i := slices.IndexFunc(out, func(x pageClaim) bool { return x.Verdict == c.Verdict && x.Detail == c.Detail })
		if i < 0 {
			out = append(out, c)
			continue
		}
		out[i].Name += ", " + c.Name
	}
	return out
}

// facts are the figures at the head of the page.
func (r Report) facts(lang string, at time.Time) [][2]string {
	out := [][2]string{{word(lang, "page-file"), r.Bundle}}
	if r.Interview != "" {
		out = append(out, [2]string{word(lang, "page-interview"), r.Interview})
	}
	attested := word(lang, "unproved")
	if r.AttestedSeconds > 0 || r.Of(Duration).Verdict == Proved {
		attested = evidence.FormatDuration(lang, r.AttestedSeconds)
	}
	return append(out, [2]string{word(lang, "page-attested"), attested}, [2]string{word(lang, "page-at"), clock(at)})
}

func label(lang string, v Verdict, receipt bool) string {
	if v == Word && receipt {
		return capital(word(lang, string(Word)))
	}
	return word(lang, "page-is-"+string(v))
}

func capital(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

// ranges writes ascending numbers with their runs drawn together: "1, 4–9".
func ranges(numbers []int) string {
	var out []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		switch s := strconv.Itoa(numbers[i]); {
		case j == i:
			out = append(out, s)
		case j == i+1:
			out = append(out, s, strconv.Itoa(numbers[j]))
		default:
			out = append(out, s+"–"+strconv.Itoa(numbers[j]))
		}
		i = j + 1
	}
	return strings.Join(out, ", ")
}
