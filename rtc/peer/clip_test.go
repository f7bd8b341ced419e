package peer

import "testing"

func TestClipStartsWithAKeyFrameEverySecond(t *testing.T) {
	c := Synthetic()
	if len(c.Audio) < 190 || len(c.Video) != 60 {
		t.Fatalf("the clip has %d audio and %d video frames", len(c.Audio), len(c.Video))
	}
	for i, f := range c.Video {
		if isKeyFrame(f) != (i%15 == 0) {
			t.Errorf("frame %d: key frame %v", i, isKeyFrame(f))
		}
	}
	for i, a := range c.Audio {
		if len(a) == 0 || len(a) > 400 {
			t.Errorf("audio packet %d has %d bytes", i, len(a))
		}
	}
}

func FuzzReadClip(f *testing.F) {
	f.Add(clipOgg[:200], clipIVF[:200])
	f.Add([]byte("OggS"), []byte("DKIF"))
	f.Fuzz(func(t *testing.T, ogg, ivf []byte) {
		if c, err := readClip(ogg, ivf); err == nil && (len(c.Audio) == 0 || len(c.Video) == 0) {
			t.Error("an empty clip was read")
		}
	})
}
