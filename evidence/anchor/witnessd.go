package anchor

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"confermo/evidence/durable"
	"confermo/evidence/tree"
)

// WitnessServer is an outside witness (C2SP tlog-witness): it cosigns a log's checkpoint only where that continues the
// one it cosigned before. Its folder holds
//
//	witness.key    note signer key, readable by its owner only
//	witness.vkey   verifier key, for logs and auditors
//	HASH.note      per log, the newest checkpoint it cosigned; HASH is the SHA-256 of the origin
type WitnessServer struct {
	dir    string
	vkey   string
	signer note.Signer
	logs   map[string]note.Verifier // by origin

	mu     sync.Mutex // held from reading a log's newest checkpoint until the next one is on disk
	newest map[string]tree.Checkpoint
}

// NewWitnessServer opens the witness in dir, making folder and key (named name) when absent. Logs are the verifier keys
// of the logs it follows; a log's origin is its key's name.
func NewWitnessServer(dir, name string, logs ...string) (*WitnessServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open witness: %w", err)
	}
	w := &WitnessServer{dir: dir, logs: map[string]note.Verifier{}, newest: map[string]tree.Checkpoint{}}
	if err := w.loadKey(name); err != nil {
		return nil, fmt.Errorf("open witness: %w", err)
	}
	for _, vkey := range logs {
		v, err := note.NewVerifier(strings.TrimSpace(vkey))
		if err != nil {
			return nil, fmt.Errorf("open witness: key of log: %w", err)
		}
		w.logs[v.Name()] = v
		msg, err := os.ReadFile(w.file(v.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open witness: %w", err)
		}
		c, _, err := tree.OpenCheckpoint(msg, note.VerifierList(v))
		if err != nil {
			return nil, fmt.Errorf("open witness: newest checkpoint of %s: %w", v.Name(), err)
		}
		w.newest[c.Origin] = c
	}
	return w, nil
}

func (w *WitnessServer) loadKey(name string) error {
	skey, err := os.ReadFile(filepath.Join(w.dir, "witness.key"))
	if errors.Is(err, fs.ErrNotExist) {
		made, vkey, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			return err
		}
		if vkey, err = cosignature.VKeyToCosignatureV1(vkey); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(w.dir, "witness.vkey"), []byte(vkey+"\n")); err != nil {
			return err
		}
		if err := durable.WriteFile(filepath.Join(w.dir, "witness.key"), []byte(made+"\n")); err != nil {
			return err
		}
		skey = []byte(made)
	} else if err != nil {
		return err
	}
	vkey, err := os.ReadFile(filepath.Join(w.dir, "witness.vkey"))
	if err != nil {
		return err
	}
	w.vkey = strings.TrimSpace(string(vkey))
	if w.signer, err = cosignature.NewSignerForCosignatureV1(strings.TrimSpace(string(skey))); err != nil {
		return err
	}
	v, err := cosignature.NewVerifierForCosignatureV1(w.vkey)
	if err != nil {
		return err
	}
	if v.Name() != w.signer.Name() || v.KeyHash() != w.signer.KeyHash() {
		return fmt.Errorf("witness.key and witness.vkey do not belong together")
	}
	return nil
}

// VKey is the witness's verifier key, of type cosignature/v1.
func (w *WitnessServer) VKey() string { return w.vkey }

func (w *WitnessServer) file(origin string) string {
	return filepath.Join(w.dir, fmt.Sprintf("%x.note", sha256.Sum256([]byte(origin))))
}

// ServeHTTP answers POST …/add-checkpoint.
func (w *WitnessServer) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	if !strings.HasSuffix(req.URL.Path, "/add-checkpoint") {
		http.NotFound(rw, req)
		return
	}
	if req.Method != http.MethodPost {
		rw.Header().Set("Allow", http.MethodPost)
		http.Error(rw, "want POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, 64<<10))
	if err != nil {
		http.Error(rw, "request is too large or broken off", http.StatusBadRequest)
		return
	}
	status, kind, answer := w.add(body)
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.WriteHeader(status)
	_, _ = rw.Write(answer)
}

const plainText = "text/plain; charset=utf-8"

func refuse(status int, why string) (int, string, []byte) {
	return status, plainText, []byte(why + "\n")
}

// add decides on one request.
func (w *WitnessServer) add(body []byte) (status int, kind string, answer []byte) {
	a, err := parseAddCheckpoint(body)
	if err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	origin, _, _ := strings.Cut(string(a.checkpoint), "\n")
	verifier := w.logs[origin]
	if verifier == nil {
		return refuse(http.StatusNotFound, "log is unknown")
	}
	c, n, err := tree.OpenCheckpoint(a.checkpoint, note.VerifierList(verifier))
	if err != nil {
		return refuse(http.StatusForbidden, "checkpoint is not signed by the log, or not one")
	}
	if c.Origin != origin || a.old > c.Size || c.Size == 0 {
		return refuse(http.StatusBadRequest, "sizes do not go together")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.newest[origin]
	conflict := a.old != last.Size || c.Size == last.Size && c.Root != last.Root
	switch {
	case conflict:
		return http.StatusConflict, "text/x.tlog.size", fmt.Appendf(nil, "%d\n", last.Size)
	case last.Size == 0 && len(a.proof) > 0:
		return refuse(http.StatusUnprocessableEntity, "the first checkpoint has no proof")
	case last.Size > 0:
		if err := tree.CheckConsistency(last, c, a.proof); err != nil {
			return refuse(http.StatusUnprocessableEntity, err.Error())
		}
	}
	// The log's signature alone is kept: the note is at once this witness's memory and proof against a fork.
	kept, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs})
	if err == nil {
		err = durable.WriteFile(w.file(origin), kept)
	}
	if err != nil {
		return refuse(http.StatusInternalServerError, "checkpoint could not be kept")
	}
	w.newest[origin] = c
	line, err := w.line(c)
	if err != nil {
		return refuse(http.StatusInternalServerError, "checkpoint could not be cosigned")
	}
	return http.StatusOK, plainText, line
}

// line is the cosignature alone, as a note's signature line.
func (w *WitnessServer) line(c tree.Checkpoint) ([]byte, error) {
	msg, err := tree.SignCheckpoint(c, w.signer)
	if err != nil {
		return nil, err
	}
	return msg[len(c.Text())+1:], nil
}
