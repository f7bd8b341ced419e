package web

import (
	"errors"
	"net/http"
	"strings"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/wording"
	"confermo/web/text"
)

type noticePage struct {
	view
	Steps                                                  stepsView
	NoticeTitle, NoticeVersion, NoticeLang, NoticeLanguage string
	Open, Folded                                           []noticeSection
	Read                                                   bool
	ReadAt, Next                                           string
}

type noticeSection struct {
	Title string
	Text  string
}

// openSections of the notice are shown; the others unfold.
var openSections = map[string]bool{"controller": true, "purposes": true}

// showNotice is the notice of art. 13 GDPR (p-02). Once acknowledged it shows the version that was read.
func (s *server) showNotice(w http.ResponseWriter, _ *http.Request, p *visit) error {
	version, lang := wording.NoticeVersion, p.v.Lang
	if n := p.iv.Notice; n != nil {
		version, lang = n.Version, n.Language
	}
	doc, ok := wording.Notice(version, lang, wording.ControllerOf(p.iv.Scheduled))
	if !ok {
		return errors.New("notice has no text in version " + version + " and language " + lang)
	}
	page := noticePage{
		view: p.v, Steps: steps(1), NoticeTitle: doc.Title, NoticeVersion: version, NoticeLang: lang,
		NoticeLanguage: text.Name(lang), Read: p.iv.Notice != nil, Next: p.next(),
	}
	page.Lean = true
	if page.Read {
		page.ReadAt = dateTime(p.v.Lang, p.iv.NoticeAt.In(p.zone))
	}
	for _, sec := range doc.Sections {
		one := noticeSection{sec.Heading, strings.Join(sec.Paragraphs, " ")}
		if openSections[sec.ID] {
			page.Open = append(page.Open, one)
		} else {
			page.Folded = append(page.Folded, one)
		}
	}
	s.render(w, http.StatusOK, "person_notice", p.v.Lang, page)
	return nil
}

var errAlready = errors.New("already done")

// readNotice records the acknowledgement of exactly what the page showed (T13).
func (s *server) readNotice(w http.ResponseWriter, r *http.Request, p *visit) error {
	if p.iv.Notice != nil {
		return see(w, r, p.next())
	}
	version, lang := r.PostFormValue("version"), r.PostFormValue("language")
	doc, ok := wording.Notice(version, lang, wording.ControllerOf(p.iv.Scheduled))
	if !ok || version != wording.NoticeVersion {
		return failure{http.StatusConflict, "fail.late", "notice.stale"}
	}
	_, err := s.j.Append(r.Context(), journal.Draft{
		Interview: p.iv.ID, By: "web",
		Fact: &evidence.NoticeRead{Version: version, Language: lang, Digest: doc.Digest(), Channel: "web"},
		If: func(iv *evidence.Interview) error {
			if iv.Notice != nil {
				return errAlready
			}
			return nil
		},
	})
	if err != nil && !errors.Is(err, errAlready) {
		return err
	}
	return s.goOn(w, r, p)
}

// goOn reads the interview again and leads to the first step not done.
func (s *server) goOn(w http.ResponseWriter, r *http.Request, p *visit) error {
	iv, err := s.j.Interview(r.Context(), p.iv.ID)
	if err != nil {
		return err
	}
	p.iv = iv
	return see(w, r, p.next())
}
