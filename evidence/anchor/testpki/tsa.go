package testpki

import (
	"encoding/asn1"
	"io"
	"log/slog"
	"net/http"
	"time"

	"confermo/evidence/seal"
)

// Policy is under which the test authority stamps: an arc reserved for examples.
var Policy = asn1.ObjectIdentifier{2, 999, 1, 1}

// maxQuery bounds a request; a real one is under 100 bytes.
const maxQuery = 4 << 10

// TSA answers RFC 3161 requests over HTTP (section 3.4).
func (p *PKI) TSA() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "a time-stamp request is a POST", http.StatusMethodNotAllowed)
			return
		}
		if r.Header.Get("Content-Type") != "application/timestamp-query" {
			http.Error(w, "a time-stamp request has type application/timestamp-query", http.StatusUnsupportedMediaType)
			return
		}
		query, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxQuery))
		if err != nil {
			http.Error(w, "the time-stamp request cannot be read or is too large", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		if _, err := w.Write(p.answer(query)); err != nil {
			slog.Debug("time stamp not delivered", "error", err)
		}
	})
}

func (p *PKI) answer(query []byte) []byte {
	request, err := seal.ParseRequest(query)
	if err != nil {
		return seal.RejectedResponse(err.Error())
	}
	if request.Policy != nil && !request.Policy.Equal(Policy) {
		return seal.RejectedResponse("policy is not supported")
	}
	token, err := p.Stamp(request)
	if err != nil {
		slog.Error("test time-stamping authority", "error", err)
		return seal.RejectedResponse("internal")
	}
	return seal.GrantedResponse(token)
}

// Stamp is the authority without HTTP.
func (p *PKI) Stamp(r seal.Request) ([]byte, error) {
	serial, err := p.nextSerial()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	tsa, now := p.tsa, p.clock()
	p.mu.Unlock()
	return seal.NewToken(tsa, r, seal.TokenInfo{
		Time: now, Accuracy: time.Second, Serial: serial, Policy: Policy,
	})
}
