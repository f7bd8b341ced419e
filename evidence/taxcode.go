package evidence

import (
	"errors"
	"strings"
)

// Reasons why an Italian tax code is refused.
var (
	ErrTaxCodeLength = errors.New("tax code has not 16 characters")
	ErrTaxCodeForm   = errors.New("tax code has a character of the wrong kind")
	ErrTaxCodeCheck  = errors.New("tax code's last letter does not match")
)

// NormalTaxCode drops spaces and folds to upper case.
func NormalTaxCode(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// CheckTaxCode checks form and check letter of a codice fiscale (DM 23/12/1976 no. 13813), with the letters that replace
// digits where two persons would share a code (omocodia). An unknown or ceased birthplace is no error.
func CheckTaxCode(s string) error {
	const form = "AAAAAA00A00A000A"
	if len(s) != len(form) {
		return ErrTaxCodeLength
	}
	for i := range len(form) {
		c := s[i]
		letter := c >= 'A' && c <= 'Z'
		digit := c >= '0' && c <= '9' || strings.IndexByte("LMNPQRSTUV", c) >= 0
		if form[i] == 'A' && !letter || form[i] == '0' && !digit {
			return ErrTaxCodeForm
		}
	}
	if strings.IndexByte("ABCDEHLMPRST", s[8]) < 0 {
		return ErrTaxCodeForm
	}
	if TaxCodeLetter(s[:15]) != s[15] {
		return ErrTaxCodeCheck
	}
	return nil
}

// TaxCodeLetter computes the check letter of the first 15 characters, upper case.
func TaxCodeLetter(s string) byte {
	odd := [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	sum := 0
	for i := range len(s) {
		v := int(s[i] - 'A')
		if s[i] <= '9' {
			v = int(s[i] - '0')
		}
		if i%2 == 0 {
			v = odd[v%26]
		}
		sum += v
	}
	return byte('A' + sum%26)
}
