package pades

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxDepth bounds arrays and dictionaries inside one another.
const maxDepth = 32

// lexer reads PDF syntax from data up to its end. After the first error it
// stays where it is and reads nothing more.
type lexer struct {
	data []byte
	pos  int
	err  error
	// generations has references to generations other than 0 read as numbers of their own, see generation.
	generations bool
}

func (l *lexer) fail(format string, args ...any) {
	if l.err == nil {
		l.err = fmt.Errorf("at byte %d: %s", l.pos, fmt.Sprintf(format, args...))
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func (l *lexer) peek() byte {
	if l.err != nil || l.pos >= len(l.data) {
		return 0
	}
	return l.data[l.pos]
}

func (l *lexer) has(s string) bool {
	return l.err == nil && bytes.HasPrefix(l.data[l.pos:], []byte(s))
}

// expect reads exactly s.
func (l *lexer) expect(s string) {
	if !l.has(s) {
		l.fail("%q expected", s)
		return
	}
	l.pos += len(s)
}

// space skips white space and comments.
func (l *lexer) space() {
	for l.err == nil && l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

// word reads regular characters.
func (l *lexer) word() string {
	start := l.pos
	for l.err == nil && l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	return string(l.data[start:l.pos])
}

// integer reads decimal digits.
func (l *lexer) integer() int {
	n := number(token(l.word()))
	if n < 0 {
		l.fail("number expected")
	}
	return n
}

// value reads one value and the space before it.
func (l *lexer) value(depth int) any {
	l.space()
	if depth > maxDepth {
		l.fail("nested deeper than %d", maxDepth)
	}
	if l.err != nil || l.pos >= len(l.data) {
		l.fail("value expected")
		return nil
	}
	switch c := l.peek(); {
	case l.has("<<"):
		return l.dict(depth)
	case c == '<':
		return l.hex()
	case c == '(':
		return l.literal()
	case c == '/':
		return l.name()
	case c == '[':
		l.pos++
		out := array{}
		for l.space(); l.err == nil && l.peek() != ']'; l.space() {
			out = append(out, l.value(depth+1))
		}
		l.expect("]")
		return out
	}
	return l.scalar()
}

// scalar reads a number, a keyword or a reference.
func (l *lexer) scalar() any {
	w := l.word()
	switch w {
	case "true", "false", "null":
		return token(w)
	}
	if n := number(token(w)); n >= 0 {
		back := l.pos
		l.space()
		if gen := l.word(); gen != "" && number(token(gen)) >= 0 {
			l.space()
			if l.word() == "R" {
				g := number(token(gen))
				if g > 0 && !l.generations || g > maxGeneration || n >= generation {
					l.fail("object generations other than 0 are not supported")
					return ref(0)
				}
				return ref(n + g*generation)
			}
		}
		l.pos = back
		return token(w)
	}
	if _, err := strconv.ParseFloat(w, 64); err != nil || bytes.ContainsAny([]byte(w), "eExXpPnN_") {
		l.fail("%.20q is not a value", w)
	}
	return token(w)
}

func (l *lexer) dict(depth int) any {
	l.expect("<<")
	var out dict
	seen := map[name]bool{}
	for l.space(); l.err == nil && !l.has(">>"); l.space() {
		if l.peek() != '/' {
			l.fail("key expected")
			return out
		}
		e := entry{key: l.name()}
		l.space()
		e.at = l.pos
		e.value = l.value(depth + 1)
		e.end = l.pos
		if seen[e.key] {
			l.fail("key /%s is there twice", e.key)
		}
		seen[e.key] = true
		out = append(out, e)
	}
	l.expect(">>")
	return out
}

func (l *lexer) name() name {
	l.expect("/")
	w := []byte(l.word())
	var out []byte
	for i := 0; i < len(w); i++ {
		if w[i] != '#' {
			out = append(out, w[i])
			continue
		}
		if i+2 >= len(w) {
			l.fail("malformed name")
			return ""
		}
		c, err := strconv.ParseUint(string(w[i+1:i+3]), 16, 8)
		if err != nil {
			l.fail("malformed name")
			return ""
		}
		out, i = append(out, byte(c)), i+2
	}
	return name(out)
}

func (l *lexer) hex() any {
	n := bytes.IndexByte(l.data[l.pos:], '>')
	if n < 0 {
		l.fail("string does not end")
		return str("")
	}
	s := l.data[l.pos : l.pos+n+1]
	for _, c := range s[1:n] {
		if !isSpace(c) && bytes.IndexByte([]byte("0123456789ABCDEFabcdef"), c) < 0 {
			l.fail("string is not hexadecimal")
			return str("")
		}
	}
	l.pos += n + 1
	return str(s)
}

func (l *lexer) literal() any {
	start, open := l.pos, 0
	for ; l.pos < len(l.data); l.pos++ {
		switch l.data[l.pos] {
		case '\\':
			l.pos++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.pos++
				return str(l.data[start:l.pos])
			}
		}
	}
	l.pos = start
	l.fail("string does not end")
	return str("")
}

// object is an indirect object where it stands in the file.
type object struct {
	num    int
	value  any
	stream []byte // nil if it is none
	end    int    // after endobj
}

// object reads "N 0 obj … endobj"; a stream's length must be written in its dictionary.
func (l *lexer) object() object {
	var o object
	o.num = l.integer()
	l.expect(" 0 obj")
	o.value = l.value(0)
	l.space()
	if d, ok := o.value.(dict); ok && l.has("stream") {
		l.expect("stream")
		if l.has("\r") {
			l.expect("\r")
		}
		l.expect("\n")
		n := number(d.get("Length"))
		if n < 0 || n > len(l.data)-l.pos {
			l.fail("stream length is missing, indirect or wrong")
			return o
		}
		o.stream = l.data[l.pos : l.pos+n : l.pos+n]
		l.pos += n
		l.space()
		l.expect("endstream")
		l.space()
	}
	l.expect("endobj")
	o.end = l.pos
	return o
}
