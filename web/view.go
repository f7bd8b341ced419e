package web

import (
	"bytes"
	"embed"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"confermo/evidence"
	"confermo/web/access"
	"confermo/web/assets"
	"confermo/web/text"
)

//go:embed templates/*.html
var templates embed.FS

// view is what the layout needs; every page's struct begins with it.
type view struct {
	Lang                string
	Lean, Visit, Ribbon bool // Visit: the person's own pages
	Brand, Home         string
	Who                 string // name of the account, "" for a person
	Help, HelpLink      string // phone number, as printed and as dialled
	Privacy             string
	Live                string // address of live updates
	Languages           []langLink
	Nav                 []navItem
	Crumbs              []crumb
	Flash               string
	Scripts             []string
	Base                string // address the page's forms start with
	Back                string // where the page of an error leads back to
}

type langLink struct{ Code, Short, Name string }

type navItem struct {
	Path, Name string
	Here       bool
}

type crumb struct{ Path, Name string }

// t says a key in the view's language.
func (v view) t(key string, args ...any) string { return text.Say(v.Lang, key, args...) }

// newView is the view of a reader nobody knows yet.
func (s *server) newView(r *http.Request, fallback string) view {
	v := view{
		Lang: language(r, fallback), Ribbon: s.cfg.Test || s.cfg.Demo != nil, Brand: "Confermo", Home: "/",
		Privacy: "/accessibility",
	}
	for _, l := range text.Languages {
		if l != v.Lang {
			v.Languages = append(v.Languages, langLink{l, strings.ToUpper(l), text.Name(l)})
		}
	}
	return v
}

func (v *view) setAgency(a evidence.Agency) {
	if a.Name != "" {
		v.Brand = a.Name
	}
	if a.Office != "" {
		v.Brand = v.t("brand.office", v.Brand, a.Office)
	}
	v.setHelp(a.Phone)
}

func (v *view) setHelp(phone string) {
	v.Help = phone
	v.HelpLink = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// deskView is the view of somebody signed in.
func (s *server) deskView(r *http.Request, session access.Session, agency evidence.Agency) view {
	v := s.newView(r, "")
	v.Who = session.Account.Name
	v.setAgency(agency)
	here := func(paths ...string) bool {
		for _, p := range paths {
			if r.URL.Path == p {
				return true
			}
		}
		return false
	}
	if session.Account.Role == access.RoleAuditor {
		v.Home = "/audit"
		v.Nav = []navItem{{"/audit", v.t("nav.search"), here("/audit")}}
		return v
	}
	v.Home = "/today"
	v.Nav = []navItem{{"/today", v.t("nav.today"), here("/today")}, {"/interviews/new", v.t("nav.plan"), here("/interviews/new")}}
	return v
}

// page is one template file with the layout, once per language.
type page struct {
	root   string
	byLang map[string]*template.Template
}

// parts are the template files that others use.
var parts = []string{"layout.html", "icons.html", "checklist.html", "call_layout.html"}

func loadPages() (map[string]*page, error) {
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := map[string]*page{}
	for _, file := range files {
		name := path.Base(file)
		if isPart(name) {
			continue
		}
		p, err := loadPage(file)
		if err != nil {
			return nil, fmt.Errorf("parse template %s: %w", name, err)
		}
		pages[strings.TrimSuffix(name, ".html")] = p
	}
	return pages, nil
}

func isPart(name string) bool {
	for _, p := range parts {
		if p == name {
			return true
		}
	}
	return false
}

func loadPage(file string) (*page, error) {
	body, err := fs.ReadFile(templates, file)
	if err != nil {
		return nil, err
	}
	sprite := "sprites.svg"
	if bytes.Contains(body, []byte("{{/* lean */}}")) {
		sprite = "lean.svg"
	}
	p := &page{root: "layout", byLang: map[string]*template.Template{}}
	if bytes.Contains(body, []byte(`{{define "callbody"}}`)) {
		p.root = "calllayout"
	}
	for _, lang := range text.Languages {
		set := template.New(path.Base(file)).Funcs(functions(lang, sprite))
		for _, part := range parts {
			if _, err := set.ParseFS(templates, "templates/"+part); err != nil {
				return nil, err
			}
		}
		if p.byLang[lang], err = set.ParseFS(templates, file); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// functions of templates: t says a key, th says it with its *strong* words and escapes the rest, n counts.
func functions(lang, sprite string) template.FuncMap {
	return template.FuncMap{
		"t":     func(key string, args ...any) string { return text.Say(lang, key, args...) },
		"th":    func(key string, args ...any) template.HTML { return strong(text.Say(lang, key), args...) },
		"n":     func(key string, n int, args ...any) string { return text.Count(lang, key, n, args...) },
		"asset": assets.URL,
		"sheet": func(lean bool) string {
			if lean {
				return "lean.css"
			}
			return "confermo.css"
		},
		"icon": func(name string) template.HTML {
			return template.HTML(`<svg class="cf-i" aria-hidden="true"><use href="` + html.EscapeString(assets.URL(sprite)+"#"+name) + `"></use></svg>`)
		},
		"levels": func() []int { return []int{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130} },
		"field":  newField,
	}
}

// strong escapes a sentence of the catalogue, marks its *words*, and fills in escaped arguments.
func strong(sentence string, args ...any) template.HTML {
	pieces := strings.Split(html.EscapeString(sentence), "*")
	var b strings.Builder
	for i, p := range pieces {
		switch {
		case i == 0:
		case i%2 == 1:
			b.WriteString("<strong>")
		default:
			b.WriteString("</strong>")
		}
		b.WriteString(p)
	}
	escaped := make([]any, len(args))
	for i, a := range args {
		escaped[i] = html.EscapeString(fmt.Sprint(a))
	}
	return template.HTML(text.Fill(b.String(), escaped...))
}

// render writes a page. The template is run into memory first: a failure half-way must not look like a page.
func (s *server) render(w http.ResponseWriter, status int, name, lang string, data any) {
	body, err := s.execute(name, lang, "", data)
	if err != nil {
		s.log.Error("render failed", "page", name, "error", err)
		http.Error(w, text.Say(lang, "fail.internal"), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error is a reader that went away
}

// execute runs a template of a page; define "" is the whole page.
func (s *server) execute(name, lang, define string, data any) ([]byte, error) {
	p := s.pages[name]
	if p == nil {
		return nil, fmt.Errorf("there is no page %s", name)
	}
	if define == "" {
		define = p.root
	}
	var b bytes.Buffer
	if err := p.byLang[lang].ExecuteTemplate(&b, define, data); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
