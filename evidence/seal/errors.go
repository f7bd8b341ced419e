package seal

import "fmt"

// The rules a container can break, as [RuleError] names them.
const (
	RuleDER         = "der"          // not DER, cut, trailing bytes
	RuleForm        = "form"         // bytes that take no part in the signature: re-encoding differs
	RuleAttributes  = "attributes"   // a signed or unsigned attribute missing, unknown or twice
	RuleAlgorithm   = "algorithm"    // digest or signature algorithm unknown, weak or not fitting
	RuleDigest      = "digest"       // message-digest is not that of the content
	RuleSigningCert = "signing-cert" // signing-certificate is not that of the signer
	RuleSignature   = "signature"    // the signature value does not verify
	RuleCertificate = "certificate"  // the certificate may not sign this, or one is unused or missing
	RuleTrust       = "trust"        // no chain to a root the caller trusts
	RuleTime        = "time"         // the times contradict one another
	RuleImprint     = "imprint"      // the token stamps something else
	RuleRevoked     = "revoked"      // a certificate was revoked before its signature was proved to exist
	RuleRevocation  = "revocation"   // revocation data for a certificate is missing, stale or not genuine
	RuleTimestamp   = "timestamp"    // a required token is missing, or a token is not one
)

// RuleError is a container that broke a rule. RuleTrust alone says nothing
// against the bytes: the caller did not bring a root for them.
type RuleError struct {
	Rule string // one of the Rule constants
	Why  string
}

func (e *RuleError) Error() string { return "rule " + e.Rule + ": " + e.Why }

func refuse(rule, format string, args ...any) error {
	return &RuleError{Rule: rule, Why: fmt.Sprintf(format, args...)}
}

// StatusError is an authority's refusal to stamp (RFC 3161 section 2.4.2).
type StatusError struct {
	Status int    // PKIStatus: 2 rejection, 3 waiting, 4 and 5 revocation
	Text   string // the authority's words, at most 200 bytes
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("time-stamping authority refused: status %d %q", e.Status, e.Text)
}
