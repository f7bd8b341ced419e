package web

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg" // accepted pictures
	_ "image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// Bounds of an upload: of one file, of the whole request, and of a picture's pixels before anybody decodes it.
const (
	maxFile   = 12 << 20
	maxUpload = 3*maxFile + 1<<20
	maxPixels = 50_000_000
)

// Reasons why a file is refused, each with the key of its sentence.
var (
	errFileKind   = failure{http.StatusUnsupportedMediaType, "docs.redo", "upload.kind"}
	errFileBroken = failure{http.StatusUnprocessableEntity, "docs.redo", "upload.broken"}
	errFilePixels = failure{http.StatusUnprocessableEntity, "docs.redo", "upload.pixels"}
	errFileLarge  = failure{http.StatusRequestEntityTooLarge, "docs.redo", "upload.large"}
	errFileMany   = failure{http.StatusConflict, "docs.redo", "upload.many"}
	errFileNone   = failure{http.StatusUnprocessableEntity, "docs.redo", "upload.none"}
)

// received is one file of an upload: accepted, or refused with a reason.
type received struct {
	field string
	kind  string // media type, as its bytes say
	data  []byte
	err   error
}

func isMultipart(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "multipart/form-data"
}

// receive reads the files of a multipart request one by one. A file that is refused does not stop the others; a request
// that is too large ends with an error after what came before it was read.
func receive(w http.ResponseWriter, r *http.Request, fields map[string]bool) ([]received, error) {
	if r.ContentLength > maxUpload {
		return nil, errTooLarge // said before anything is read
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, errInput
	}
	var files []received
	for range 20 { // more parts than our form has
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return files, tooLargeOr(err, errInput)
		}
		if !fields[part.FormName()] || part.FileName() == "" {
			continue
		}
		f, err := readPart(part)
		if err != nil {
			return files, err
		}
		if len(f.data) > 0 || f.err != nil {
			files = append(files, f)
		}
	}
	return files, nil
}

func readPart(part *multipart.Part) (received, error) {
	f := received{field: part.FormName()}
	data, err := io.ReadAll(io.LimitReader(part, maxFile+1))
	switch {
	case err != nil:
		return f, tooLargeOr(err, errInput)
	case len(data) > maxFile:
		f.err = errFileLarge
		return f, nil
	case len(data) == 0:
		return f, nil
	}
	if f.kind, f.err = inspect(data); f.err == nil {
		f.data = data
	}
	return f, nil
}

func tooLargeOr(err error, other failure) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errTooLarge
	}
	return other
}

// inspect says what the bytes are, whatever their name: a JPEG or PNG whose header decodes within bounds, or a PDF.
// Errors: errFileKind, errFileBroken, errFilePixels.
func inspect(data []byte) (kind string, err error) {
	if bytes.HasPrefix(data, []byte("%PDF-")) {
		if !bytes.Contains(data[max(0, len(data)-2048):], []byte("%%EOF")) {
			return "", errFileBroken
		}
		return "application/pdf", nil
	}
	kind = http.DetectContentType(data)
	if kind != "image/jpeg" && kind != "image/png" {
		return "", errFileKind
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil || "image/"+format != kind:
		return "", errFileBroken
	case c.Width < 1 || c.Height < 1:
		return "", errFileBroken
	case int64(c.Width)*int64(c.Height) > maxPixels:
		return "", errFilePixels
	}
	return kind, nil
}

// extension of a stored file, by its media type.
func extension(kind string) string {
	switch kind {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "application/pdf":
		return ".pdf"
	}
	return ".bin"
}

// isImage tells what may stand in an <img>.
func isImage(kind string) bool { return strings.HasPrefix(kind, "image/") }
