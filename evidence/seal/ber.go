package seal

import "bytes"

// maxBER bounds nesting. CMS of signing programs nests under 20 deep.
const maxBER = 40

// fromBER rewrites BER as DER as far as CMS needs it: indefinite and long lengths become definite and
// minimal, strings of octets in pieces become one (X.690 clauses 8.1.3 and 8.7). Sets keep their order.
// The result is never longer than the input.
func fromBER(b []byte) ([]byte, error) {
	out, rest, err := berElement(b, 0)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, refuse(RuleDER, "bytes behind the container")
	}
	return out, nil
}

func berElement(b []byte, depth int) (out, rest []byte, err error) {
	if depth > maxBER {
		return nil, nil, refuse(RuleDER, "nested deeper than %d", maxBER)
	}
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return nil, nil, refuse(RuleDER, "element is cut or has a long tag")
	}
	tag, constructed := b[0], b[0]&0x20 != 0
	n, head, endless := int(b[1]), 2, b[1] == 0x80
	if n > 0x80 {
		size := n & 0x7f
		if size > 4 || len(b) < 2+size {
			return nil, nil, refuse(RuleDER, "length is too long or cut")
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		head += size
	}
	if endless && !constructed || !endless && n > len(b)-head {
		return nil, nil, refuse(RuleDER, "element is cut short")
	}
	if !constructed {
		return tlv(tag, b[head:head+n]), b[head+n:], nil
	}
	body := b[head:]
	if !endless {
		body, rest = b[head:head+n], b[head+n:]
	}
	var parts [][]byte
	for {
		if endless && len(body) >= 2 && body[0] == 0 && body[1] == 0 {
			rest = body[2:]
			break
		}
		if !endless && len(body) == 0 {
			break
		}
		var part []byte
		if part, body, err = berElement(body, depth+1); err != nil {
			return nil, nil, err
		}
		if tag == tagOctets|0x20 {
			if part[0] != tagOctets {
				return nil, nil, refuse(RuleDER, "string of octets has a piece that is none")
			}
			p := newParser(part)
			part = p.take(tagOctets, "octets")
		}
		parts = append(parts, part)
	}
	return tlv(tag&^mask(tag), parts...), rest, nil
}

// mask is what a string of octets in pieces loses when it becomes one.
func mask(tag byte) byte {
	if tag == tagOctets|0x20 {
		return 0x20
	}
	return 0
}

// Unpad cuts the zeros behind the signature in a PDF's /Contents; other bytes there are an error.
func Unpad(contents []byte) ([]byte, error) {
	if len(contents) > maxEnvelope {
		return nil, refuse(RuleDER, "signature is larger than %d bytes", maxEnvelope)
	}
	if len(contents) == 0 || contents[0] != tagSequence {
		return nil, refuse(RuleDER, "/Contents is not a CMS signature")
	}
	_, rest, err := berElement(contents, 0)
	if err != nil {
		return nil, err
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, refuse(RuleDER, "/Contents has bytes behind the signature")
	}
	return contents[:len(contents)-len(rest)], nil
}
