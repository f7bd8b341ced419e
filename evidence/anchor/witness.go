package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"confermo/evidence/tree"
)

const witnessTimeout = 5 * time.Second

// ErrSetBack says that a witness has seen a larger tree than ours, or another one: this log was restored from an old
// copy, or forked. It does not heal by itself.
var ErrSetBack = errors.New("the witness has seen another or a larger tree")

// Witness asks one outside witness for cosignatures (C2SP tlog-witness).
type Witness struct {
	url      string
	client   *http.Client
	verifier note.Verifier

	mu   sync.Mutex // one request at a time: each starts from the size the last one left
	size int64      // the witness's newest, 0 while unknown
}

// NewWitness names a witness by its submission prefix and its verifier key, of Ed25519 or cosignature/v1.
func NewWitness(url, vkey string) (*Witness, error) {
	v, err := cosignature.NewVerifierForCosignatureV1(strings.TrimSpace(vkey))
	if err != nil {
		return nil, fmt.Errorf("read witness key: %w", err)
	}
	return &Witness{url: strings.TrimSuffix(url, "/"), client: &http.Client{}, verifier: v}, nil
}

// Name is the witness's key name.
func (w *Witness) Name() string { return w.verifier.Name() }

// Prove gives the consistency proof from an older size to the checkpoint's.
type Prove func(old int64) ([]tlog.Hash, error)

// Cosign has the signed checkpoint of a size cosigned within 5 s. It gives the verified signature line, with its
// newline, and the time in it. ErrSetBack where the witness cannot follow.
func (w *Witness) Cosign(ctx context.Context, checkpoint []byte, size int64, prove Prove) (line []byte, at time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	for range 3 { // the remembered size, the one it names, and once more if another client was faster
		if w.size > size {
			return nil, at, fmt.Errorf("%w: %d entries, ours has %d", ErrSetBack, w.size, size)
		}
		var proof []tlog.Hash
		if w.size > 0 && w.size < size {
			if proof, err = prove(w.size); err != nil {
				return nil, at, fmt.Errorf("prove for witness: %w", err)
			}
		}
		status, body, err := w.post(ctx, addCheckpoint{old: w.size, proof: proof, checkpoint: checkpoint}.text())
		if err != nil {
			return nil, at, fmt.Errorf("ask witness: %w", err)
		}
		switch status {
		case http.StatusOK:
			w.size = size
			return w.verify(checkpoint, body)
		case http.StatusConflict:
			have, err := strconv.ParseInt(strings.TrimSpace(string(body)), 10, 64)
			if err != nil || have < 0 {
				return nil, at, fmt.Errorf("ask witness: conflict at a size that is no number")
			}
			if have == w.size {
				return nil, at, fmt.Errorf("%w: another tree of %d entries", ErrSetBack, have)
			}
			w.size = have
		case http.StatusUnprocessableEntity:
			return nil, at, fmt.Errorf("%w: our tree of %d is not a continuation of its %d", ErrSetBack, size, w.size)
		default:
			return nil, at, fmt.Errorf("ask witness: HTTP status %d: %.200s", status, bytes.TrimSpace(body))
		}
	}
	return nil, at, fmt.Errorf("ask witness: its size keeps changing")
}

func (w *Witness) post(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, answer, err
}

// verify finds the witness's own signature among the answered lines.
func (w *Witness) verify(checkpoint, answer []byte) (line []byte, at time.Time, err error) {
	text, err := tree.NoteText(checkpoint)
	if err != nil {
		return nil, at, err
	}
	n, err := note.Open(append([]byte(text+"\n"), answer...), note.VerifierList(w.verifier))
	if err != nil {
		return nil, at, fmt.Errorf("verify cosignature: %w", err)
	}
	sig := n.Sigs[0]
	if at, err = cosignature.CoSigV1Timestamp(sig); err != nil {
		return nil, at, fmt.Errorf("verify cosignature: %w", err)
	}
	return fmt.Appendf(nil, "— %s %s\n", sig.Name, sig.Base64), at.UTC(), nil
}

// addCheckpoint is the body of add-checkpoint.
type addCheckpoint struct {
	old        int64
	proof      []tlog.Hash
	checkpoint []byte
}

func (a addCheckpoint) text() []byte {
	b := fmt.Appendf(nil, "old %d\n", a.old)
	for _, h := range a.proof {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), a.checkpoint...)
}

func parseAddCheckpoint(body []byte) (addCheckpoint, error) {
	var a addCheckpoint
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	if !ok {
		return a, fmt.Errorf("read request: no empty line before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	digits, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || old < 0 || strconv.FormatInt(old, 10) != digits {
		return a, fmt.Errorf("read request: first line is not \"old SIZE\"")
	}
	proof, err := tree.ParsePath(lines[1:])
	if err != nil {
		return a, fmt.Errorf("read request: %w", err)
	}
	return addCheckpoint{old: old, proof: proof, checkpoint: []byte(checkpoint)}, nil
}
