// Package pades signs and checks PDF signatures by incremental update.
//
// It handles PDFs of one form: a revision with a classic cross-reference table, as
// gofpdf writes it, followed by nothing but signature updates of this package. One
// update appends, and is, exactly this:
//
//	10 0 obj <</Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached
//	         /M (D:20261122101503Z) /Name (Anna Bianchi)
//	         /ByteRange [0 1500 6200 890] /Contents <3082…00>>> endobj
//	11 0 obj the field, which is also its widget on a page: /FT /Sig /F 132 /V 10 0 R
//	12 0 obj its appearance, if visible: a frame and lines of Helvetica
//	 3 0 obj the page as before, with 11 0 R at the end of /Annots
//	 9 0 obj the catalogue as before, with 11 0 R at the end of /AcroForm /Fields
//	xref, trailer with /Prev, startxref, %%EOF
//
// The signature is PAdES B-B or B-T (ETSI EN 319 142-1 clause 6) and covers the
// file from its first byte to the end of its own update, without the hexadecimal string. Two
// further kinds of update raise it to B-LT and B-LTA: revocation data as streams of DER,
// listed in the catalogue, and a document time stamp over everything before it, which has
// the form above without /M and words:
//
//	13 0 obj <</Length 1234>> stream … endstream endobj
//	 9 0 obj <<… /DSS <</Type /DSS /Certs [13 0 R] /OCSPs [14 0 R] /CRLs [15 0 R]>>>> endobj
//	16 0 obj <</Type /DocTimeStamp /Filter /Adobe.PPKLite /SubFilter /ETSI.RFC3161 /ByteRange […] /Contents <…>>> endobj
//
// The reader derives what an update must look like from the revision before it and
// compares, so an update that changes anything else, or that leaves a byte out,
// is refused: shadowing a signed page, wrapping a signature or appending
// after the last one has no form to hide in.
//
// [VerifyForeign] reads PDFs of other programs. It cannot ask for one form; it compares the
// objects of successive states instead and refuses every change that is not on a list.
//
// The package does no input or output and reads no clock; times are arguments.
package pades
