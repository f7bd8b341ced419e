package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres keeps to one writer at a time by an advisory lock that ends with the transaction, one per schema: what reads
// and then writes is as safe as on SQLite, and two processes never wait for each other crosswise.
var postgres = dialect{
	name:    "postgres",
	connect: connectPostgres,
	rewrite: numbered,
	lock:    " FOR UPDATE",
	turn:    "SELECT pg_advisory_xact_lock(20261122, hashtext(current_schema()))",
	shared:  true,
}

// numbered turns the placeholders "?" outside quotes into "$1", "$2" and so on.
func numbered(query string) string {
	var b strings.Builder
	quoted, n := false, 0
	for i := range len(query) {
		switch c := query[i]; {
		case c == '\'':
			quoted = !quoted
			b.WriteByte(c)
		case c == '?' && !quoted:
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func connectPostgres(_ context.Context, dsn string) (driver.Connector, error) {
	if rest, ok := strings.CutPrefix(dsn, "postgres:"); ok && !strings.HasPrefix(rest, "//") {
		dsn = rest // keywords and values
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	for name, value := range map[string]string{
		"default_transaction_isolation": "read committed",
		// A process that hangs in the middle of a commit must not stop the others for ever.
		"idle_in_transaction_session_timeout": "30000",
	} {
		cfg.RuntimeParams[name] = value
	}
	return postgresConnector{cfg}, nil
}

type postgresConnector struct{ cfg *pgx.ConnConfig }

func (c postgresConnector) Driver() driver.Driver { return postgresDriver{} }

// Connect opens a connection on which a commit is on disk when it returns.
func (c postgresConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, c.cfg.Copy())
	if err != nil {
		return nil, err
	}
	if err := durable(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return &postgresConn{conn}, nil
}

// durable refuses a server that loses what it acknowledged, and waits for the disk where the server would not.
func durable(ctx context.Context, conn *pgx.Conn) error {
	var fsync, pages, commit, encoding string
	const settings = `SELECT current_setting('fsync'), current_setting('full_page_writes'),
		current_setting('synchronous_commit'), current_setting('server_encoding')`
	if err := conn.QueryRow(ctx, settings).Scan(&fsync, &pages, &commit, &encoding); err != nil {
		return fmt.Errorf("read settings of the server: %w", err)
	}
	switch {
	case fsync != "on" || pages != "on":
		return fmt.Errorf("the server runs with fsync=%s and full_page_writes=%s: it can lose what it acknowledged", fsync, pages)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s, want UTF8", encoding)
	case commit == "off": // the other values wait for this server's disk at least
		if _, err := conn.Exec(ctx, "SET synchronous_commit = on"); err != nil {
			return fmt.Errorf("make commits durable: %w", err)
		}
	}
	return nil
}
