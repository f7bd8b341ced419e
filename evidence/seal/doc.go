// Package seal builds and checks CMS signatures and RFC 3161 time-stamp tokens as bytes.
//
// A seal is a detached CMS SignedData (RFC 5652) with one SignerInfo, at level
// B-B or B-T of ETSI EN 319 142-1 (PAdES) or EN 319 122-1 (CAdES):
//
//	SignedData 1, SHA-256, id-data without content
//	  certificates        the signer's and its intermediates; never the root
//	  signed attributes   content-type, message-digest, signing-certificate-v2,
//	                      and signing-time in CAdES, where it is mandatory;
//	                      PAdES forbids it, because the PDF's /M says it
//	  unsigned attribute  signature-time-stamp over the signature octets (B-T)
//
// The reader knows this form and no other. It parses the input, encodes again
// what it understood, and refuses the input unless both are the same bytes: a
// value that took no part in the verification has nowhere to stand. So every
// flipped bit is refused, also those in certificates and algorithm
// parameters that other verifiers never look at. Tokens follow the same rule
// with the attributes that time-stamping authorities are known to add.
//
// Certificates of a container are exactly the signer's chain without its root:
// trust comes from the caller, a root that comes along is an unused
// certificate, and unused certificates are refused. [CleanToken] takes a
// token of an authority that sends more and leaves what is used.
//
// [Book] judges certificates by revocation data kept beside the signature: OCSP responses
// and revocation lists, each checked for who signed it, what it is about and when it spoke.
// [OpenP7M] and [VerifyForeign] read signatures of other programs, whose form is free, and say so in
// their reports.
//
// The package does no input or output and reads no clock; times are arguments.
package seal
