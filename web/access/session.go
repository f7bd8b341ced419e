package access

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Method is how a session of this package was opened; a timesheet's approval repeats it.
const Method = "password+code"

// Session is an open session and its account.
type Session struct {
	Account  Account
	SignedIn time.Time
}

// Session finds the session of a cookie and notes that it was used. Error: ErrSession, also after SessionIdle or SessionLife.
func (a *Access) Session(ctx context.Context, token string) (Session, error) {
	if token == "" {
		return Session{}, ErrSession
	}
	var id string
	var signedIn, used int64
	row := a.db.SQL().QueryRowContext(ctx, a.db.Q("SELECT account, signed_in, used FROM sessions WHERE token = ?"), digest(token))
	if err := row.Scan(&id, &signedIn, &used); err != nil {
		return Session{}, ErrSession
	}
	now := time.Now()
	if now.Sub(time.Unix(used, 0)) > SessionIdle || now.Sub(time.Unix(signedIn, 0)) > SessionLife {
		return Session{}, ErrSession
	}
	acc, ok := a.Account(ctx, id)
	if !ok {
		return Session{}, ErrSession
	}
	if now.Unix()-used > 60 { // once a minute is enough for an idle time of hours
		if err := a.exec(ctx, "UPDATE sessions SET used = ? WHERE token = ?", now.Unix(), digest(token)); err != nil {
			return Session{}, fmt.Errorf("keep session: %w", err)
		}
	}
	return Session{acc, time.Unix(signedIn, 0).UTC()}, nil
}

// SignOut ends the session of a cookie.
func (a *Access) SignOut(ctx context.Context, token string) error {
	if err := a.exec(ctx, "DELETE FROM sessions WHERE token = ?", digest(token)); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

func (a *Access) exec(ctx context.Context, query string, args ...any) error {
	return a.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, a.db.Q(query), args...)
		return err
	})
}

// AddToken makes a token of the API for an agency. It is shown once and stored as a hash.
func (a *Access) AddToken(ctx context.Context, agency string) (string, error) {
	token, hash := newToken()
	if err := a.exec(ctx, "INSERT INTO api_tokens (token, agency) VALUES (?, ?)", hash, agency); err != nil {
		return "", fmt.Errorf("add token: %w", err)
	}
	return token, nil
}

// Token finds the agency of a token of the API. Error: ErrSession.
func (a *Access) Token(ctx context.Context, token string) (agency string, err error) {
	row := a.db.SQL().QueryRowContext(ctx, a.db.Q("SELECT agency FROM api_tokens WHERE token = ?"), digest(token))
	if err := row.Scan(&agency); err != nil {
		return "", ErrSession
	}
	return agency, nil
}

// OperatorByMail finds an operator of the agency by mail address.
func (a *Access) OperatorByMail(ctx context.Context, agency, mail string) (Account, bool) {
	acc, ok := a.find(ctx, mail)
	return acc, ok && acc.Role == RoleOperator && acc.Agency == agency
}
