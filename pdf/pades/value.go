package pades

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// PDF values. What is not looked into is kept as written, so that a value
// written again says the same.
type (
	name  string // decoded, without the slash
	token string // a number, true, false or null, verbatim
	str   string // a string, verbatim with its delimiters
	ref   int    // a reference: the number, plus generation times the object's generation
	array []any
	dict  []entry
)

// generation sets generations of an object number apart: each is an object of its own.
const (
	generation    = 1 << 32
	maxGeneration = 65535
)

// entry is a key of a dict. at and end are where the value stands in the file; 0 if made here.
type entry struct {
	key     name
	value   any
	at, end int
}

func (d dict) get(key name) any {
	for _, e := range d {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// with is a copy of d with the key set, at its place or at the end.
func (d dict) with(key name, v any) dict {
	out := append(dict(nil), d...)
	for i := range out {
		if out[i].key == key {
			out[i].value = v
			return out
		}
	}
	return append(out, entry{key: key, value: v})
}

// number is a non-negative integer, -1 if v is not one.
func number(v any) int {
	t, ok := v.(token)
	if !ok || len(t) == 0 || len(t) > 10 || strings.Trim(string(t), "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(string(t))
	if err != nil {
		return -1
	}
	return n
}

func num(n int) token { return token(strconv.Itoa(n)) }

// text is v in PDF syntax; equal values have equal text.
func text(v any) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case name:
		b.WriteByte('/')
		for _, c := range []byte(v) {
			if c <= ' ' || c >= 0x7f || strings.IndexByte("#/%()<>[]{}", c) >= 0 {
				fmt.Fprintf(b, "#%02X", c)
			} else {
				b.WriteByte(c)
			}
		}
	case token:
		b.WriteString(string(v))
	case str:
		b.WriteString(string(v))
	case ref:
		fmt.Fprintf(b, "%d %d R", int(v)%generation, int(v)/generation)
	case array:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, e)
		}
		b.WriteByte(']')
	case dict:
		b.WriteString("<<")
		for _, e := range v {
			write(b, e.key)
			b.WriteByte(' ')
			write(b, e.value)
			b.WriteByte('\n')
		}
		b.WriteString(">>")
	default:
		panic(fmt.Sprintf("internal error: %T is not a PDF value", v))
	}
}

var escapes = strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`)

// literal writes bytes as a literal string; they must not contain a carriage return.
func literal(b []byte) str { return str("(" + escapes.Replace(string(b)) + ")") }

// textString writes a text for people (ISO 32000-1 clause 7.9.2.2): ASCII as it is, else UTF-16.
func textString(s string) str {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
		return literal([]byte(s))
	}
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteString(">")
	return str(b.String())
}

// readText reads what textString writes, and only that.
func readText(v any) (string, error) {
	s, ok := v.(str)
	if !ok {
		return "", fmt.Errorf("not a text")
	}
	var out string
	if strings.HasPrefix(string(s), "<FEFF") && len(s)%4 == 2 {
		var units []uint16
		for i := 5; i+4 < len(s); i += 4 {
			u, err := strconv.ParseUint(string(s[i:i+4]), 16, 16)
			if err != nil {
				return "", fmt.Errorf("malformed UTF-16 text")
			}
			units = append(units, uint16(u))
		}
		out = string(utf16.Decode(units))
	} else {
		out = string(unescape(s))
	}
	if textString(out) != s {
		return "", fmt.Errorf("text in another spelling")
	}
	return out, nil
}

// unescape undoes literal.
func unescape(s str) []byte {
	var out bytes.Buffer
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '\\' && i+1 < len(s)-1 {
			i++
		}
		out.WriteByte(s[i])
	}
	return out.Bytes()
}
