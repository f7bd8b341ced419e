package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// A card of the demo's invented person: a picture as a phone would take it, marked as no document.
type card struct {
	title, subtitle string
	lines           [][2]string // label, value
	ground          color.RGBA
	stripes         string // drawn as a bar pattern, as on the back of a tax card
}

// jpeg draws the card at 1000 × 630 pixels.
func (c card) jpeg() ([]byte, error) {
	m := image.NewRGBA(image.Rect(0, 0, 1000, 630))
	fill(m, m.Bounds(), c.ground)
	fill(m, image.Rect(0, 0, 1000, 96), color.RGBA{16, 38, 59, 255})
	regular, err := face(goregular.TTF, 26)
	if err != nil {
		return nil, err
	}
	bold, err := face(gobold.TTF, 36)
	if err != nil {
		return nil, err
	}
	small, err := face(goregular.TTF, 20)
	if err != nil {
		return nil, err
	}
	white, ink, grey := color.RGBA{255, 255, 255, 255}, color.RGBA{23, 50, 77, 255}, color.RGBA{69, 91, 113, 255}
	say(m, bold, white, 40, 60, c.title)
	say(m, small, white, 640, 58, c.subtitle)
	left := 40
	if c.stripes == "" {
		left = 360
		portrait(m, image.Rect(40, 140, 310, 490))
	}
	for i, line := range c.lines {
		y := 170 + 78*i
		say(m, small, grey, left, y, line[0])
		say(m, regular, ink, left, y+34, line[1])
	}
	x := 40
	for _, r := range c.stripes {
		for bit := range 7 {
			if r>>bit&1 == 1 {
				fill(m, image.Rect(x, 500, x+4, 570), ink)
			}
			x += 7
		}
	}
	say(m, bold, color.RGBA{163, 34, 58, 255}, 40, 612, "FAC-SIMILE · NON È UN DOCUMENTO")
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 85}); err != nil {
		return nil, fmt.Errorf("draw card: %w", err)
	}
	return out.Bytes(), nil
}

// portrait is a head and shoulders in two tones.
func portrait(m *image.RGBA, r image.Rectangle) {
	fill(m, r, color.RGBA{221, 213, 198, 255})
	skin, cloth := color.RGBA{205, 137, 97, 255}, color.RGBA{11, 79, 138, 255}
	cx, head := (r.Min.X+r.Max.X)/2, r.Min.Y+r.Dy()*2/5
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			switch dx, dy := x-cx, y-head; {
			case dx*dx*5+dy*dy*4 < 30000:
				m.SetRGBA(x, y, skin)
			case y > head+75 && dx*dx*3+(y-r.Max.Y)*(y-r.Max.Y)*2 < 42000:
				m.SetRGBA(x, y, cloth)
			}
		}
	}
}

func fill(m *image.RGBA, r image.Rectangle, c color.RGBA) {
	draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
}

func face(ttf []byte, size float64) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
}

func say(m *image.RGBA, f font.Face, c color.RGBA, x, y int, text string) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: f, Dot: fixed.P(x, y)}
	d.DrawString(text)
}
