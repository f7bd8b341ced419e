package reply

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// line is one line of visible text. quoted tells that the mail program marked it as a quotation.
type line struct {
	text   string
	quoted bool
}

// htmlText is what a reader of an HTML part sees. hidden is text he does not see outside quotations; struck is text
// that he sees crossed out.
type htmlText struct {
	lines          []line
	hidden, struck bool
}

type open struct {
	tag                    atom.Atom
	name                   string
	quoted, hidden, struck bool
}

// maxOpen bounds the stack of open elements; deeper ones count as their ancestor.
const maxOpen = 512

// visible renders HTML to lines by one pass over its tokens.
func visible(src string) htmlText {
	var out htmlText
	var cur strings.Builder
	var stack []open
	top := func() open {
		if len(stack) == 0 {
			return open{}
		}
		return stack[len(stack)-1]
	}
	flush := func(quoted bool) {
		for _, t := range strings.Split(cur.String(), "\n") {
			out.lines = append(out.lines, line{strings.TrimSpace(t), quoted})
		}
		cur.Reset()
	}
	z := html.NewTokenizer(strings.NewReader(src))
	z.SetMaxBuf(MaxText)
	for {
		switch z.Next() {
		case html.ErrorToken:
			flush(top().quoted)
			return out
		case html.TextToken:
			t := top()
			switch text := string(z.Text()); {
			case t.tag == atom.Style:
				out.hidden = out.hidden || hidingStyle.MatchString(strings.ToLower(text))
			case t.tag == atom.Script || t.tag == atom.Title || t.tag == atom.Head:
			default:
				words := html.UnescapeString(text)
				if t.hidden {
					out.hidden = out.hidden || !t.quoted && hasWord(words)
					break
				}
				out.struck = out.struck || t.struck && !t.quoted && hasWord(words)
				cur.WriteString(strings.NewReplacer("\r", " ", "\n", " ", "\t", " ").Replace(words))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			el := element(z, top())
			if breaks[el.tag] {
				flush(top().quoted)
			}
			if el.tag == atom.Hr {
				cur.WriteString("__________")
				flush(el.quoted)
			}
			switch {
			case void[el.tag]:
			case len(stack) < maxOpen:
				stack = append(stack, el)
			default:
				out.hidden = true // nobody can tell any more what is shown
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if tag := atom.Lookup(name); breaks[tag] {
				flush(top().quoted)
			}
			stack = pop(stack, string(name))
		}
	}
}

// pop closes the innermost element of that name and what is open inside it; the search is bounded to stay linear.
func pop(stack []open, name string) []open {
	for i := len(stack) - 1; i >= 0 && i > len(stack)-64; i-- {
		if stack[i].name == name {
			return stack[:i]
		}
	}
	return stack
}

// element reads the start tag at the tokenizer inside its parent.
func element(z *html.Tokenizer, parent open) open {
	name, more := z.TagName()
	el := open{tag: atom.Lookup(name), name: string(name), quoted: parent.quoted, hidden: parent.hidden, struck: parent.struck}
	el.quoted = el.quoted || el.tag == atom.Blockquote
	el.hidden = el.hidden || unseen[el.tag]
	el.struck = el.struck || el.tag == atom.S || el.tag == atom.Strike || el.tag == atom.Del
	for n := 0; more && n < 64; n++ {
		var k, v []byte
		k, v, more = z.TagAttr()
		key, val := string(k), strings.ToLower(string(v))
		switch key {
		case "hidden":
			el.hidden = true
		case "style":
			val = compact(val)
			el.hidden = el.hidden || hidingStyle.MatchString(val)
			el.struck = el.struck || strings.Contains(val, "line-through")
			el.quoted = el.quoted || strings.Contains(val, "border-top:solid#b5c4df") || strings.Contains(val, "border-top:solid#e1e1e1")
		case "color":
			el.hidden = el.hidden || whiteColor.MatchString(compact(val))
		case "class":
			el.quoted = el.quoted || anyWord(val, quoteClasses)
		case "id":
			el.quoted = el.quoted || quoteIDs[val]
		case "name":
			el.quoted = el.quoted || val == "quote"
		case "data-marker":
			el.quoted = el.quoted || val == "__quoted_text__"
		}
	}
	return el
}

var (
	breaks = set(atom.Br, atom.P, atom.Div, atom.Tr, atom.Li, atom.Ul, atom.Ol, atom.Table, atom.Blockquote, atom.H1, atom.H2,
		atom.H3, atom.H4, atom.H5, atom.H6, atom.Pre, atom.Hr, atom.Body, atom.Td, atom.Th, atom.Section, atom.Article)
	unseen = set(atom.Template, atom.Noscript, atom.Iframe, atom.Object, atom.Svg, atom.Canvas, atom.Audio, atom.Video, atom.Noembed,
		atom.Noframes, atom.Select, atom.Datalist)
	void = set(atom.Br, atom.Hr, atom.Img, atom.Meta, atom.Link, atom.Input, atom.Col, atom.Base, atom.Wbr, atom.Area, atom.Source)

	quoteClasses = map[string]bool{
		"gmail_quote": true, "gmail_quote_container": true, "gmail_attr": true, "moz-cite-prefix": true,
		"protonmail_quote": true, "yahoo_quoted": true, "zimbra_quote": true, "moz-forward-container": true,
	}
	quoteIDs = map[string]bool{
		"divrplyfwdmsg": true, "appendonsend": true, "mail-editor-reference-message-container": true,
	}

	hidingStyle = regexp.MustCompile(`display:\s*none|visibility:\s*hidden|opacity:\s*0(\.0*)?(;|}|$|!|\s)|mso-hide:\s*all|` +
		`font-size:\s*(0(px|pt|r?em|%)?|1(px|pt))(;|}|$|!|\s)|font:\s*[01](px|pt)|max-height:\s*0|line-height:\s*0(px)?(;|}|$)|text-indent:\s*-\d{3}|` +
		`(^|[;{\s])(left|top):\s*-\d{3}|(^|[;{\s])color:\s*(white|#fff(fff)?|#f[c-f]f[c-f]f[c-f]|rgba?\(25\d,25\d,25\d|transparent)|clip:\s*rect`)
	whiteColor = regexp.MustCompile(`^(white|#?fff(fff)?|#?f[c-f]f[c-f]f[c-f]|transparent)$`)
)

func set(tags ...atom.Atom) map[atom.Atom]bool {
	m := map[atom.Atom]bool{}
	for _, t := range tags {
		m[t] = true
	}
	return m
}

func anyWord(s string, in map[string]bool) bool {
	for _, w := range strings.Fields(s) {
		if in[w] {
			return true
		}
	}
	return false
}

func compact(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, " ", "")), "")
}
