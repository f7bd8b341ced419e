package bundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"confermo/evidence"
	"confermo/evidence/audit/audittest"
	"confermo/evidence/bundle"
)

var at = time.Date(2020, 3, 16, 10, 15, 0, 0, time.UTC)

// small is the least content a bundle can have, with one document and one anchor.
func small() (bundle.Content, *audittest.PKI) {
	l := audittest.NewLog("log.example", at)
	l.Append("stream:node", "journal", at, &evidence.NodeStarted{Node: "n1", Boot: l.Boot, Name: "Agenzia"})
	l.Append("01A", "web", at, &evidence.NoticeRead{Version: "1", Language: "it", Digest: "x"})
	l.Append("01A", "web", at, &evidence.DocumentUploaded{
		Document: "identity-card", Side: "front", File: evidence.F("documents/identity-card-front.jpg", "image/jpeg", []byte("picture")),
	})
	pki := audittest.NewPKI(at)
	token, err := pki.Stamper(at)([32]byte{})
	if err != nil {
		panic(err)
	}
	c := bundle.Content{
		Interview: "01A", Entries: l.Scope("01A"), Context: l.Scope("stream:node"), Checkpoint: l.Note(3, at),
		Anchors: []bundle.Anchor{{Size: 2, Note: l.Note(2, at), Token: token}}, RulePack: []byte("pack\n"),
		Files: []bundle.NamedFile{
			{Name: "README.txt", Data: []byte("Leggimi\n")},
			{Name: "documents/identity-card-front.jpg", Data: []byte("picture")},
		},
	}
	c.Proofs = l.Prove(3, slices.Concat(c.Entries, c.Context), 2)
	return c, pki
}

func write(t testing.TB, c bundle.Content, pki *audittest.PKI) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bundle.Write(&b, c, pki.Seal, at, pki.Stamper(at)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(data []byte) (*bundle.Bundle, error) {
	return bundle.Read(bytes.NewReader(data), int64(len(data)))
}

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	c, pki := small()
	got, err := read(write(t, c, pki))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Entries) != 2 || !bytes.Equal(got.Entries[1], c.Entries[1].Line) || len(got.Context) != 1 {
		t.Errorf("lines came back as %q and %q", got.Entries, got.Context)
	}
	if len(got.Openings) != 4 || got.Openings[3].Stream != "node" || got.Openings[2].File != "documents/identity-card-front.jpg" {
		t.Errorf("openings came back as %+v", got.Openings)
	}
	if len(got.Anchors) != 1 || got.Anchors[0].Size != 2 || !bytes.Equal(got.Anchors[0].Token, c.Anchors[0].Token) {
		t.Errorf("anchors came back as %+v", got.Anchors)
	}
	if string(got.Files["documents/identity-card-front.jpg"]) != "picture" || len(got.Proofs.Leaves) != 3 {
		t.Error("files or proofs did not come back")
	}
}

func TestSameContentSameBytesButSignatures(t *testing.T) {
	c, pki := small()
	a, b := write(t, c, pki), write(t, c, pki)
	for _, name := range []string{"mimetype", "META-INF/ASiCManifest001.xml", "record/openings.json", "record/proofs.json"} {
		if !bytes.Equal(unzip(t, a)[name], unzip(t, b)[name]) {
			t.Errorf("%s differs between two writings", name)
		}
	}
}

