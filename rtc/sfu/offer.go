package sfu

import (
	"fmt"

	"github.com/pion/sdp/v3"
)

// CheckOffer refuses what the server would not serve, before any state is made for it: an offer has one audio and one
// video section and no data channel, and declares the SSRC of what it sends.
func CheckOffer(offer string) error {
	if len(offer) > MaxOffer {
		return fmt.Errorf("%w: it has %d bytes, at most %d are allowed", ErrOffer, len(offer), MaxOffer)
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return fmt.Errorf("%w: %w", ErrOffer, err)
	}
	count := map[string]int{}
	for _, m := range d.MediaDescriptions {
		if m == nil {
			return fmt.Errorf("%w: a section is empty", ErrOffer)
		}
		count[m.MediaName.Media]++
		if m.MediaName.Media != "audio" && m.MediaName.Media != "video" {
			return fmt.Errorf("%w: it asks for %q, only audio and video are served", ErrOffer, m.MediaName.Media)
		}
	}
	if count["audio"] != 1 || count["video"] != 1 {
		return fmt.Errorf("%w: it has %d audio and %d video sections, one of each is served",
			ErrOffer, count["audio"], count["video"])
	}
	return nil
}
