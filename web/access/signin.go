package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Begun is a sign-in that awaits its code. Token goes into a cookie, Code out by mail.
type Begun struct {
	Token   string
	Code    string
	Account Account
}

// Begin checks address and password. From is the remote address, for the rate. Errors: ErrPassword, ErrRate.
func (a *Access) Begin(ctx context.Context, mail, password, from string) (Begun, error) {
	address := strings.ToLower(strings.TrimSpace(mail))
	if !a.byFrom.allow(from) || !a.byPair.allow(from+" "+address) || !a.byMail.allow(address) {
		return Begun{}, ErrRate
	}
	acc, found := a.find(ctx, mail)
	stored := acc.password
	if !found {
		acc.ID, stored = "unknown", nobody()
	}
	if !passwordMatches(stored, password) || !found {
		if err := a.note(ctx, acc.ID, "password", false); err != nil {
			return Begun{}, fmt.Errorf("sign in: %w", err)
		}
		return Begun{}, ErrPassword
	}
	b := Begun{Code: newCode(), Account: acc}
	var hash []byte
	b.Token, hash = newToken()
	now := time.Now()
	err := a.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, a.db.Q("DELETE FROM sign_ins WHERE expires < ?"), now.Add(-time.Hour).Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, a.db.Q("INSERT INTO sign_ins (token, account, code, expires, attempts, sent) VALUES (?, ?, ?, ?, 0, 1)"),
			hash, acc.ID, digest(b.Token+b.Code), now.Add(CodeLife).Unix())
		return err
	})
	if err != nil {
		return Begun{}, fmt.Errorf("sign in: %w", err)
	}
	return b, nil
}

// Awaited gives the account of a sign-in that awaits its code. Error: ErrSession.
func (a *Access) Awaited(ctx context.Context, token string) (Account, error) {
	var id string
	err := a.db.SQL().QueryRowContext(ctx, a.db.Q("SELECT account FROM sign_ins WHERE token = ?"), digest(token)).Scan(&id)
	if err != nil {
		return Account{}, ErrSession
	}
	acc, ok := a.Account(ctx, id)
	if !ok {
		return Account{}, ErrSession
	}
	return acc, nil
}

// Again makes a new code for the same sign-in; the old one is void. Errors: ErrSession, ErrRate after MaxCodes.
func (a *Access) Again(ctx context.Context, token string) (Begun, error) {
	acc, err := a.Awaited(ctx, token)
	if err != nil {
		return Begun{}, err
	}
	b := Begun{Token: token, Code: newCode(), Account: acc}
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, a.db.Q("UPDATE sign_ins SET code = ?, expires = ?, attempts = 0, sent = sent + 1 WHERE token = ? AND sent < ?"),
			digest(token+b.Code), time.Now().Add(CodeLife).Unix(), digest(token), MaxCodes)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrRate, err)
		}
		return nil
	})
	if err != nil {
		return Begun{}, fmt.Errorf("make another code: %w", err)
	}
	return b, nil
}

// Finish takes the code and opens a session. Left is how many attempts remain after a wrong code.
// Errors: ErrCode, ErrGone, ErrSession, ErrRate: a password that leaked does not open as many sign-ins as it takes to
// guess a code.
func (a *Access) Finish(ctx context.Context, token, code string) (session string, left int, err error) {
	acc, err := a.Awaited(ctx, token)
	if err != nil {
		return "", 0, err
	}
	if !a.byCode.allow(acc.ID) {
		return "", 0, ErrRate
	}
	var verdict error
	var hash []byte
	session, hash = newToken()
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		var want []byte
		var expires int64
		var attempts int
		row := tx.QueryRowContext(ctx, a.db.Locking("SELECT code, expires, attempts FROM sign_ins WHERE token = ?"), digest(token))
		if err := row.Scan(&want, &expires, &attempts); err != nil {
			return err
		}
		now := time.Now()
		if now.Unix() >= expires || attempts >= MaxAttempts {
			verdict = ErrGone
			return nil
		}
		if subtle.ConstantTimeCompare(want, digest(token+code)) != 1 {
			left = MaxAttempts - attempts - 1
			verdict = ErrCode
			_, err := tx.ExecContext(ctx, a.db.Q("UPDATE sign_ins SET attempts = attempts + 1 WHERE token = ?"), digest(token))
			return err
		}
		if _, err := tx.ExecContext(ctx, a.db.Q("DELETE FROM sign_ins WHERE token = ?"), digest(token)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, a.db.Q("DELETE FROM sessions WHERE used < ? OR signed_in < ?"),
			now.Add(-SessionIdle).Unix(), now.Add(-SessionLife).Unix()); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, a.db.Q("INSERT INTO sessions (token, account, signed_in, used) VALUES (?, ?, ?, ?)"),
			hash, acc.ID, now.Unix(), now.Unix())
		return err
	})
	if err != nil {
		return "", 0, fmt.Errorf("finish sign-in: %w", err)
	}
	if errNote := a.note(ctx, acc.ID, Method, verdict == nil); errNote != nil {
		return "", 0, fmt.Errorf("finish sign-in: %w", errNote)
	}
	if verdict != nil {
		return "", left, verdict
	}
	return session, 0, nil
}
