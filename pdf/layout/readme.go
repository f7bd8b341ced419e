package layout

import (
	_ "embed"
	"strings"

	"confermo/evidence"
)

//go:embed readme.txt
var readme string

// Readme is the README.txt of a bundle: in four languages, what is in it and how to verify it with confermo-verify and
// with openssl.
func Readme(iv *evidence.Interview) []byte {
	number, agency := iv.ID, ""
	if s := iv.Scheduled; s != nil {
		number, agency = s.Number.String(), plain(s.Agency.Name)
	}
	return []byte(strings.NewReplacer("{number}", number, "{agency}", agency, "{id}", iv.ID).Replace(readme))
}
