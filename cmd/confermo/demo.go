package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"confermo/evidence"
	"confermo/evidence/journal"
	"confermo/mailbox/local"
	"confermo/web/access"
	"confermo/web/assets"
)

const (
	demoListen = "127.0.0.1:8080"
	// demoCall is how long the demo's two parties stay in the call, on the real clock.
	demoCall = 24 * time.Second
)

// demo is an installation with invented people, its own mail server and test authorities, and the story it tells.
type demo struct {
	svc  *Service
	mail *local.Server
	out  io.Writer
	dir  string // for the files of -out, "" for none
	said time.Time

	operator, auditor *hand
	id                string // of the interview
	bundle            []byte
	verified          atomic.Pointer[verification]
}

// demoCommand runs `confermo demo`: it tells the story, then keeps serving unless -exit.
func demoCommand(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	data := flags.String("data", filepath.Join("data", "demo"), "folder of the demonstration; a second run continues there")
	listen := flags.String("listen", "", "HOST:PORT of the pages (default "+demoListen+" or the next free port)")
	dir := flags.String("out", "", "folder to leave bundle, timesheet, mails and trust in")
	exit := flags.Bool("exit", false, "end when the story is told")
	if err := flags.Parse(args); err != nil {
		return err
	}
	d, err := openDemo(ctx, *data, *listen, out)
	if err != nil {
		return err
	}
	d.dir = *dir
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.svc.run(ctx) })
	group.Go(func() error {
		if err := d.tell(ctx); err != nil {
			return fmt.Errorf("tell the story: %w", err)
		}
		if *exit {
			stop()
			return nil
		}
		if err := d.spare(ctx); err != nil {
			return fmt.Errorf("schedule an interview to hold by hand: %w", err)
		}
		d.doors(ctx)
		return nil
	})
	err = group.Wait()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, d.close())
}

// openDemo brings up mail server and service in the folder.
func openDemo(ctx context.Context, data, listen string, out io.Writer) (_ *demo, err error) {
	d := &demo{out: out, said: time.Now()}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	d.mail, err = local.Open(filepath.Join(data, "mail"), []local.User{
		{Address: demoInbox, Password: demoPassword},
		{Address: demoPerson, Password: demoPassword},
		{Address: demoOperator, Password: demoPassword},
		{Address: demoAuditor, Password: demoPassword},
	})
	if err != nil {
		return nil, err
	}
	if err := d.mail.ListenAndServe("127.0.0.1:0", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	lines, err := listenDemo(listen)
	if err != nil {
		return nil, err
	}
	// The person's provider signs with this key; somebody other than the operator has written it down.
	if err := d.mail.Signer(domainOf(demoPerson)); err != nil {
		return nil, err
	}
	trust := trustFiles{}
	trust.dkim(d.mail.KeyRecords())
	smtp, imap := d.mail.Addrs()
	d.svc = &Service{
		log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), lines: lines,
		lookup: d.mail.Lookup, demo: d.mailboxes(), trust: trust,
		cfg: Config{
			Data: data, DB: os.Getenv("CONFERMO_DB"), BaseURL: "http://" + lines.Addr().String(), Node: "demo", Name: "confermo.demo", UDP: "127.0.0.1:0",
			TestPKI: true, Loopback: true, MailFrom: demoInbox,
			SMTPAddr: smtp, SMTPUser: demoInbox, SMTPPassword: demoPassword, SMTPTLS: "plain",
			IMAPAddr: imap, IMAPUser: demoInbox, IMAPPassword: demoPassword, IMAPTLS: "plain",
		},
	}
	return d, d.svc.open(ctx)
}

// listenDemo takes the address asked for, or the first free port from 8080 on.
func listenDemo(listen string) (net.Listener, error) {
	if listen != "" {
		l, err := net.Listen("tcp", listen)
		if err != nil {
			_, port, _ := net.SplitHostPort(listen)
			return nil, fmt.Errorf("listen: port %s is taken or not ours to take: %w", port, err)
		}
		return l, nil
	}
	host, port, _ := net.SplitHostPort(demoListen)
	first, _ := strconv.Atoi(port)
	var err error
	for p := first; p < first+100; p++ {
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p))); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("listen: no port from %d to %d is free: %w", first, first+99, err)
}

