// Package bundle writes and strictly reads the evidence bundle of one interview: an ASiC-E container with CAdES
// (ETSI EN 319 162-1). It performs no I/O beyond its reader and writer and reads no clock.
//
// A bundle is a zip archive in exactly one form: every entry stored, no flags, no extra fields, dates of 1 January 1980,
// entries back to back, then the directory, then the end. Its entries, in this order:
//
//	mimetype                        application/vnd.etsi.asic-e+zip
//	META-INF/ASiCManifest001.xml    digests of every file from README.txt on
//	META-INF/ASiCManifest002.xml    digests of the same files and of the first manifest and its signature
//	META-INF/signature001.p7s       CAdES B-T over the first manifest
//	META-INF/timestamp001.tst       RFC 3161 token over the second manifest
//	README.txt documents/… mail/… record/… report.html summary.pdf timesheet.pdf     sorted by name
//
// [Read] takes the archive apart, builds it again from what it understood and requires the very same bytes, so nothing
// can stand in a bundle that no check looks at. It does the same with the manifests and with record/openings.json and
// record/proofs.json. Whom to trust is not its concern: package audit verifies the signatures.
// The whole specification is evidence/FORMAT.md.
package bundle
