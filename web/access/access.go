// Package access says who may do what: accounts folded from the stream "accounts", sign-in with a password and a code by
// mail at every sign-in (C7, C8), sessions kept on the server, codes for a person's other device, tokens of the API.
//
// A sign-in has two steps. The password opens a sign-in that awaits a code; the code opens a session:
//
//	begun, err := a.Begin(ctx, "i.montebruni@ponte.example", password, remoteAddress)  // begun.Code goes out by mail
//	token, err := a.Finish(ctx, begun.Token, "482107")                                 // token goes into the cookie
//	session, err := a.Session(ctx, token)
//
// Nothing in the database opens a session: tokens and codes are stored as hashes. Each attempt is a fact in the stream
// "access".
package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/evidence/store"
)

//go:embed sqlite/*.sql postgres/*.sql
var migrations embed.FS

// Roles of an account.
const (
	RoleOperator = "operator"
	RoleAuditor  = "auditor"
	RoleOfficer  = "officer"
)

// How long things live, and how often a code may be tried (C8).
const (
	CodeLife    = 10 * time.Minute
	MaxAttempts = 5
	MaxCodes    = 5 // mails per sign-in
	SessionIdle = 8 * time.Hour
	SessionLife = 12 * time.Hour // however much it is used
)

// Errors a caller tells apart.
var (
	ErrPassword = errors.New("address or password is wrong")
	ErrCode     = errors.New("code is wrong")
	ErrGone     = errors.New("code has expired or was tried too often")
	ErrRate     = errors.New("too many attempts")
	ErrSession  = errors.New("no such session")
	ErrTaken    = errors.New("an account has this address")
)

// Account is somebody with access. Agency is empty for an auditor of the managing authority.
type Account struct {
	ID, Role, Agency, Name, Mail string

	password string
}

// Opening is what opens an account. ID may be empty, then one is made.
type Opening struct {
	ID, Role, Agency, Name, Mail, Password string
}

// Access is safe for concurrent use.
type Access struct {
	j        *journal.Journal
	db       *store.DB
	byPair   limiter // one address of an account from one place: a stranger elsewhere does not lock the owner out
	byMail   limiter // that address from everywhere
	byFrom   limiter // one place
	byCode   limiter // codes tried for one account, over all its sign-ins
	byDevice limiter // codes mailed for one invitation
	byDesk   limiter // codes an operator made for one invitation

	mu       sync.Mutex // guards accounts
	accounts map[string]Account
}

// Open makes the tables and reads the accounts.
func Open(ctx context.Context, j *journal.Journal, db *store.DB) (*Access, error) {
	if err := db.Migrate(ctx, "access", migrations); err != nil {
		return nil, fmt.Errorf("open access: %w", err)
	}
	a := &Access{
		j: j, db: db,
		byPair: limiter{every: 12 * time.Second, burst: 5}, byMail: limiter{every: 2 * time.Second, burst: 60},
		byFrom: limiter{every: time.Second, burst: 30}, byCode: limiter{every: 3 * time.Minute, burst: 20},
		byDevice: limiter{every: 30 * time.Minute, burst: 5}, byDesk: limiter{every: 12 * time.Second, burst: 5},
	}
	nobody() // so that the first stranger's answer takes no longer than the others
	if err := a.load(ctx); err != nil {
		return nil, fmt.Errorf("open access: %w", err)
	}
	return a, nil
}

func (a *Access) load(ctx context.Context) error {
	entries, err := a.j.Entries(ctx, "stream:accounts")
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	accounts := map[string]Account{}
	for _, e := range entries {
		if f, ok := e.Fact.(*evidence.AccountOpened); ok {
			accounts[f.ID] = Account{f.ID, f.Role, f.Agency, f.Name.Text, f.Mail.Text, f.Password.Text}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accounts = accounts
	return nil
}

// Add opens an account: for an operator also the written appointment to process data (I9).
func (a *Access) Add(ctx context.Context, o Opening) (Account, error) {
	switch {
	case o.Role != RoleOperator && o.Role != RoleAuditor && o.Role != RoleOfficer:
		return Account{}, fmt.Errorf("open account: %q is not a role", o.Role)
	case o.Role == RoleOperator && o.Agency == "":
		return Account{}, fmt.Errorf("open account: an operator belongs to an agency")
	case !strings.Contains(o.Mail, "@") || strings.TrimSpace(o.Name) == "":
		return Account{}, fmt.Errorf("open account: name or mail address is missing")
	case len(o.Password) < 8:
		return Account{}, fmt.Errorf("open account: the password is shorter than 8 characters")
	}
	if _, ok := a.find(ctx, o.Mail); ok {
		return Account{}, fmt.Errorf("open account: %w", ErrTaken)
	}
	if o.ID == "" {
		o.ID = ulid.Make().String()
	}
	hash := hashPassword(o.Password)
	_, err := a.j.Append(ctx, journal.Draft{Stream: "accounts", By: "access", Fact: &evidence.AccountOpened{
		ID: o.ID, Role: o.Role, Agency: o.Agency, Name: evidence.V(o.Name), Mail: evidence.V(o.Mail), Password: evidence.V(hash),
	}})
	if err != nil {
		return Account{}, fmt.Errorf("open account: %w", err)
	}
	acc := Account{o.ID, o.Role, o.Agency, o.Name, o.Mail, hash}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accounts[acc.ID] = acc
	return acc, nil
}

// Account finds an account by its id.
func (a *Access) Account(ctx context.Context, id string) (Account, bool) {
	is := func(acc Account) bool { return acc.ID == id }
	if acc, ok := a.among(is); ok || a.load(ctx) != nil {
		return acc, ok
	}
	return a.among(is) // another process opened it
}

// find finds an account by its mail address. The stream is read first, whether the address is known or not: another
// process may have opened the account, and the time of the answer must not tell which addresses have one.
func (a *Access) find(ctx context.Context, mail string) (Account, bool) {
	if a.load(ctx) != nil {
		return Account{}, false
	}
	return a.among(func(acc Account) bool { return strings.EqualFold(acc.Mail, strings.TrimSpace(mail)) })
}

func (a *Access) among(match func(Account) bool) (Account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, acc := range a.accounts {
		if match(acc) {
			return acc, true
		}
	}
	return Account{}, false
}

// note appends an attempt to the stream "access".
func (a *Access) note(ctx context.Context, account, method string, ok bool) error {
	_, err := a.j.Append(ctx, journal.Draft{Stream: "access", By: "access", Fact: &evidence.AccountSignedIn{
		Account: account, Method: method, OK: ok,
	}})
	return err
}

// Read appends that an account read a record (I14). What names the page or file.
func (a *Access) Read(ctx context.Context, account, interview, what string) error {
	_, err := a.j.Append(ctx, journal.Draft{Stream: "access", By: "access", Fact: &evidence.RecordRead{
		Account: account, Interview: interview, What: what,
	}})
	if err != nil {
		return fmt.Errorf("trace reading: %w", err)
	}
	return nil
}

// newToken makes 32 random bytes for a cookie, and their hash for the table.
func newToken() (token string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails (crypto/rand)
	token = base64.RawURLEncoding.EncodeToString(raw)
	return token, digest(token)
}

func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// newCode makes six random digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic("internal error: no random numbers: " + err.Error())
	}
	return fmt.Sprintf("%06d", n)
}
