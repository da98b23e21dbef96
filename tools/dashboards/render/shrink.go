package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"slices"
)

// shrink rewrites a PNG with a palette, and returns its size. Charts have few colours, which the palette has exactly, and
// many shades from smoothed edges, of which one near will do: a third of the size, and no difference to see.
func shrink(file string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("reading the picture: %w", err)
	}
	full, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return 0, fmt.Errorf("decoding the picture: %w", err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduce(full)); err != nil {
		return 0, fmt.Errorf("encoding the picture: %w", err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil { //nolint:gosec // a picture for the documentation
		return 0, fmt.Errorf("writing the picture: %w", err)
	}
	return out.Len(), nil
}

func reduce(full image.Image) *image.Paletted {
	bounds := full.Bounds()
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(full.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		before := color.RGBA{}
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			counts[c]++
			if c == before { // a surface, were it the swatch of a legend, before the shades of an edge
				counts[c] += 50
			}
			before = c
		}
	}
	colours := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(code(a), code(b)))
	})
	palette := cube()
	for _, c := range colours[:min(256-len(palette), len(colours))] {
		palette = append(palette, c)
	}
	index := make(map[color.RGBA]uint8, len(counts))
	for _, c := range colours {
		index[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	return small
}

// cube is a coarse choice of all colours, so that a rare one has another near it.
func cube() color.Palette {
	const steps = 5
	level := func(i int) uint8 { return uint8(i * 255 / (steps - 1)) }
	p := make(color.Palette, 0, 256)
	for i := range steps * steps * steps {
		p = append(p, color.RGBA{R: level(i / steps / steps), G: level(i / steps % steps), B: level(i % steps), A: 255})
	}
	return p
}

func code(c color.RGBA) uint32 {
	return uint32(c.R)<<24 | uint32(c.G)<<16 | uint32(c.B)<<8 | uint32(c.A)
}
