package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"confermo/evidence"
	"confermo/evidence/tree"
)

// Bundle is a bundle taken apart. Its form, digests and names are checked; its signatures, proofs and meaning are not.
type Bundle struct {
	Entries    [][]byte // lines of the interview
	Context    [][]byte // lines of streams
	Openings   []evidence.Opening
	Proofs     tree.Proofs
	Checkpoint []byte
	Anchors    []Anchor // in order of size
	RulePack   []byte
	Files      map[string][]byte // every file outside META-INF, by name

	Manifest      []byte // what Signature covers
	Signature     []byte
	StampManifest []byte // what Stamp covers; nil in a bundle without a token
	Stamp         []byte
}

// Read takes a bundle of size bytes apart. ErrNotZip tells a file that is no archive; every other error is a sentence
// that names what is wrong with the bundle.
func Read(r io.ReaderAt, size int64) (*Bundle, error) {
	if size > MaxBytes {
		return nil, fmt.Errorf("read bundle: the file has %d bytes, at most %d are allowed", size, MaxBytes)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	b, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("read bundle: %w", err)
	}
	return b, nil
}

func read(data []byte) (*Bundle, error) {
	members, err := decodeZip(data)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 || members[0].name != nameMimetype || string(members[0].data) != mimetype {
		return nil, fmt.Errorf("the first entry is not the mimetype %s", mimetype)
	}
	var meta, files []member
	for _, m := range members[1:] {
		if strings.HasPrefix(m.name, "META-INF/") {
			meta = append(meta, m)
		} else {
			files = append(files, m)
		}
	}
	sorted := func(a, b member) int { return strings.Compare(a.name, b.name) }
	if !slices.Equal(names(members[1:]), names(slices.Concat(meta, files))) ||
		!slices.IsSortedFunc(meta, sorted) || !slices.IsSortedFunc(files, sorted) {
		return nil, errors.New("the entries do not stand in the order of the format")
	}
	b := &Bundle{Files: make(map[string][]byte, len(files))}
	if err := b.readMeta(meta, files); err != nil {
		return nil, err
	}
	for _, f := range files {
		b.Files[f.name] = f.data
	}
	if err := b.readRecord(); err != nil {
		return nil, err
	}
	return b, nil
}

func names(members []member) []string {
	var out []string
	for _, m := range members {
		out = append(out, m.name)
	}
	return out
}

// readMeta checks that the manifests list exactly what stands beside them.
func (b *Bundle) readMeta(meta, files []member) error {
	stamped := slices.Equal(names(meta), []string{nameManifest, nameManifest2, nameSignature, nameToken})
	if !stamped && !slices.Equal(names(meta), []string{nameManifest, nameSignature}) {
		return fmt.Errorf("META-INF holds %v, which is not a manifest, its signature and the same of the time stamp", names(meta))
	}
	sig := meta[len(meta)-1]
	if stamped {
		sig = meta[2]
	}
	if err := checkManifest(meta[0], nameSignature, typeSignature, files); err != nil {
		return err
	}
	b.Manifest, b.Signature = meta[0].data, sig.data
	if !stamped {
		return nil
	}
	b.StampManifest, b.Stamp = meta[1].data, meta[3].data
	return checkManifest(meta[1], nameToken, typeToken, covered(meta[0], sig, files))
}

func checkManifest(m member, uri, kind string, files []member) error {
	got, err := parseManifest(m.data)
	if err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	if got.uri != uri || got.kind != kind {
		return fmt.Errorf("%s: it stands for %q and not for %q", m.name, got.uri, uri)
	}
	if err := got.covers(files); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	return nil
}

