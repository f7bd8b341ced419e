package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mailServers is a private Postfix and Dovecot pair on loopback ports: mail for *.invalid ends in Dovecot, nothing leaves.
type mailServers struct {
	smtp, imap string // HOST:PORT
	store      string // of the mailboxes, in Maildir form
}

const mailPassword = "prova"

// startMailServers starts both in a folder of their own, with a mailbox for each user name.
func startMailServers(t *testing.T, users ...string) mailServers {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("Postfix and Dovecot can only be started by root; run the tests as root")
	}
	for _, program := range []string{"postfix", "dovecot", "/usr/lib/dovecot/lmtp"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: install the Debian packages postfix, dovecot-imapd and dovecot-lmtpd", program)
		}
	}
	root, err := os.MkdirTemp("", "mail")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	check(t, os.Chmod(root, 0o755))
	smtp, imap, lmtp := freePort(t), freePort(t), freePort(t)
	startDovecot(t, root, imap, lmtp, users)
	startPostfix(t, root, smtp, lmtp)
	return mailServers{smtp: "127.0.0.1:" + smtp, imap: "127.0.0.1:" + imap, store: filepath.Join(root, "mailstore")}
}

// mails reads what a user has received, oldest first.
func (m mailServers) mails(t *testing.T, name string) []mailRead {
	t.Helper()
	var all []mailRead
	for _, folder := range []string{"cur", "new"} {
		files, err := filepath.Glob(filepath.Join(m.store, name, folder, "*"))
		check(t, err)
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				continue // the server has moved it meanwhile
			}
			read, err := readMail(bytes.NewReader(raw))
			check(t, err)
			read.raw = raw
			all = append(all, read)
		}
	}
	slices.SortStableFunc(all, func(a, b mailRead) int { return a.date.Compare(b.date) })
	return all
}

// await waits for a user's mail that fits and gives the newest such.
func (m mailServers) await(t *testing.T, name, what string, fits func(mailRead) bool) mailRead {
	t.Helper()
	var found mailRead
	eventually(t, 30*time.Second, what, func() bool {
		for _, mail := range m.mails(t, name) {
			if fits(mail) {
				found = mail
			}
		}
		return found.raw != nil
	})
	return found
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), 0o644))
}

func startDovecot(t *testing.T, root, imap, lmtp string, users []string) {
	t.Helper()
	owner, err := user.Lookup("nobody")
	check(t, err)
	store := filepath.Join(root, "mailstore")
	check(t, os.MkdirAll(store, 0o755))
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	check(t, os.Chown(store, uid, gid))
	var passwd strings.Builder
	for _, u := range users {
		fmt.Fprintf(&passwd, "%s:{PLAIN}%s\n", u, mailPassword)
	}
	dir := filepath.Join(root, "dc")
	write(t, filepath.Join(dir, "passwd"), passwd.String())
	conf := filepath.Join(dir, "dovecot.conf")
	write(t, conf, fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
instance_name = %[6]s
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:%[2]s/%%n
auth_mechanisms = plain login
auth_username_format = %%Ln
recipient_delimiter = +
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = %[1]s/passwd
}
userdb {
  driver = static
  args = uid=nobody gid=%[3]s home=%[2]s/%%n
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[4]s
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %[5]s
  }
}
service anvil {
  chroot =
}
`, dir, store, owner.Gid, imap, lmtp, filepath.Base(root)))
	start(t, filepath.Join(root, "dovecot.out"), "dovecot", "-c", conf)
	stopWith(t, filepath.Join(dir, "run/master.pid"), filepath.Join(dir, "log"))
	waitPort(t, imap)
	waitPort(t, lmtp)
}

func startPostfix(t *testing.T, root, smtp, lmtp string) {
	t.Helper()
	owner, err := user.Lookup("postfix")
	check(t, err)
	uid, _ := strconv.Atoi(owner.Uid)
	etc, data, queue := filepath.Join(root, "pf/etc"), filepath.Join(root, "pf/data"), filepath.Join(root, "pf/queue")
	check(t, os.MkdirAll(data, 0o755))
	check(t, os.MkdirAll(queue, 0o755))
	check(t, os.Chown(data, uid, -1))
	write(t, filepath.Join(etc, "main.cf"), fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s
data_directory = %[2]s
mail_owner = postfix
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.test.invalid
mydomain = test.invalid
mydestination =
virtual_mailbox_domains = agenzia.invalid, posta.invalid
virtual_transport = lmtp:inet:127.0.0.1:%[3]s
recipient_delimiter = +
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
alias_maps =
alias_database =
local_recipient_maps =
maillog_file = %[2]s/maillog
maillog_file_prefixes = %[4]s
minimal_backoff_time = 2s
queue_run_delay = 2s
`, queue, data, lmtp, root))
	services := `127.0.0.1:%s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
local unix - n n - - local
virtual unix - n n - - virtual
pickup unix n - n 60 1 pickup
flush unix n - n 1000? 0 flush
tlsmgr unix - - n 1000? 1 tlsmgr
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
`
	write(t, filepath.Join(etc, "master.cf"), fmt.Sprintf(services, smtp))
	start(t, filepath.Join(root, "postfix.out"), "postfix", "-c", etc, "start")
	stopWith(t, filepath.Join(queue, "pid/master.pid"), filepath.Join(data, "maillog"))
	waitPort(t, smtp)
}

// start runs a program that turns itself into a daemon. Its output goes to a file: a pipe would be kept open by the daemon.
func start(t *testing.T, output, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := os.Create(output)
	check(t, err)
	defer out.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output)
		t.Fatalf("%s: %v\n%s", program, err, said)
	}
}

// stopWith ends the daemon at the end of the test; where the test failed it shows what the daemon logged.
func stopWith(t *testing.T, pidFile, log string) {
	t.Helper()
	t.Cleanup(func() {
		b, err := os.ReadFile(pidFile)
		if pid, bad := strconv.Atoi(string(bytes.TrimSpace(b))); err == nil && bad == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
		if t.Failed() {
			said, _ := os.ReadFile(log)
			t.Logf("%s:\n%s", log, said[max(0, len(said)-4000):])
		}
	})
}

// eventually polls until the condition holds; what it waits for names it when it does not.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			t.Fatalf("%s did not happen within %s", what, within)
		case <-tick.C:
		}
	}
}

func waitPort(t *testing.T, port string) {
	t.Helper()
	eventually(t, 20*time.Second, "listening on port "+port, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}
