// Confermo holds remote interviews and turns them into evidence.
//
//	confermo serve   [-data DIR] [-listen HOST:PORT] [-config FILE] [-test-pki]   the service
//	confermo demo    [-data DIR] [-listen HOST:PORT] [-out DIR] [-exit]           the whole story by itself, then keeps serving
//	confermo reply   -sent SENT.eml -registered ADDR [-lang it,de,fr,en] [-keys DIR] [-json] REPLY.eml…   classify replies
//	confermo witness -listen HOST:PORT -data DIR -log LOG.vkey                    an outside witness
//	confermo journal check [-data DIR]                                            verify the whole record anew
//	confermo version
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"confermo/mailbox"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	if len(args) == 0 {
		args = []string{"help"}
	}
	var err error
	switch args[0] {
	case "serve":
		err = serveCommand(ctx, args[1:])
	case "demo":
		err = demoCommand(ctx, args[1:], os.Stdout)
	case "reply":
		return mailbox.ReplyCommand(args[1:], os.Stdout, os.Stderr)
	case "witness":
		err = witnessCommand(ctx, args[1:], os.Stdout)
	case "journal":
		return journalCommand(ctx, args[1:], os.Stdout, os.Stderr)
	case "version":
		fmt.Println("confermo", version)
	default:
		fmt.Fprint(os.Stderr, usage)
		return 2
	}
	if errors.Is(err, flag.ErrHelp) {
		return 2
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "confermo:", err)
		return 1
	}
	return 0
}

const usage = `Confermo holds remote interviews and turns them into evidence.

  confermo serve   [-data DIR] [-listen HOST:PORT] [-config FILE] [-test-pki]   the service
  confermo demo    [-data DIR] [-listen HOST:PORT] [-out DIR] [-exit]           the whole story, then keeps serving
  confermo reply   -sent SENT.eml -registered ADDR [-lang it,de,fr,en] [-keys DIR] [-json] REPLY.eml…
  confermo witness -listen HOST:PORT -data DIR -log LOG.vkey                    an outside witness
  confermo journal check [-data DIR]                                            verify the whole record anew
  confermo version

confermo COMMAND -h tells the settings of a command. Bundles are checked by confermo-verify.
`
