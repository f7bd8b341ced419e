// Package postgrestest runs a real PostgreSQL server for tests: of its own, in a temporary folder, on a Unix socket only.
package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	start   sync.Once
	running *server
	failed  error
	schemas atomic.Int64
)

// Run is for TestMain: it runs the tests and then ends the server that DSN may have started.
func Run(m *testing.M) int {
	code := m.Run()
	if running != nil {
		running.stop()
	}
	return code
}

// DSN names an empty schema of the test server, which it starts when it is first called.
func DSN(t testing.TB) string {
	t.Helper()
	start.Do(func() { running, failed = launch() })
	if failed != nil {
		t.Fatal(failed)
	}
	name := fmt.Sprintf("t%d", schemas.Add(1))
	conn, err := pgx.Connect(t.Context(), running.dsn("public"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+name); err != nil {
		t.Fatal(err)
	}
	return running.dsn(name)
}

type server struct {
	folder string
	cmd    *exec.Cmd
	ended  chan struct{}
}

func (s *server) dsn(schema string) string {
	return "postgres://postgres@/postgres?" + url.Values{"host": {s.folder}, "search_path": {schema}}.Encode()
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown: nothing of it is kept
	<-s.ended
	_ = os.RemoveAll(s.folder)
}

// launch makes a cluster and starts a server on it, as a user without privileges where this one is root.
func launch() (*server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "confermo-pg-")
	if err != nil {
		return nil, err
	}
	process := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		if process.Credential, err = unprivileged(); err != nil {
			return nil, err
		}
		if err := os.Chown(folder, int(process.Credential.Uid), int(process.Credential.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = process, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s := &server{folder: folder, ended: make(chan struct{})}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=100")
	s.cmd.SysProcAttr, s.cmd.Dir = process, folder
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	return s, s.ready()
}

// ready waits until the server answers.
func (s *server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("public"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-s.ended:
			log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("the PostgreSQL server ended: %s", log)
		case <-ctx.Done():
			return fmt.Errorf("the PostgreSQL server does not answer: %w", err)
		}
	}
}

// binaries finds the newest server of the Debian package.
func binaries() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	best, newest := "", 0
	for _, path := range found {
		bin := filepath.Dir(path)
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && n > newest {
			best, newest = bin, n
		}
	}
	if best != "" {
		return best, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("no PostgreSQL server is installed: the tests need the Debian package postgresql")
}

func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(strings.TrimSpace(u.Gid), 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("neither the user postgres nor nobody exists, and PostgreSQL refuses to run as root")
}