// The archive is one that other programs open: Go's own reader stands for them, and file(1) finds the type at byte 38.
func TestArchiveIsOrdinaryZip(t *testing.T) {
	c, pki := small()
	data := write(t, c, pki)
	if got := string(data[30:38]) + string(data[38:38+31]); got != "mimetypeapplication/vnd.etsi.asic-e+zip" {
		t.Errorf("the archive starts with %q", got)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != 15 || z.File[0].Name != "mimetype" {
		t.Errorf("got %d entries, first %q", len(z.File), z.File[0].Name)
	}
}

func TestWriteWithoutTimeStamp(t *testing.T) {
	c, pki := small()
	var b bytes.Buffer
	if err := bundle.Write(&b, c, pki.Seal, at, nil); err != nil {
		t.Fatal(err)
	}
	got, err := read(b.Bytes())
	if err != nil || got.Stamp != nil || got.StampManifest != nil || got.Signature == nil {
		t.Errorf("got %v", err)
	}
}

func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// rezip copies the archive with Go's own writer, so that the container is a good zip in another form.
func rezip(t *testing.T, data []byte, change func(*zip.FileHeader) bool, extra ...string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range z.File {
		h := f.FileHeader
		raw := change(&h)
		r, err := f.OpenRaw()
		if err != nil {
			t.Fatal(err)
		}
		create := w.CreateRaw
		if !raw {
			create = w.CreateHeader
		}
		out, err := create(&h)
		if err == nil {
			_, err = io.Copy(out, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range extra {
		//lint:ignore SA1019 CreateRaw writes this field and no other
		h := &zip.FileHeader{Name: name, ReaderVersion: 20, CreatorVersion: 20, ModifiedDate: 0x21}
		if _, err := w.CreateRaw(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAttack22_ReadRefusesBundleGames(t *testing.T) {
	c, pki := small()
	good := write(t, c, pki)
	keep := func(*zip.FileHeader) bool { return true }
	patch := func(find, with string, n int) []byte { return bytes.Replace(good, []byte(find), []byte(with), n) }
	local := bytes.Index(good, []byte("README.txtLeggimi")) - 30
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"no archive", []byte("hello"), "not a zip archive"},
		{"empty", nil, "not a zip archive"},
		{"cut", good[:len(good)-30], "cut short"},
		{"bytes before", append([]byte("x"), good...), "before the first entry"},
		{"bytes after", append(slices.Clone(good), 'x'), "bytes follow the end"},
		{"comment", append(slices.Clone(good[:len(good)-2]), 1, 0, 'x'), "bytes follow the end"},
		{"unlisted file", rezip(t, good, keep, "zzz.txt"), "in no manifest"},
		{"same name twice", rezip(t, good, keep, "README.txt"), `two entries are named "README.txt"`},
		{"same name in capitals", rezip(t, good, keep, "readme.TXT"), `two entries are named "readme.TXT"`},
		{"leaves the folder", rezip(t, good, keep, "a/../b"), `".."`},
		{"absolute", rezip(t, good, keep, "/etc/passwd"), "absolute"},
		{"windows path", rezip(t, good, keep, `C:\x`), "absolute"},
		{"deep", rezip(t, good, keep, "a/b/c/d/e"), "deeper"},
		{"strange name", rezip(t, good, keep, "a b"), "outside letters"},
		{"compressed", rezip(t, good, func(h *zip.FileHeader) bool {
			if h.Name == "README.txt" {
				h.Method, h.Modified = zip.Deflate, time.Time{}
			}
			return h.Name != "README.txt"
		}), "data descriptor"},
		{"extra field", rezip(t, good, func(h *zip.FileHeader) bool { h.Extra = []byte{1, 2, 0, 0}; return true }), "extra field"},
		{"local header differs", func() []byte { d := slices.Clone(good); d[local+10] ^= 1; return d }(), "differs from the directory"},
		{"other date in both", bytes.ReplaceAll(good, []byte{20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0}, []byte{20, 0, 0, 0, 0, 0, 0, 0, 0x22, 0}), "other bytes"},
		{"mimetype", patch("asic-e+zip", "asic-s+zip", 1), "checksum"},
		{"altered file", patch("Leggimi", "Leggilo", 1), "checksum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(tt.data)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a sentence with %q", err, tt.want)
			}
			if (tt.want == "not a zip archive") != errors.Is(err, bundle.ErrNotZip) {
				t.Errorf("ErrNotZip does not tell: %v", err)
			}
		})
	}
}

func TestWriteRefusesWhatReadWould(t *testing.T) {
	for name, change := range map[string]func(*bundle.Content){
		"a name of ours":    func(c *bundle.Content) { c.Files[0].Name = "record/entries.jsonl" },
		"a name outside":    func(c *bundle.Content) { c.Files[0].Name = "../x" },
		"another interview": func(c *bundle.Content) { c.Interview = "01B" },
		"no checkpoint":     func(c *bundle.Content) { c.Checkpoint = nil },
		"a doubled opening": func(c *bundle.Content) {
			c.Entries[0].Openings = append(c.Entries[0].Openings, c.Entries[0].Openings[0])
		},
		"an interview aside": func(c *bundle.Content) { c.Context = c.Entries },
	} {
		c, pki := small()
		change(&c)
		if err := bundle.Write(io.Discard, c, pki.Seal, at, nil); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	c, pki := small()
	f.Add(write(f, c, pki))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := read(data); (b == nil) == (err == nil) {
			t.Errorf("got both or neither of bundle and error: %v", err)
		}
	})
}

func FuzzOpenings(f *testing.F) {
	c, pki := small()
	f.Add(unzip(f, write(f, c, pki))["record/openings.json"])
	f.Add([]byte("[]\n"))
	f.Add([]byte(`[{"n":1,"path":"","salt":"","N":2}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := bundle.ParseOpenings(data)
		if err == nil && len(all) > 0 && len(all[0].Salt) != 32 {
			t.Error("an opening without a whole salt was read")
		}
	})
}
