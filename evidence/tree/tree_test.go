package tree_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/tree"
)

// grown is a tree of lines with its stored hashes.
type grown struct {
	lines  [][]byte
	hashes []tlog.Hash
}

func (g *grown) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = g.hashes[x]
	}
	return out, nil
}

func grow(t testing.TB, lines [][]byte) *grown {
	t.Helper()
	g := &grown{lines: lines}
	for i, line := range lines {
		hashes, err := tlog.StoredHashes(int64(i), line, g)
		if err != nil {
			t.Fatal(err)
		}
		g.hashes = append(g.hashes, hashes...)
	}
	return g
}

func (g *grown) head(t testing.TB, size int64) tree.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, g)
	if err != nil {
		t.Fatal(err)
	}
	return tree.Checkpoint{Origin: "test.example/log", Size: size, Root: root}
}

// proofs proves every line of an interview and of a stream that alternate in the tree.
func (g *grown) proofs(t testing.TB) tree.Proofs {
	t.Helper()
	size := int64(len(g.lines))
	p := tree.Proofs{Size: size, Root: g.head(t, size).Root.String()}
	for i, line := range g.lines {
		path, err := tlog.ProveRecord(size, int64(i), g)
		if err != nil {
			t.Fatal(err)
		}
		l := tree.Leaf{N: i/2 + 1, Index: int64(i), Hash: tree.LeafHash(line).String(), Path: tree.FormatPath(path)}
		if i%2 == 1 {
			l.Stream = "node"
		}
		p.Leaves = append(p.Leaves, l)
	}
	for old := int64(1); old < size; old++ {
		path, err := tlog.ProveTree(size, old, g)
		if err != nil {
			t.Fatal(err)
		}
		p.Consistency = append(p.Consistency, tree.Consistency{From: old, Path: tree.FormatPath(path)})
	}
	return p
}

// chain makes the lines of one scope.
func chain(scope string, count int) [][]byte {
	var lines [][]byte
	prev := ""
	for n := 1; n <= count; n++ {
		line := fmt.Appendf(nil, `{"v":1,"at":"2026-11-22T10:15:03.123Z","node":"n1","boot":"b","mono":%d,%s,"n":%d,"prev":%q,"by":"rtc","kind":"media-observed","fact":{"c":"x"}}`,
			n, scope, n, prev)
		prev = tree.LineHash(line)
		lines = append(lines, line)
	}
	return lines
}

func woven(t testing.TB, count int) *grown {
	a, b := chain(`"interview":"01A"`, count), chain(`"stream":"node"`, count)
	var lines [][]byte
	for i := range a {
		lines = append(lines, a[i], b[i])
	}
	return grow(t, lines)
}