func (d *demo) close() error {
	var errs []error
	if d.svc != nil {
		errs = append(errs, d.svc.close())
	}
	if d.mail != nil {
		errs = append(errs, d.mail.Close())
	}
	return errors.Join(errs...)
}

// say prints one line of the story: the time of day, how long the step took, what happened.
func (d *demo) say(format string, args ...any) {
	now := time.Now()
	fmt.Fprintf(d.out, "%s %6.1fs  %s\n", now.Format("15:04:05"), now.Sub(d.said).Seconds(), fmt.Sprintf(format, args...))
	d.said = now
}

// seed registers agency, operator and auditor, once.
func (d *demo) seed(ctx context.Context) error {
	fresh, err := seeds{d.svc.journal}.agency(ctx, demoAgencyFact())
	if err != nil {
		return err
	}
	err = d.svc.openAccounts(ctx, []access.Opening{
		{ID: "ilaria", Role: access.RoleOperator, Agency: demoAgency, Name: "Ilaria Montebruni", Mail: demoOperator, Password: demoPassword},
		{ID: "livia", Role: access.RoleAuditor, Name: "Livia Sassorosso", Mail: demoAuditor, Password: demoPassword},
	})
	if err != nil {
		return err
	}
	if !fresh {
		d.say("agency and operator are there from an earlier run")
		return nil
	}
	d.say("agency %s, operator Ilaria Montebruni and auditor Livia Sassorosso seeded", demoAgencyFact().Agency.Name)
	return nil
}

// spare schedules an interview that the reader can hold by hand, unless one is open.
func (d *demo) spare(ctx context.Context) error {
	if d.openLink(ctx) != "" {
		return nil
	}
	h, err := d.desk(ctx)
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return fmt.Errorf("load zone: %w", err)
	}
	return visit(ctx, h, "/interviews/new", "/interviews/new", demoByHand(time.Now(), zone))
}

// doors prints where the same can be done by hand.
func (d *demo) doors(ctx context.Context) {
	base := d.svc.cfg.BaseURL
	fmt.Fprintf(d.out, `
Now by hand. Every account's password is %s; codes arrive in the mailbox.

  operator   %s/sign-in?next=/today   (%s)
  person     %s   (Marco Bellandi, invited)
  mailbox    %s/demo/mail
  auditor    %s/sign-in?next=/audit   (%s)

`, demoPassword, base, demoOperator, d.openLink(ctx), base, base, demoAuditor)
	if !assets.Built() {
		fmt.Fprintln(d.out, "The front end was not built (no Node): pages use the plain built-in stylesheet.")
	}
	fmt.Fprintln(d.out, "Certificates, time stamps and witness are test ones: nothing here is evidence. Stop with Ctrl-C.")
}

// interview is the story's interview as it stands, nil before it is scheduled.
func (d *demo) interview(ctx context.Context) (*evidence.Interview, error) {
	if d.id == "" {
		rows, err := d.svc.journal.List(ctx, journal.Filter{Agency: demoAgency, Query: demoTaxCode()})
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		first := rows[0]
		for _, r := range rows {
			if r.Number.Year < first.Number.Year || r.Number.Year == first.Number.Year && r.Number.N < first.Number.N {
				first = r
			}
		}
		d.id = first.ID
	}
	return d.svc.journal.Interview(ctx, d.id)
}

// until waits for the record to say that something has happened.
func (d *demo) until(ctx context.Context, what string, holds func(*evidence.Interview) bool) (*evidence.Interview, error) {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		size := d.svc.journal.Size()
		iv, err := d.interview(ctx)
		if err != nil {
			return nil, err
		}
		if iv != nil && holds(iv) {
			return iv, nil
		}
		if err := d.svc.journal.Wait(ctx, size); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", what, err)
		}
	}
}
