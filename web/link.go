package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"net/http"
	"strings"

	"confermo/evidence"
)

// Link is the address of a person's invitation: BASE/i/ID.MAC. MAC is the first 20 characters of the lower-case base32
// HMAC-SHA256 of "invitation:ID", so that nobody can guess the link of an interview whose id is known.
func Link(key []byte, base, id string) string {
	return strings.TrimSuffix(base, "/") + "/i/" + id + "." + linkMAC(key, id)
}

func linkMAC(key []byte, id string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("invitation:" + id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil)))[:20]
}

// pathOf is the one path of an interview's pages, however the link was typed: cookies hang on it.
func (s *server) pathOf(id string) string { return "/i/" + id + "." + linkMAC(s.cfg.LinkKey, id) }

// parseLink gives the interview's id of "ID.MAC", or false for a link that is not ours.
func parseLink(key []byte, link string) (id string, ok bool) {
	id, mac, found := strings.Cut(link, ".")
	if !found || id == "" || len(link) > 100 {
		return "", false
	}
	return id, hmac.Equal([]byte(strings.ToLower(mac)), []byte(linkMAC(key, id)))
}

// deviceCookie binds an invitation to a device. Its path is the invitation's, so that several can be open in one browser.
const deviceCookie = "device"

// bindDevice gives the device a new secret and returns the opaque id that the record gets.
func (s *server) bindDevice(w http.ResponseWriter, base string) (id string) {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(raw)
	s.setCookie(w, &http.Cookie{Name: deviceCookie, Value: secret, Path: base, MaxAge: 180 * 24 * 3600})
	return deviceID(secret)
}

// deviceID is what the record says of a device: it tells devices apart and does not open the invitation.
func deviceID(secret string) string {
	sum := sha256.Sum256([]byte("device:" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// bound tells whether the request comes from the device that holds the seat: the first, or the last that had the code.
func bound(r *http.Request, iv *evidence.Interview) bool {
	c, err := r.Cookie(deviceCookie)
	return err == nil && len(iv.Devices) > 0 && iv.Devices[len(iv.Devices)-1].Device == deviceID(c.Value)
}
