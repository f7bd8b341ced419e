package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"confermo/evidence/anchor"
)

// witnessCommand runs `confermo witness` until it is told to stop: an outside witness with its own key and state, to be
// run by somebody else than the service, on another machine.
func witnessCommand(ctx context.Context, args []string, out io.Writer) error {
	set := flag.NewFlagSet("confermo witness", flag.ContinueOnError)
	listen := set.String("listen", "127.0.0.1:8090", "address to listen on; put a proxy with TLS in front of it")
	data := set.String("data", "witness", "folder for the witness's own key and what it saw")
	name := set.String("name", "", "name of the witness, without spaces: a domain of whoever runs it (default: the host's)")
	logs := set.String("log", "", "file with the verifier keys of the logs it follows, one a line")
	if err := set.Parse(args); err != nil {
		return flag.ErrHelp
	}
	keys, err := readLogKeys(*logs)
	if err != nil {
		return err
	}
	if *name == "" {
		if *name, err = os.Hostname(); err != nil {
			return fmt.Errorf("name the witness: %w", err)
		}
	}
	lines, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", *listen, err)
	}
	witness, err := anchor.NewWitnessServer(*data, *name, keys...)
	if err != nil {
		return errors.Join(err, lines.Close())
	}
	fmt.Fprintf(out, "witness %s\nlistens on http://%s\n", witness.VKey(), lines.Addr())
	return serveWitness(ctx, lines, witness)
}

func serveWitness(ctx context.Context, lines net.Listener, witness http.Handler) error {
	server := &http.Server{
		Handler: witness, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	stopped := context.AfterFunc(ctx, func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(soon) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(lines); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve witness: %w", err)
	}
	return nil
}

// readLogKeys reads verifier keys, one a line; lines that begin with # are left out.
func readLogKeys(file string) ([]string, error) {
	if file == "" {
		return nil, fmt.Errorf("say which log to follow: -log LOG.vkey")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read keys of logs: %w", err)
	}
	var keys []string
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := note.NewVerifier(line); err != nil {
			return nil, fmt.Errorf("read keys of logs: %.80q: %w", line, err)
		}
		keys = append(keys, line)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("read keys of logs: %s holds none", file)
	}
	return keys, nil
}
