package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// hand uses the pages as a person does: it opens an address, fills in a form that is there, and sends it. It has no
// other way into the service, so what the demo shows is what the pages can do.
type hand struct {
	client *http.Client
	at     *url.URL
	page   *html.Node
}

// upload is a file for a form.
type upload struct {
	field, name, mediaType string
	data                   []byte
}

func newHand(base string) (*hand, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("read address: %w", err)
	}
	return &hand{client: &http.Client{Jar: jar}, at: at}, nil
}

// open goes to an address, absolute or relative to the page.
func (h *hand) open(ctx context.Context, address string) error {
	to, err := h.at.Parse(address)
	if err != nil {
		return fmt.Errorf("read address: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return err
	}
	return h.do(req)
}

func (h *hand) do(req *http.Request) error {
	resp, err := h.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	if err != nil {
		return fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	h.at = resp.Request.URL
	if h.page, err = html.Parse(bytes.NewReader(body)); err != nil {
		return fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, resp.Status, h.says("main"))
	}
	return nil
}

// submit fills the form whose action ends in the given path and sends it. Fields that the page filled in are kept.
func (h *hand) submit(ctx context.Context, action string, fields url.Values, files ...upload) error {
	form := find(h.page, func(n *html.Node) bool {
		return n.Data == "form" && strings.HasSuffix(path.Clean("/"+h.target(n).Path), action)
	})
	if form == nil {
		return fmt.Errorf("%s has no form for %s: %s", h.at.Path, action, h.says("main"))
	}
	values := prefilled(form)
	for k, v := range fields {
		values[k] = v
	}
	body, contentType := io.Reader(strings.NewReader(values.Encode())), "application/x-www-form-urlencoded"
	if len(files) > 0 {
		var err error
		if body, contentType, err = multipartBody(values, files); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.target(form).String(), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return h.do(req)
}

func (h *hand) target(form *html.Node) *url.URL {
	to, err := h.at.Parse(attr(form, "action"))
	if err != nil {
		return h.at
	}
	return to
}

func multipartBody(values url.Values, files []upload) (io.Reader, string, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, list := range values {
		for _, v := range list {
			if err := w.WriteField(k, v); err != nil {
				return nil, "", err
			}
		}
	}
	for _, f := range files {
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, f.field, f.name)},
			"Content-Type":        {f.mediaType},
		})
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			return nil, "", err
		}
	}
	return &body, w.FormDataContentType(), w.Close()
}

// prefilled are the form's fields as the page gave them.
func prefilled(form *html.Node) url.Values {
	values := url.Values{}
	each(form, func(n *html.Node) {
		name := attr(n, "name")
		if name == "" || has(n, "disabled") {
			return
		}
		switch kind := attr(n, "type"); {
		case n.Data == "input" && (kind == "checkbox" || kind == "radio") && !has(n, "checked"), kind == "file", kind == "submit":
		case n.Data == "input":
			values.Add(name, attr(n, "value"))
		case n.Data == "textarea":
			values.Add(name, text(n))
		case n.Data == "select":
			chosen := find(n, func(o *html.Node) bool { return o.Data == "option" && has(o, "selected") })
			if chosen == nil {
				chosen = find(n, func(o *html.Node) bool { return o.Data == "option" })
			}
			if chosen != nil {
				values.Set(name, attr(chosen, "value"))
			}
		}
	})
	return values
}

// fetch sends the page's form for an action and gives the bytes of the file that comes back; the page stays.
func (h *hand) fetch(ctx context.Context, action string) ([]byte, error) {
	form := find(h.page, func(n *html.Node) bool { return n.Data == "form" && strings.HasSuffix(h.target(n).Path, action) })
	if form == nil {
		return nil, fmt.Errorf("%s has no form for %s: %s", h.at.Path, action, h.says("main"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.target(form).String(), strings.NewReader(prefilled(form).Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.bytes(req)
}

func (h *hand) bytes(req *http.Request) ([]byte, error) {
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", req.URL.Path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", req.URL.Path, err)
	}
	return data, nil
}

// data reads a data attribute anywhere on the page.
func (h *hand) data(key string) string {
	n := find(h.page, func(n *html.Node) bool { return has(n, "data-"+key) })
	if n == nil {
		return ""
	}
	return attr(n, "data-"+key)
}

// says gives the text of the first element of a name, on one line.
func (h *hand) says(element string) string {
	n := find(h.page, func(n *html.Node) bool { return n.Data == element })
	if n == nil {
		return ""
	}
	return strings.Join(strings.Fields(text(n)), " ")
}

func find(n *html.Node, fits func(*html.Node) bool) *html.Node {
	if n == nil || n.Type == html.ElementNode && fits(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := find(c, fits); found != nil {
			return found
		}
	}
	return nil
}

func each(n *html.Node, do func(*html.Node)) {
	if n.Type == html.ElementNode {
		do(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, do)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Data != "script" && c.Data != "style" {
			b.WriteString(text(c))
		}
	}
	return b.String()
}

// values lists the values that checkboxes or radio buttons of the name offer.
func (h *hand) values(name string) []string {
	var all []string
	each(h.page, func(n *html.Node) {
		if n.Data == "input" && attr(n, "name") == name {
			all = append(all, attr(n, "value"))
		}
	})
	return all
}
