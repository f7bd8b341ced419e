package peer

import (
	"bytes"
	_ "embed" // the clip is part of the program
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

// The clip, four seconds: a wavering tone with a second of silence (Opus, 20 ms a page), and a test picture 320x240 with
// 15 frames and one key frame a second (VP8).
var (
	//go:embed clip.ogg
	clipOgg []byte
	//go:embed clip.ivf
	clipIVF []byte
)

// Clip is what a peer sends, over and over: encoded frames and the time each stands for.
type Clip struct {
	Audio      [][]byte
	AudioEvery time.Duration
	Video      [][]byte
	VideoEvery time.Duration
}

const (
	audioEvery = 20 * time.Millisecond
	videoEvery = time.Second / 15
	quietUntil = 50 // audio frames of the clip, from its start
)

// Synthetic is the built-in clip. It is shared: read it, never write it.
func Synthetic() Clip { return synthetic() }

var synthetic = sync.OnceValue(func() Clip {
	c, err := readClip(clipOgg, clipIVF)
	if err != nil {
		panic("internal error: embedded clip: " + err.Error())
	}
	return c
})

// readClip reads an Ogg file with one Opus packet a page, and an IVF file.
func readClip(ogg, ivf []byte) (Clip, error) {
	c := Clip{AudioEvery: audioEvery, VideoEvery: videoEvery}
	pages, _, err := oggreader.NewWith(bytes.NewReader(ogg))
	if err != nil {
		return Clip{}, fmt.Errorf("read audio: %w", err)
	}
	for {
		page, _, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Clip{}, fmt.Errorf("read audio: %w", err)
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			c.Audio = append(c.Audio, page)
		}
	}
	frames, _, err := ivfreader.NewWith(bytes.NewReader(ivf))
	if err != nil {
		return Clip{}, fmt.Errorf("read video: %w", err)
	}
	for {
		frame, _, err := frames.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return Clip{}, fmt.Errorf("read video: %w", err)
		}
		c.Video = append(c.Video, frame)
	}
	if len(c.Audio) == 0 || len(c.Video) == 0 {
		return Clip{}, errors.New("the clip has no audio or no video")
	}
	return c, nil
}

// isKeyFrame reads the frame tag (RFC 6386 section 9.1).
func isKeyFrame(vp8 []byte) bool { return len(vp8) > 0 && vp8[0]&1 == 0 }