func (b *Bundle) readRecord() error {
	var err error
	for _, name := range []string{NameEntries, NameContext, NameOpenings, NameProofs, NameCheckpoint, NameRulePack} {
		if _, ok := b.Files[name]; !ok {
			return fmt.Errorf("file %q is missing", name)
		}
	}
	if b.Entries, err = splitLines(b.Files[NameEntries]); err != nil {
		return fmt.Errorf("%s: %w", NameEntries, err)
	}
	if b.Context, err = splitLines(b.Files[NameContext]); err != nil {
		return fmt.Errorf("%s: %w", NameContext, err)
	}
	if b.Openings, err = ParseOpenings(b.Files[NameOpenings]); err != nil {
		return fmt.Errorf("%s: %w", NameOpenings, err)
	}
	if b.Proofs, err = tree.ParseProofs(b.Files[NameProofs]); err != nil {
		return fmt.Errorf("%s: %w", NameProofs, err)
	}
	if again, err := marshal(b.Proofs); err != nil || !bytes.Equal(again, b.Files[NameProofs]) {
		return fmt.Errorf("%s: writing it again gives other bytes", NameProofs)
	}
	b.Checkpoint, b.RulePack = b.Files[NameCheckpoint], b.Files[NameRulePack]
	return b.readAnchors()
}

func (b *Bundle) readAnchors() error {
	for name, data := range b.Files {
		if !strings.HasPrefix(name, "record/") {
			continue
		}
		rest, ok := strings.CutPrefix(name, dirAnchors)
		if !ok {
			switch name {
			case NameEntries, NameContext, NameOpenings, NameProofs, NameCheckpoint, NameRulePack:
				continue
			}
			return fmt.Errorf("file %q is not part of a record", name)
		}
		number, kind, _ := strings.Cut(rest, ".")
		size, err := strconv.ParseInt(number, 10, 64)
		if err != nil || size < 1 || strconv.FormatInt(size, 10) != number || kind != "note" && kind != "tst" {
			return fmt.Errorf("file %q is not an anchor's SIZE.note or SIZE.tst", name)
		}
		note := fmt.Sprintf("%s%d.note", dirAnchors, size)
		if kind == "tst" {
			if b.Files[note] == nil {
				return fmt.Errorf("file %q stamps a note that is missing", name)
			}
			continue
		}
		b.Anchors = append(b.Anchors, Anchor{Size: size, Note: data, Token: b.Files[strings.TrimSuffix(note, "note")+"tst"]})
	}
	slices.SortFunc(b.Anchors, func(x, y Anchor) int { return int(x.Size - y.Size) })
	return nil
}

// splitLines cuts a .jsonl file. Each line ends with a line break; none is empty or longer than evidence.MaxLine.
func splitLines(data []byte) ([][]byte, error) {
	var out [][]byte
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		switch {
		case !ok:
			return nil, errors.New("the last line has no line break")
		case len(line) == 0 || len(line) > evidence.MaxLine:
			return nil, fmt.Errorf("line %d has %d bytes, 1 to %d are allowed", len(out)+1, len(line), evidence.MaxLine)
		}
		out, data = append(out, line), rest
	}
	return out, nil
}

// ParseOpenings reads record/openings.json: openings in order of stream, number and path, none twice, each with either a
// body or a file, and in the one form that writing them again gives.
func ParseOpenings(data []byte) ([]evidence.Opening, error) {
	all := []evidence.Opening{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("openings do not parse: %w", err)
	}
	for i, o := range all {
		if i > 0 && compareOpenings(all[i-1], o) >= 0 {
			return nil, fmt.Errorf("opening %q of entry %d stands twice or out of order", o.Path, o.N)
		}
		switch {
		case len(o.Salt) != tree.SaltSize:
			return nil, fmt.Errorf("opening %q of entry %d has a salt of %d bytes", o.Path, o.N, len(o.Salt))
		case o.File != "" && (o.Body != nil || o.Path == ""):
			return nil, fmt.Errorf("opening %q of entry %d has both a body and a file", o.Path, o.N)
		case len(o.Body) > evidence.MaxBody:
			return nil, fmt.Errorf("opening %q of entry %d has %d bytes", o.Path, o.N, len(o.Body))
		}
	}
	if again, err := marshal(all); err != nil || !bytes.Equal(again, data) {
		return nil, errors.New("openings are not in their one form: writing them again gives other bytes")
	}
	return all, nil
}
