package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// Limits of a bundle. Entries are stored, so the archive is as large as what it unpacks to.
const (
	MaxBytes   = 200 << 20
	MaxEntries = 10_000
	MaxDepth   = 4
	MaxName    = 200
)

// ErrNotZip says that the bytes are no zip archive at all.
var ErrNotZip = errors.New("this is not a bundle: the file is not a zip archive")

// member is one entry of the archive.
type member struct {
	name string
	data []byte
}

// Signatures and sizes of zip structures (APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16).
const (
	sigLocal, sizeLocal     = 0x04034b50, 30
	sigCentral, sizeCentral = 0x02014b50, 46
	sigEnd, sizeEnd         = 0x06054b50, 22

	zipVersion = 20
	zipDate    = 0x0021 // 1 January 1980
)

var le = binary.LittleEndian

// common are the 26 bytes that a local header and a directory entry share, from "version needed" to "extra length".
func (m member) common() []byte {
	b := le.AppendUint16(nil, zipVersion)
	b = le.AppendUint16(b, 0) // flags
	b = le.AppendUint16(b, 0) // stored
	b = le.AppendUint16(b, 0) // time
	b = le.AppendUint16(b, zipDate)
	b = le.AppendUint32(b, crc32.ChecksumIEEE(m.data))
	b = le.AppendUint32(b, uint32(len(m.data)))
	b = le.AppendUint32(b, uint32(len(m.data)))
	b = le.AppendUint16(b, uint16(len(m.name)))
	return le.AppendUint16(b, 0) // extra
}

// encodeZip writes the one form a bundle has.
func encodeZip(members []member) []byte {
	size := sizeEnd
	for _, m := range members {
		size += sizeLocal + sizeCentral + 2*len(m.name) + len(m.data)
	}
	out := make([]byte, 0, size)
	var dir []byte
	for _, m := range members {
		common := m.common()
		dir = le.AppendUint32(dir, sigCentral)
		dir = le.AppendUint16(dir, zipVersion) // made by
		dir = append(dir, common...)
		dir = append(dir, make([]byte, 10)...) // no comment, disk 0, no attributes
		dir = le.AppendUint32(dir, uint32(len(out)))
		dir = append(dir, m.name...)
		out = le.AppendUint32(out, sigLocal)
		out = append(out, common...)
		out = append(out, m.name...)
		out = append(out, m.data...)
	}
	start := len(out)
	out = append(out, dir...)
	out = le.AppendUint32(out, sigEnd)
	out = le.AppendUint32(out, 0) // disks
	out = le.AppendUint16(out, uint16(len(members)))
	out = le.AppendUint16(out, uint16(len(members)))
	out = le.AppendUint32(out, uint32(len(dir)))
	out = le.AppendUint32(out, uint32(start))
	return le.AppendUint16(out, 0) // comment
}

// decodeZip takes an archive apart and refuses every form but the one encodeZip writes, saying what is wrong with it.
func decodeZip(data []byte) ([]member, error) {
	dir, count, err := findDirectory(data)
	if err != nil {
		return nil, err
	}
	body := data[:len(data)-sizeEnd-len(dir)]
	members := make([]member, 0, count)
	seen := make(map[string]bool, count)
	at := 0
	for range count {
		m, rest, next, err := readEntry(dir, body, at)
		if err != nil {
			return nil, err
		}
		fold := strings.ToLower(m.name)
		if seen[fold] {
			return nil, fmt.Errorf("two entries are named %q", m.name)
		}
		seen[fold] = true
		members, dir, at = append(members, m), rest, next
	}
	if len(dir) != 0 {
		return nil, errors.New("the directory holds bytes that belong to no entry")
	}
	if at != len(body) {
		return nil, errors.New("bytes stand between the last entry and the directory")
	}
	if !bytes.Equal(encodeZip(members), data) {
		return nil, errors.New("the archive is not in the one form a bundle has: building it again gives other bytes")
	}
	return members, nil
}

