package main

import (
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShrinkKeepsThePicture: frequent colours exactly, rare ones nearly.
func TestShrinkKeepsThePicture(t *testing.T) {
	full := image.NewRGBA(image.Rect(0, 0, 400, 300))
	for y := range 300 {
		for x := range 400 {
			full.Set(x, y, color.RGBA{R: 17, G: 18, B: 23, A: 255})
		}
	}
	for x := range 400 { // 400 colours, each once
		full.Set(x, 5, color.RGBA{R: uint8(x / 2), G: uint8(x % 256), B: 100, A: 255})
	}
	file := filepath.Join(t.TempDir(), "picture.png")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(f, full); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	size, err := shrink(file)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = os.Open(file); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != int64(size) {
		t.Errorf("said %d bytes, wrote %v", size, info)
	}
	if got.Bounds() != full.Bounds() {
		t.Errorf("bounds %v, want %v", got.Bounds(), full.Bounds())
	}
	if r, g, b, _ := got.At(200, 200).RGBA(); r>>8 != 17 || g>>8 != 18 || b>>8 != 23 {
		t.Errorf("the background became %v", got.At(200, 200))
	}
	for x := range 400 {
		r, g, b, _ := got.At(x, 5).RGBA()
		far := func(a uint32, b uint8) int { d := int(a>>8) - int(b); return d * d }
		want := full.RGBAAt(x, 5)
		if d := far(r, want.R) + far(g, want.G) + far(b, want.B); d > 3*32*32 {
			t.Errorf("colour %v became %v", want, got.At(x, 5))
		}
	}
}

func TestParameters(t *testing.T) {
	o := options{window: "2m", compare: "10m", back: 60e9, choose: "job:job_name=build;job:workflow=CI;other:job_name=x"}
	if got, want := parameters(o, "job"), "compare=10m&dashboard=job&job_name=build&range=60&window=2m&workflow=CI"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestServe: page, dashboards and Prometheus are under one address.
func TestServe(t *testing.T) {
	prometheus := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "asked "+r.URL.Query().Get("query")) }))
	defer prometheus.Close()
	target, err := url.Parse(prometheus.URL)
	if err != nil {
		t.Fatal(err)
	}
	address, stop, err := serve(t.Context(), target, "../../../deploy/grafana/dashboards")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for path, want := range map[string]string{"/": "<main", "/page.js": "draw()", "/dashboards/overview.json": "gwe-overview", "/api/v1/query?query=up": "asked up"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Client{}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v %.80s, want %q in it", path, err, body, want)
		}
	}
}

func TestHeightOf(t *testing.T) {
	h, err := heightOf("../../../deploy/grafana/dashboards/overview.json")
	if err != nil || h < 500 || h > 5000 {
		t.Errorf("height %d, %v", h, err)
	}
	if _, err := heightOf("main.go"); err == nil {
		t.Error("a file that is no dashboard has a height")
	}
}
