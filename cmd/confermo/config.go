package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
)

// Config is what the service is told: a flag wins over the environment, the environment over the file of KEY=VALUE
// lines. A setting's key is its flag in upper case with CONFERMO_ before it: -smtp-addr is CONFERMO_SMTP_ADDR.
type Config struct {
	Data, Listen, BaseURL string
	DB                    string // DSN of the journal's database, "" for DATA/confermo.db
	Node, Name            string
	UDP, PublicIP         string
	TestPKI               bool

	MailFrom                                  string
	SMTPAddr, SMTPUser, SMTPPassword, SMTPTLS string
	IMAPAddr, IMAPUser, IMAPPassword, IMAPTLS string
	SealCert, SealKey                         string
	TSAURL, TSACA, TSAUser, TSAPassword       string
	WitnessURL, WitnessKey                    string
	RulePack, RuleKey                         string
	Register                                  string

	// Loopback keeps media on this machine.
	Loopback bool
}

// secrets are never accepted on the command line, where every process reads them.
var secrets = map[string]bool{"smtp-password": true, "imap-password": true, "tsa-password": true, "db": true}

func (c *Config) settings() []struct {
	key, usage string
	value      *string
} {
	return []struct {
		key, usage string
		value      *string
	}{
		{"data", "folder of the journal, keys and files", &c.Data},
		{"db", "postgres://… of the journal (default the file confermo.db in the data folder)", &c.DB},
		{"listen", "HOST:PORT of the pages", &c.Listen},
		{"base-url", "address under which people reach the pages", &c.BaseURL},
		{"node", "name of this node", &c.Node},
		{"name", "who runs this service", &c.Name},
		{"udp", "HOST:PORT for all media", &c.UDP},
		{"public-ip", "address that media is offered at", &c.PublicIP},
		{"mail-from", "address that mail is sent from and answered to", &c.MailFrom},
		{"smtp-addr", "HOST:PORT that mail is submitted to", &c.SMTPAddr},
		{"smtp-user", "user for submitting", &c.SMTPUser},
		{"smtp-password", "its password", &c.SMTPPassword},
		{"smtp-tls", "starttls, tls, or plain (loopback only)", &c.SMTPTLS},
		{"imap-addr", "HOST:PORT of the inbox", &c.IMAPAddr},
		{"imap-user", "user of the inbox", &c.IMAPUser},
		{"imap-password", "its password", &c.IMAPPassword},
		{"imap-tls", "starttls, tls, or plain (loopback only)", &c.IMAPTLS},
		{"seal-cert", "PEM chain of the seal, leaf first", &c.SealCert},
		{"seal-key", "PEM key of the seal", &c.SealKey},
		{"tsa-url", "RFC 3161 authority", &c.TSAURL},
		{"tsa-ca", "PEM roots of the authority", &c.TSACA},
		{"tsa-user", "its user", &c.TSAUser},
		{"tsa-password", "its password", &c.TSAPassword},
		{"witness-url", "C2SP tlog-witness", &c.WitnessURL},
		{"witness-key", "its verifier key", &c.WitnessKey},
		{"rule-pack", "signed rule pack of the programme", &c.RulePack},
		{"rule-key", "verifier key of its managing authority", &c.RuleKey},
		{"register", "JSON file of agencies and accounts to open", &c.Register},
	}
}

// parseConfig reads flags, environment and file for `confermo serve`.
func parseConfig(args []string, env func(string) string) (Config, error) {
	c := Config{Data: "data", Listen: "127.0.0.1:8080", Node: "n1", Name: "confermo", UDP: ":7882", SMTPTLS: "starttls", IMAPTLS: "tls"}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	file := flags.String("config", "", "file of KEY=VALUE lines")
	flags.BoolVar(&c.TestPKI, "test-pki", false, "use built-in test certificates, time stamps and witness")
	given := map[string]string{}
	for _, s := range c.settings() {
		if secrets[s.key] {
			continue
		}
		flags.Func(s.key, s.usage, func(v string) error { given[s.key] = v; return nil })
	}
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if flags.NArg() > 0 {
		return c, fmt.Errorf("read flags: %q is not one", flags.Arg(0))
	}
	lines, err := readSettings(*file)
	if err != nil {
		return c, err
	}
	for _, s := range c.settings() {
		key := "CONFERMO_" + strings.ToUpper(strings.ReplaceAll(s.key, "-", "_"))
		for _, v := range []string{lines[key], env(key), given[s.key]} {
			if v != "" {
				*s.value = v
			}
		}
		delete(lines, key)
	}
	for key := range lines {
		return c, fmt.Errorf("read %s: %s is not a setting", *file, key)
	}
	return c, nil
}

func readSettings(path string) (map[string]string, error) {
	lines := map[string]string{}
	if path == "" {
		return lines, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open settings: %w", err)
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	for scanner.Scan() {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("read settings: %q is not KEY=VALUE", line)
		}
		lines[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return lines, nil
}