// findDirectory reads the end record and gives the directory's bytes and the number of its entries.
func findDirectory(data []byte) (dir []byte, count int, err error) {
	if len(data) > MaxBytes {
		return nil, 0, fmt.Errorf("the file has %d bytes, at most %d are allowed", len(data), MaxBytes)
	}
	first := le.AppendUint32(nil, sigLocal)
	end := bytes.LastIndex(data, le.AppendUint32(nil, sigEnd))
	switch {
	case end < 0 && !bytes.HasPrefix(data, first):
		return nil, 0, ErrNotZip
	case end < 0:
		return nil, 0, errors.New("the archive is cut short: its directory has no end")
	case !bytes.HasPrefix(data, first):
		return nil, 0, errors.New("bytes stand before the first entry")
	case len(data)-end != sizeEnd:
		return nil, 0, errors.New("bytes follow the end of the directory")
	}
	e := data[end:]
	count = int(le.Uint16(e[10:]))
	size, start := int(le.Uint32(e[12:])), int(le.Uint32(e[16:]))
	switch {
	case count > MaxEntries:
		return nil, 0, fmt.Errorf("the archive has %d entries, at most %d are allowed", count, MaxEntries)
	case size > end || start != end-size:
		return nil, 0, errors.New("the directory does not stand where its end record says")
	}
	return data[start:end], count, nil
}

// readEntry reads the first entry of dir, whose bytes must start at body[at].
func readEntry(dir, body []byte, at int) (m member, rest []byte, next int, err error) {
	if len(dir) < sizeCentral || le.Uint32(dir) != sigCentral {
		return m, nil, 0, errors.New("the directory is malformed")
	}
	size, nameLen, extra := int(le.Uint32(dir[24:])), int(le.Uint16(dir[28:])), int(le.Uint16(dir[30:]))
	if len(dir)-sizeCentral < nameLen {
		return m, nil, 0, errors.New("the directory is cut short")
	}
	m.name = string(dir[sizeCentral : sizeCentral+nameLen])
	if err := checkName(m.name); err != nil {
		return m, nil, 0, err
	}
	switch {
	case extra != 0 || le.Uint16(dir[32:]) != 0:
		return m, nil, 0, fmt.Errorf("entry %q has an extra field or a comment", m.name)
	case le.Uint16(dir[8:])&8 != 0:
		return m, nil, 0, fmt.Errorf("entry %q has a data descriptor", m.name)
	case le.Uint16(dir[10:]) != 0:
		return m, nil, 0, fmt.Errorf("entry %q is compressed, a bundle stores its entries", m.name)
	case int(le.Uint32(dir[42:])) != at:
		return m, nil, 0, fmt.Errorf("entry %q does not start where the entry before it ends", m.name)
	}
	head := sizeLocal + nameLen
	if len(body)-at < head || len(body)-at-head < size {
		return m, nil, 0, fmt.Errorf("entry %q is cut short", m.name)
	}
	local := body[at : at+head]
	if le.Uint32(local) != sigLocal || !bytes.Equal(local[4:sizeLocal], dir[6:32]) || string(local[sizeLocal:]) != m.name {
		return m, nil, 0, fmt.Errorf("entry %q: its local header differs from the directory", m.name)
	}
	m.data = body[at+head : at+head+size]
	if crc32.ChecksumIEEE(m.data) != le.Uint32(dir[16:]) {
		return m, nil, 0, fmt.Errorf("entry %q: its bytes do not have the checksum of its header", m.name)
	}
	return m, dir[sizeCentral+nameLen:], at + head + size, nil
}

// checkName refuses every name that is not a plain relative path of letters, digits, dots, dashes and underscores.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > MaxName:
		return fmt.Errorf("an entry's name has %d bytes, 1 to %d are allowed", len(name), MaxName)
	case strings.HasPrefix(name, "/") || strings.Contains(name, ":"):
		return fmt.Errorf("entry %q has an absolute path", name)
	}
	parts := strings.Split(name, "/")
	if len(parts) > MaxDepth {
		return fmt.Errorf("entry %q lies deeper than %d folders", name, MaxDepth)
	}
	for _, p := range parts {
		if p == ".." {
			return fmt.Errorf("entry %q leaves the bundle with a \"..\"", name)
		}
		if p == "" || p[0] == '.' {
			return fmt.Errorf("entry %q has a name outside letters, digits, \".\", \"-\" and \"_\"", name)
		}
		for i := range len(p) {
			if strings.IndexByte(nameBytes, p[i]) < 0 {
				return fmt.Errorf("entry %q has a name outside letters, digits, \".\", \"-\" and \"_\"", name)
			}
		}
	}
	return nil
}

const nameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