func TestProofsSurviveJSONAndProveWhatTheySay(t *testing.T) {
	g := woven(t, 9)
	data, err := json.Marshal(g.proofs(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := tree.ParseProofs(data)
	if err != nil {
		t.Fatal(err)
	}
	head := g.head(t, 18)
	if err := p.Check(head); err != nil {
		t.Fatal(err)
	}
	for i, line := range g.lines {
		stream := []string{"", "node"}[i%2]
		if index, err := p.Finder().Line(stream, i/2+1, line); err != nil || index != int64(i) {
			t.Errorf("line %d: %d %v", i, index, err)
		}
		if _, err := p.Finder().Line(stream, i/2+1, append(line, ' ')); err == nil {
			t.Errorf("line %d changed: proved", i)
		}
	}
	if _, err := p.Finder().Line("keys", 1, g.lines[0]); err == nil {
		t.Error("proved a line without a proof")
	}
	for size := int64(1); size <= 18; size++ {
		if err := p.CheckOlder(g.head(t, size), head); err != nil {
			t.Error(err)
		}
		forked := g.head(t, size)
		forked.Root[3] ^= 1
		if err := p.CheckOlder(forked, head); err == nil {
			t.Errorf("a fork at %d was taken for a beginning", size)
		}
	}
	if err := p.CheckOlder(g.head(t, 18), g.head(t, 5)); err == nil {
		t.Error("a larger tree was taken for a beginning of a smaller one")
	}
}

func TestEveryChangedProofIsRefused(t *testing.T) {
	g := woven(t, 9)
	head := g.head(t, 18)
	changes := map[string]func(*tree.Proofs){
		"size":         func(p *tree.Proofs) { p.Size++ },
		"root":         func(p *tree.Proofs) { p.Root = p.Leaves[0].Hash },
		"index":        func(p *tree.Proofs) { p.Leaves[4].Index, p.Leaves[5].Index = 5, 4 },
		"index twice":  func(p *tree.Proofs) { p.Leaves[1] = p.Leaves[0]; p.Leaves[1].N = 99 },
		"entry twice":  func(p *tree.Proofs) { p.Leaves[2].N = 1 },
		"below":        func(p *tree.Proofs) { p.Leaves[0].Index = -1 },
		"above":        func(p *tree.Proofs) { p.Leaves[0].Index = 18 },
		"hash":         func(p *tree.Proofs) { p.Leaves[0].Hash = p.Leaves[1].Hash },
		"no hash":      func(p *tree.Proofs) { p.Leaves[0].Hash = "" },
		"path short":   func(p *tree.Proofs) { p.Leaves[0].Path = p.Leaves[0].Path[1:] },
		"path long":    func(p *tree.Proofs) { p.Leaves[0].Path = append(p.Leaves[0].Path, p.Root) },
		"path endless": func(p *tree.Proofs) { p.Leaves[0].Path = slices.Repeat(p.Leaves[0].Path, 100) },
		"path no hash": func(p *tree.Proofs) { p.Leaves[0].Path[0] = "AAAA" },
	}
	for name, change := range changes {
		p := g.proofs(t)
		change(&p)
		if err := p.Check(head); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	older := g.head(t, 7)
	for name, change := range map[string]func(*tree.Consistency){
		"none":   func(c *tree.Consistency) { c.From = 99 },
		"short":  func(c *tree.Consistency) { c.Path = c.Path[1:] },
		"bad":    func(c *tree.Consistency) { c.Path[0] = c.Path[1] },
		"absurd": func(c *tree.Consistency) { c.Path[0] = "x" },
	} {
		p := g.proofs(t)
		change(&p.Consistency[6])
		if err := p.CheckOlder(older, head); err == nil {
			t.Errorf("consistency %s: accepted", name)
		}
	}
}

func TestChainFindsWhatIsMissingDoubledOrForeign(t *testing.T) {
	good := chain(`"interview":"01A"`, 5)
	if err := tree.CheckChain(good); err != nil {
		t.Fatal(err)
	}
	if err := tree.CheckChain(nil); err != nil {
		t.Error(err)
	}
	foreign := chain(`"interview":"01B"`, 5)
	spaced := slices.Clone(good)
	spaced[4] = append([]byte("\n"), good[4]...)
	for name, lines := range map[string][][]byte{
		"first missing":  good[1:],
		"middle missing": slices.Concat(good[:2], good[3:]),
		"doubled":        slices.Concat(good[:2], good[1:]),
		"swapped":        {good[0], good[2], good[1]},
		"foreign":        slices.Concat(good[:2], foreign[2:]),
		"changed":        {good[0], bytes.Replace(good[1], []byte("rtc"), []byte("web"), 1), good[2]},
		"line break":     spaced,
		"not a line":     {[]byte("{}")},
	} {
		if err := tree.CheckChain(lines); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOpeningNeedsItsOwnSaltAndBytes(t *testing.T) {
	salt := bytes.Repeat([]byte{7}, tree.SaltSize)
	c := tree.Commit(salt, []byte("Rossi"))
	if err := tree.CheckOpening(c, salt, []byte("Rossi")); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct{ salt, body []byte }{
		"other bytes":     {salt, []byte("Bianchi")},
		"other salt":      {bytes.Repeat([]byte{8}, tree.SaltSize), []byte("Rossi")},
		"no salt":         {nil, []byte("Rossi")},
		"boundary moved":  {salt[:31], append([]byte{7}, "Rossi"...)},
		"boundary moved2": {append(slices.Clone(salt), 'R'), []byte("ossi")},
	} {
		if err := tree.CheckOpening(c, try.salt, try.body); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCheckpointIsReadBackAndNothingElseIs(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	c := woven(t, 3).head(t, 6)
	msg, err := tree.SignCheckpoint(c, signer)
	if err != nil {
		t.Fatal(err)
	}
	got, n, err := tree.OpenCheckpoint(msg, note.VerifierList(verifier))
	if err != nil || got != c || len(n.Sigs) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if text, err := tree.NoteText(msg); err != nil || text != c.Text() {
		t.Fatalf("%q %v", text, err)
	}
	if _, err := tree.NoteText([]byte("x")); err == nil {
		t.Error("text of no note")
	}
	for i := range len(c.Text()) {
		bad := slices.Clone(msg)
		bad[i] ^= 1
		if got, _, err := tree.OpenCheckpoint(bad, note.VerifierList(verifier)); err == nil {
			t.Fatalf("byte %d changed: opened as %+v", i, got)
		}
	}
	text := c.Text()
	for _, bad := range []string{
		"", text[1 : len(text)-1], "\n" + text, text + "x\n", strings.Replace(text, "\n6\n", "\n06\n", 1),
		strings.Replace(text, "\n6\n", "\n-6\n", 1), strings.Replace(text, "\n6\n", "\n99999999999999999999\n", 1),
		strings.Replace(text, "=\n", "\n", 1), "\n6\n" + c.Root.String() + "\n",
	} {
		if got, err := tree.ParseCheckpoint(bad); err == nil {
			t.Errorf("%q read as %+v", bad, got)
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add("confermo.example/log\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n")
	f.Add("x\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\next\n")
	f.Add("\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := tree.ParseCheckpoint(text)
		if err == nil && c.Text() != text {
			t.Fatalf("%q is written as %q", text, c.Text())
		}
	})
}

func FuzzParseProofs(f *testing.F) {
	g := woven(f, 3)
	good, err := json.Marshal(g.proofs(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"size":1,"root":"","leaves":[{"n":1,"index":0,"hash":"","path":null}],"consistency":null}`))
	f.Add([]byte(`{"size":-1} {}`))
	head := g.head(f, 6)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := tree.ParseProofs(data)
		if err != nil {
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if p2, err := tree.ParseProofs(again); err != nil || !reflect.DeepEqual(p, p2) {
			t.Fatalf("%s\nread again as %+v %v", again, p2, err)
		}
		// Whatever the bytes, a proved leaf is a line of the tree at its place.
		if p.Check(head) == nil {
			for _, l := range p.Leaves {
				if l.Hash != tree.LeafHash(g.lines[l.Index]).String() {
					t.Fatalf("proved %s", l)
				}
			}
		}
		_ = p.CheckOlder(g.head(t, 2), head)
	})
}
